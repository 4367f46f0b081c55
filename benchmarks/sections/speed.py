"""The floor and the main job, turn and turn about, at each size; then a file that is all wrong."""

from __future__ import annotations

from benchmarks.measure import Failed, Measure, Row, best
from benchmarks.runs import Bench, Summary, describe


def measure(bench: Bench) -> None:
    normal: dict[int, float] = {}
    for lines in bench.sizes:
        source = bench.file(lines)
        floors: list[Measure] = []
        runs: list[tuple[Measure, Summary]] = []
        failure = ""
        for _round in bench.rounds(3 if lines <= 1_000_000 else 1):
            floors.append(bench.floor(source))
            try:
                runs.append(bench.process(source))
            except Failed as error:
                failure = f"failed: {error}"
                break
        floor = best(floors)
        bench.add(Row("bare Polars copy, CSV to Parquet", lines, floor, floor.wall))
        if failure:
            bench.add(Row("claimsctl process", lines, None, None, failure))
            continue
        mine = best([done for done, _summary in runs])
        normal[lines] = mine.wall
        bench.add(Row("claimsctl process", lines, mine, floor.wall, describe(runs[-1][1])))
        bench.facts["summary"] = {key: runs[-1][1].get(key) for key in ("rules", "findings", "timings")}
    for lines in [n for n in normal if n <= 1_000_000][-1:]:
        title = "claimsctl process, three mistakes in every row"
        try:
            bad = [bench.process(bench.file(lines, bad=True)) for _ in bench.rounds(2)]
        except Failed as error:
            bench.add(Row(title, lines, None, None, f"failed: {error}"))
            continue
        mine = best([done for done, _summary in bad])
        note = f"{mine.wall / normal[lines]:.1f} x the normal file; {describe(bad[-1][1])}"
        bench.add(Row(title, lines, mine, None, note))
