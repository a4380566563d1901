"""How much a step has to do, and in how many threads it is done."""

import pytest

from whygrad.engines.native import build, counting, work
from whygrad.engines.request import Request
from whygrad.language.parsing import parse


def counted(text: str, *wanted: str, sizes: dict[str, int], **open_sizes: int) -> int:
    request = Request(parse(text), sizes, wanted, "float32", True)
    return work.operations(counting.work(build.planned(request, False)), open_sizes)


def test_a_product_of_matrices_counts_its_multiplications() -> None:
    text = "given x[n,i], w[i,j]\nbatch n\nz[n,j] = sum[i](x[n,i] * w[i,j])"
    assert counted(text, "z", sizes={"i": 7, "j": 5}, n=3) == 3 * 7 * 5
    assert counted(text, "z", sizes={"i": 7, "j": 5}, n=300) == 300 * 7 * 5


def test_a_function_counts_as_several() -> None:
    assert counted("given x[i]\na[i] = 2 * x[i]", "a", sizes={"i": 7}) == 7
    assert counted("given x[i]\na[i] = exp(x[i])", "a", sizes={"i": 7}) == 7 * (
        1 + counting.FUNCTION
    )


def test_loops_and_scatters_count_each_turn() -> None:
    loop = "given x[t,i]\nh[t,i] = h[t-1,i] + x[t,i]\nh[-1,i] = 0"
    assert counted(loop, "h", sizes={"t": 10, "i": 7}) == 7 + 10 * 7
    scatter = "given x[i], k[i]\nsize j = 3\na[j] = sum[i | k[i] == j](x[i])"
    assert counted(scatter, "a", sizes={"i": 7}) == 7


@pytest.mark.parametrize(
    ("operations", "threads"),
    [(0, 1), (work.ENOUGH - 1, 1), (work.ENOUGH, 2), (3 * work.ENOUGH, 4), (10**12, 8)],
)
def test_a_thread_more_for_each_30_microseconds(
    operations: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "cores", lambda: 8)
    assert work.worthwhile(operations) == threads
