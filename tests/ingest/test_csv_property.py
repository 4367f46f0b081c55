"""Generated CSV files, well-formed and damaged: nothing lost, nothing invented, lines numbered right."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimsctl.errors import InputError
from claimsctl.ingest.csv_reader import CsvSource
from claimsctl.ingest.parts import Source
from claimsctl.ingest.recognise import recognise
from claimsctl.ingest.sources import open_sources
from claimsctl.ingest.stream import InputFile, Limits

LINE_END = re.compile(r"\r\n|\n|\r")
PIECES = [",,,", "a", "7", " ", "é", "€", ",", ";", '"', '""', "\n", "\r\n", "\t", "|", "x,y", "'", "#"]


def open_csv(data: bytes, chunk_bytes: int | None = None) -> Source:
    with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as handle:
        handle.write(data)
    file = InputFile.at(Path(handle.name), "generated.csv")
    try:
        return CsvSource(file, 0, "generated.csv", recognise(file, Limits()), Limits(), chunk_bytes)
    except InputError:
        file.path.unlink()
        raise


def gather(
    source: Source, batch_rows: int, required: frozenset[int] = frozenset()
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[int]]:
    try:
        parts = list(source.parts(batch_rows, required_indexes=required))
    finally:
        source.file.path.unlink()
    rows = [row for part in parts for row in part.rows.rows()]
    malformed = [row for part in parts for row in part.malformed.rows()]
    blanks = [number for part in parts for number in part.blank_rows]
    if not any(part.malformed.height or len(part.blank_rows) for part in parts):
        assert all(part.rows.height == batch_rows for part in parts[:-1])
    return rows, malformed, blanks


@st.composite
def dialects(draw: st.DrawFn) -> tuple[str, str]:
    return draw(st.sampled_from([",", ";", "\t", "|"])), draw(st.sampled_from(["\n", "\r\n", "\r"]))


def written(cells: list[str], delimiter: str, quote_all: bool) -> str:
    out = []
    for cell in cells:
        special = any(mark in cell for mark in (delimiter, '"', "\n", "\r"))
        if special or quote_all or (len(cells) == 1 and not cell.strip()):
            cell = '"' + cell.replace('"', '""') + '"'
        out.append(cell)
    return delimiter.join(out)


def lines_in(text: str) -> int:
    return len(LINE_END.findall(text))


def cells_of(pieces: list[str], line_end: str, bounded: bool) -> str:
    text = "".join(pieces)
    if line_end == "\r":
        text = LINE_END.sub("\r", text)
    # Next to damaged lines, quoted text that begins or ends with a delimiter could be read in two ways.
    return f"a{text}z" if bounded and any(mark in text for mark in '"\r\n') else text


@dataclass
class File:
    data: bytes
    good: list[tuple[int | str, ...]]
    bad: list[int]
    blank: list[int]


@st.composite
def files(draw: st.DrawFn, damaged: bool) -> File:
    delimiter, line_end = draw(dialects())
    width = draw(st.integers(2, 5))
    cell = st.lists(st.sampled_from(PIECES), max_size=5).map(lambda p: cells_of(p, line_end, damaged))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=12))
    preamble = draw(st.sampled_from(["", "# about, this\n", "\n\n# x\n"])).replace("\n", line_end)
    header = delimiter.join(f"h{i}" for i in range(width))
    text = draw(st.sampled_from(["", "\ufeff"])) + preamble + header + line_end
    file = File(text.encode(), [], [], [])
    line = 1 + lines_in(text)
    waiting: list[int] = []
    for cells in rows:
        kind = draw(st.sampled_from(["good"] * 4 + ([*BAD, "empty"] if damaged else [])))
        if kind == "empty":
            waiting.append(line)
            file.data += draw(st.sampled_from([b"", b"  "])) + line_end.encode()
            line += 1
            continue
        file.blank += waiting
        waiting = []
        if kind != "good":
            record = damaged_record(kind, width, delimiter)
            file.bad.append(line)
        else:
            record = written(cells, delimiter, draw(st.booleans())).encode()
            if any(cell.strip() for cell in cells):
                file.good.append((line, *cells))
            else:
                file.blank.append(line)
        file.data += record + line_end.encode()
        line += 1 + lines_in(record.decode("utf-8", "replace"))
    if rows and draw(st.booleans()):
        file.data = file.data.removesuffix(line_end.encode())
    return file


BAD = ["surplus", "missing", "nul", "bytes", "open", "open_late"]


def damaged_record(kind: str, width: int, delimiter: str) -> bytes:
    cells = [b"v%d" % i for i in range(width)]
    if kind == "surplus":
        cells.append(b"more")
    elif kind == "missing":
        cells.pop()
    elif kind == "nul":
        cells[-1] = b"x\0y"
    elif kind == "bytes":
        cells[0] = b"x\x81y"
    elif kind == "open":
        cells[0] = b'"x'
    elif kind == "open_late":
        cells[-1] = b'"x'
    return delimiter.encode().join(cells)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(damaged=False), st.integers(1, 200), st.integers(1, 5))
def test_well_formed_files_are_read_verbatim(file: File, chunk_bytes: int, batch_rows: int) -> None:
    rows, malformed, blanks = gather(open_csv(file.data, chunk_bytes), batch_rows)
    assert malformed == []
    assert rows == file.good
    assert blanks == file.blank


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(damaged=True), st.integers(1, 300), st.integers(1, 5))
def test_bad_records_never_touch_good_ones(file: File, chunk_bytes: int, batch_rows: int) -> None:
    source = open_csv(file.data, chunk_bytes)
    rows, malformed, blanks = gather(source, batch_rows, frozenset(range(source.width)))
    assert [number for number, *_ in malformed] == file.bad
    assert rows == file.good
    assert blanks == file.blank


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from([*(p.encode() for p in PIECES), b"\0", b"\xff", b"a,b,c\n", b'"a\nb",c,d\n']),
        max_size=60,
    ),
    st.integers(1, 200),
)
def test_any_bytes_give_the_same_answer_at_any_chunk_size(pieces: list[bytes], chunk_bytes: int) -> None:
    data = b"h1,h2,h3\n" + b"".join(pieces)
    try:
        whole = gather(open_csv(data), 1000)
    except InputError:
        return
    assert gather(open_csv(data, chunk_bytes), 1000) == whole
    rows, malformed, blanks = whole
    taken = sorted([row[0] for row in rows] + [row[0] for row in malformed] + blanks)
    assert taken == sorted(set(taken))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.text(alphabet='ab ,"\n;é', max_size=6), min_size=3, max_size=3), min_size=1, max_size=20
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 120),
)
def test_the_standard_library_reads_the_same(
    rows: list[list[str]], quoting: int, line_end: str, chunk_bytes: int
) -> None:
    target = io.StringIO(newline="")
    csv.writer(target, quoting=quoting, lineterminator=line_end).writerows([["h1", "h2", "h3"], *rows])
    expected = list(csv.reader(io.StringIO(target.getvalue(), newline="")))[1:]
    found, malformed, blanks = gather(open_csv(target.getvalue().encode(), chunk_bytes), 7)
    assert malformed == []
    assert [list(row[1:]) for row in found] == [row for row in expected if any(cell.strip() for cell in row)]
    assert len(found) + len(blanks) == len(expected)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.text(alphabet='ab ,"\n;é', max_size=6), st.booleans(), st.sampled_from(["", " ", "  "])
            ),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 120),
)
def test_the_standard_library_skips_the_same_blanks_before_quotes(
    rows: list[list[tuple[str, bool, str]]], line_end: str, chunk_bytes: int
) -> None:
    records = [
        ",".join(
            blanks + (written([text], ",", True) if quoted or any(mark in text for mark in ',"\n') else text)
            for text, quoted, blanks in cells
        )
        for cells in rows
    ]
    text = line_end.join(['"h1", "h2", "h3"', *records]) + line_end
    expected = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    source = open_csv(text.encode(), chunk_bytes)
    found, malformed, blanks = gather(source, 7)
    assert source.header == tuple(expected[0])
    assert malformed == []
    assert len(found) + len(blanks) == len(rows)
    for number, row in enumerate([row for row in expected[1:] if any(cell.strip() for cell in row)]):
        for cell, other in zip(found[number][1:], row, strict=True):
            # What is not quoted keeps its blanks here.
            assert cell == other or cell.lstrip(" ") == other


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_only_input_errors(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.csv"
        path.write_bytes(data)
        with contextlib.suppress(InputError):
            for source in open_sources([str(path)], spool_dir=Path(folder)):
                list(source.parts(10))
