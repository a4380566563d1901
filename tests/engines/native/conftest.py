"""What tests of the native engine share."""

import pytest
from tests.engines.native.emulation import emulated

from whygrad.engines.native import NativeProgram, epoch, executable, jit, once
from whygrad.engines.reference import ReferenceProgram

OTHERS = {"AVX2": jit.AVX2, "x86-64": jit.X86, "Arm": jit.ARM}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference engine must not be called for help."""

    def refuse(*_: object) -> None:
        raise AssertionError("the reference engine was asked")

    monkeypatch.setattr(ReferenceProgram, "run", refuse)
    monkeypatch.setattr(ReferenceProgram, "epoch", refuse)


@pytest.fixture(params=OTHERS.values(), ids=OTHERS)
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> jit.Target:
    """A plainer processor than this one, or one of another kind, which is emulated.

    What the native engine cannot do itself is not left to the reference engine.
    """
    target: jit.Target = request.param

    def refuse(program: NativeProgram) -> None:
        raise AssertionError("the reference engine was asked")

    monkeypatch.setattr(NativeProgram, "_reference", property(refuse))
    features = [feature.removeprefix("+") for feature in target.features.split(",") if feature]
    alike = (target.is_x86, target.is_arm) == (jit.host().is_x86, jit.host().is_arm)
    if alike and all(map(jit.host().has, features)):
        return target
    if target.is_x86:
        pytest.skip("this processor cannot run it")
    if not emulated.installed:
        pytest.skip("there is no emulator of Arm")
    monkeypatch.setattr(executable, "Library", emulated.Linked)
    monkeypatch.setattr(epoch, "Executable", emulated.Emulated)
    monkeypatch.setattr(once, "Executable", emulated.Emulated)
    return target
