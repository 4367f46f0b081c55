"""The rejected rows of one input, as given, in its own format, with what is wrong beside them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final, Literal, Protocol

import polars as pl

from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.text import CsvStream, JsonLinesStream, neutral_header, neutralise_columns, ready_cells
from claimsctl.write.trouble import writing
from claimsctl.write.workbook import Style, WorkbookStream

InputFormat = Literal["csv", "parquet", "xlsx", "json", "sql"]
"""Format of an input; what came from a database ("sql") is written as CSV."""
AS_CSV: Final = ("csv", "sql")
"""Formats whose rows are written as CSV, where a missing value is a blank cell."""
OWN_COLUMNS: Final = ("row_number", "error_codes", "error_messages")
HELD_COLUMNS: Final = ("row_number", "denial_risk", "risk_reasons")
"""What stands beside the rows of claims that are held back."""
OTHER_LINE: Final = "Nothing wrong on this line: another line of its claim has an error."
_ENDINGS: Final[Mapping[InputFormat, tuple[str, ...]]] = {
    "csv": (".csv", ".tsv", ".txt"),
    "parquet": (".parquet",),
    "xlsx": (".xlsx",),
    "json": (".jsonl", ".ndjson"),
    "sql": (".csv",),
}
_WORST_FIRST: Final[tuple[Style, ...]] = ("error", "warning", "info")
_LONGEST_NAME: Final = 120


class RejectedSource(Protocol):
    """What is needed of an opened input (claimsctl.ingest.parts.Source)."""

    @property
    def name(self) -> str:
        """File name, or "-" for standard input."""

    @property
    def format(self) -> InputFormat:
        """Format of the input, and so of its rejected rows."""

    @property
    def header(self) -> Sequence[str]:
        """Header cells, verbatim."""

    @property
    def delimiter(self) -> str | None:
        """Of a CSV file."""

    @property
    def encoding(self) -> str | None:
        """Of a CSV file."""


def rejected_names(sources: Sequence[RejectedSource], what: str = "rejected") -> list[str]:
    """File names for the rejected (or held: `what`) rows of the inputs of a run, in their order.

    One input: "rejected.csv"; several: "rejected/<input name>", told apart where names repeat.
    """
    if len(sources) == 1:
        return [f"{what}{_ENDINGS[sources[0].format][0]}"]
    taken: set[str] = set()
    names = []
    for source in sources:
        stem, ending = _stem_and_ending(source.name, source.format)
        number = 1
        while (name := f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}").casefold() in taken:
            number += 1
        taken.add(name.casefold())
        names.append(f"{what}/{name}")
    return names


class RejectedWriter:
    """Rejected rows of one input with row_number, error_codes and error_messages after its own columns,
    or held ones with other columns in their place (`added`).

    `fields` says in which raw column a canonical column stands: in a workbook those cells are coloured
    by severity, with the fix as a comment. `own_columns` numbers the columns that an earlier run added
    and that are replaced. A CSV file that did not come as plain UTF-8 gets a byte order mark, without
    which Excel would misread it. Without rows there is no file.
    """

    def __init__(
        self,
        out: OutputDir,
        name: str,
        source: RejectedSource,
        fields: Mapping[str, int],
        *,
        own_columns: Collection[int] = (),
        safe_csv: bool = False,
        added: tuple[str, str, str] = OWN_COLUMNS,
    ) -> None:
        self._out = out
        self._name = name
        self._sheet = "Rejected" if added == OWN_COLUMNS else "Held"
        self._format = source.format
        self._delimiter = source.delimiter or ","
        self._bom = source.encoding not in (None, "utf-8")
        self._safe = safe_csv and source.format in AS_CSV
        self._kept = [n for n in range(len(source.header)) if n not in own_columns]
        given = [source.header[n] for n in self._kept]
        self._header = [*(neutral_header(given) if self._safe else given), *added]
        if source.format in ("parquet", "json"):
            self._header = distinct(self._header)
        place = {raw: position for position, raw in enumerate(self._kept)}
        self._places = {field: place[raw] for field, raw in fields.items() if raw in place}
        self._file: CsvStream | JsonLinesStream | ParquetStream | WorkbookStream | None = None

    @property
    def names(self) -> dict[str, str]:
        """Raw column -> its header as a reader of the file knows it, those that repeat told apart."""
        told = told_apart(self._header)
        return {f"c{n}": told[place] for place, n in enumerate(self._kept)}

    @property
    def notes(self) -> list[str]:
        """What the format could not hold, for the user; complete after close."""
        return self._file.notes if isinstance(self._file, WorkbookStream) else []

    def write(
        self,
        rows: pl.DataFrame,
        findings: pl.DataFrame,
        *,
        otherwise: str | pl.Series = OTHER_LINE,
        codes: pl.Series | None = None,
    ) -> None:
        """Append rows (row_number, c0, c1, ... verbatim) with the findings on them.

        Findings match by row_number; those of other rows are passed over. Only errors are listed in
        the added columns. A row without an error gets the text `otherwise`, one for all or one per row.
        `codes` stand in the place of the codes of findings.
        """
        if not rows.height:
            return
        if self._file is None:
            self._file = self._open()
        explained = _explain(rows, findings, otherwise)
        if codes is not None:
            explained = explained.with_columns(codes.alias("error_codes"))
        self._append(self._file, explained, findings)

    def close(self) -> tuple[Path | None, int]:
        """Finish the file; its final path, None without rows, and the number of rows."""
        if self._file is None:
            return None, 0
        self._file.close()
        return self._file.path, self._file.rows

    def _open(self) -> CsvStream | JsonLinesStream | ParquetStream | WorkbookStream:
        match self._format:
            case "csv" | "sql":
                return CsvStream(
                    self._out, self._name, self._header, delimiter=self._delimiter, bom=self._bom
                )
            case "json":
                return JsonLinesStream(self._out, self._name)
            case "xlsx":
                return WorkbookStream(self._out, self._name, self._sheet, self._header)
            case "parquet":
                schema: dict[str, pl.DataType] = dict.fromkeys(self._header, pl.String())
                return ParquetStream(self._out, self._name, schema | {self._header[-3]: pl.Int64()})

    def _append(
        self,
        file: CsvStream | JsonLinesStream | ParquetStream | WorkbookStream,
        rows: pl.DataFrame,
        findings: pl.DataFrame,
    ) -> None:
        cells = [f"c{n}" for n in self._kept]
        match file:
            case WorkbookStream():
                self._write_cells(file, rows.select(*cells, *OWN_COLUMNS), findings)
            case CsvStream():
                frame, quoted = self._for_csv(rows, cells)
                file.write(frame, quoted=quoted)
            case _:
                named = dict(zip((*cells, *OWN_COLUMNS), self._header, strict=True))
                file.write(rows.select(pl.col(old).alias(new) for old, new in named.items()))

    def _for_csv(self, rows: pl.DataFrame, cells: list[str]) -> tuple[pl.DataFrame, bool]:
        """Rows ready to write, and whether their cells are quoted already."""
        texts = [*cells, "error_codes", "error_messages"]
        # Messages are ours, not kept as given: they never run, also where they begin with a value.
        rows = neutralise_columns(rows, texts if self._safe else texts[-2:])
        return ready_cells(rows.select(*cells, "row_number", *texts[-2:]), texts, self._delimiter)

    def _write_cells(self, file: WorkbookStream, rows: pl.DataFrame, findings: pl.DataFrame) -> None:
        row_place, codes_place, message_place = (len(self._kept) + n for n in range(3))
        marks = self._marks(rows, findings, message_place)
        with writing(file.path):
            for *cells, row_number, codes, messages in rows.iter_rows():
                file.next_row()
                mark = marks.get(row_number, {})
                for place, text in enumerate((*cells, None, codes, messages)):
                    if place == row_place:
                        file.value(place, row_number)
                    elif place in mark:
                        file.text(place, text, *mark[place])
                    else:
                        file.text(place, text, "text" if place < codes_place else None)

    def _marks(
        self, rows: pl.DataFrame, findings: pl.DataFrame, message_place: int
    ) -> dict[int, dict[int, tuple[Style, str]]]:
        """Row number -> cell -> its colour and comment, of the given rows."""
        marks: dict[int, dict[int, tuple[Style, str]]] = {}
        here = findings.join(rows.select("row_number"), on="row_number", how="semi")
        columns = here.select("row_number", "field", "severity", "code", "message", "suggestion")
        for row_number, field, severity, code, message, suggestion in columns.iter_rows():
            place = self._places.get(field, message_place)
            comment = f"{code}: {message}" + (f"\nFix: {suggestion}" if suggestion else "")
            row = marks.setdefault(row_number, {})
            if place in row:
                style, before = row[place]
                worst = min(style, severity, key=_WORST_FIRST.index)
                row[place] = (worst, before if comment in before else f"{before}\n\n{comment}")
            else:
                row[place] = (severity, comment)
        return marks


def _explain(rows: pl.DataFrame, findings: pl.DataFrame, otherwise: str | pl.Series) -> pl.DataFrame:
    """Rows with error_codes and error_messages, one text each, in the order of the findings."""
    joined = (
        findings.filter(pl.col("severity") == "error", pl.col("row_number").is_not_null())
        .group_by("row_number", maintain_order=True)
        .agg(error_codes="code", error_messages="message")
        .with_columns(
            pl.col("error_codes").list.unique(maintain_order=True).list.join("; "),
            pl.col("error_messages").list.unique(maintain_order=True).list.join(" | "),
        )
    )
    explained = rows.with_columns(pl.col("row_number").cast(pl.Int64)).join(
        joined, on="row_number", how="left", maintain_order="left"
    )
    return explained.with_columns(
        pl.when(pl.col("error_codes").is_null())
        .then(pl.lit(otherwise))
        .otherwise(pl.col("error_messages"))
        .alias("error_messages")
    )


def told_apart(header: Sequence[str]) -> list[str]:
    """The headers, those that repeat an earlier one under a name that nobody gives."""
    seen: set[str] = set()
    names = []
    for number, name in enumerate(header):
        names.append(f"\0{number}" if name in seen else name)
        seen.add(name)
    return names


def distinct(names: Iterable[str]) -> list[str]:
    """The names, with one that an earlier one has taken told apart by a number."""
    taken: list[str] = []
    for name in names:
        number, new = 2, name
        while new in taken:
            number, new = number + 1, f"{name}_{number}"
        taken.append(new)
    return taken


def _stem_and_ending(given: str, kind: InputFormat) -> tuple[str, str]:
    name = PurePath(given.replace("\\", "/")).name
    name = re.sub(r"\.(gz|zst|zstd)$", "", name, flags=re.IGNORECASE)
    stem, ending = PurePath(name).stem, PurePath(name).suffix.lower()
    stem = re.sub(r"[\x00-\x1f\x7f/:*?\"<>|]", "_", stem).lstrip(".")
    stem = "stdin" if stem == "-" else stem[:_LONGEST_NAME].strip() or "input"
    return stem, ending if ending in _ENDINGS[kind] else _ENDINGS[kind][0]
