"""What tests of the native engine share."""

import pytest

from whygrad.engines.reference import ReferenceProgram


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference engine must not be called for help."""

    def refuse(*_: object) -> None:
        raise AssertionError("the reference engine was asked")

    monkeypatch.setattr(ReferenceProgram, "run", refuse)
    monkeypatch.setattr(ReferenceProgram, "epoch", refuse)
