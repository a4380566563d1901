"""Results as a table of Markdown, which is also what is printed, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from .contest import COMPARED, TOLERANCE, Result
from .peers import ENGINE, OURS, PEERS

CONTENDERS = (OURS, ENGINE, *PEERS)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they have to be; all but the first are numbers, and stand at the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def written(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}{':' if column else '-'}" for column, width in enumerate(widths)]
    return "\n".join([written(header), written(rule), *map(written, lines[1:])])


def number(value: float) -> str:
    """With three digits, or all those before the point."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".")


def contest_table(results: Sequence[Result]) -> str:
    """Microseconds a step, and how they compare."""
    header = [
        "workload",
        *(peer.title for peer in CONTENDERS),
        "ratio",
        "at least",
        "GFLOP/s",
        "of sgemm",
        "of peak",
        "weights",
    ]
    return table(header, map(_row, results)) + "\n\n" + _legend(results)


def _row(result: Result) -> list[str]:
    ratio, speed = result.ratio, result.speed
    cells = [f"{result.workload.name}: {result.workload.layers}"]
    for peer in CONTENDERS:
        best = result.best(peer.title)
        cells.append(number(best[0] * 1e6) + ("¹" if best[1] == 1 else "") if best else "")
    cells += ["" if ratio is None else number(ratio), number(result.workload.target)]
    if speed is None:
        cells += ["", "", ""]
    else:
        peaks = (median(result.sgemm), median(result.arithmetic))
        cells += [number(speed), *(f"{speed / peak:.0%}" for peak in peaks)]
    return [*cells, f"{max(result.distances.values(), default=0):.0e}"]


def _legend(results: Sequence[Result]) -> str:
    sgemm = median(speed for result in results for speed in result.sgemm)
    peak = median(speed for result in results for speed in result.arithmetic)
    lines = [
        "Microseconds a step, medians; ¹ with one thread, which was faster than two. The ratio is "
        "that of the fastest peer to `net.train`.",
        f"In the same run both cores together reach {number(sgemm)} GFLOP/s in sgemm and "
        f"{number(peak)} GFLOP/s in registers alone.",
        f"weights: how far from those in double precision the worst of all is after {COMPARED} "
        f"steps, as a share of the way gone (at most {TOLERANCE:.0e}).",
    ]
    named = {result.workload.name: result for result in results}
    sgd, adam = (
        named[name].best(OURS.title) if name in named else None
        for name in ("fashion", "fashion-adam")
    )
    if sgd and adam:
        lines.append(
            f"Adam takes {number(adam[0] / sgd[0])} times as long as SGD on fashion (at most 1.3)."
        )
    return "\n".join(f"- {line}" for line in lines)


def contest_json(results: Sequence[Result]) -> list[dict[str, object]]:
    """All rounds of all contenders."""
    return [
        {
            "workload": result.workload.name,
            "layers": result.workload.layers,
            "steps_an_epoch": result.workload.steps,
            "operations": result.workload.operations,
            "ratio": result.ratio,
            "target": result.workload.target,
            "gflops": result.speed,
            "sgemm_gflops": result.sgemm,
            "arithmetic_gflops": result.arithmetic,
            "contenders": [
                {
                    "title": title,
                    "threads": threads,
                    "seconds_a_step": seconds,
                    "distance": result.distances[title, threads],
                }
                for (title, threads), seconds in result.seconds.items()
            ],
        }
        for result in results
    ]
