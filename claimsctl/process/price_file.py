"""The job of `claimsctl price` on files: lines in, the same lines with what they should pay out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl import __version__
from claimsctl.errors import InputError, InternalError, UsageError
from claimsctl.facts.typed import clean_cells
from claimsctl.ingest.sources import RawPart, Source
from claimsctl.price.explain import Step
from claimsctl.price.line import OUTPUT
from claimsctl.price.ranked import ranked
from claimsctl.process.beside import (
    job_name,
    left_out,
    raw_parts,
    refuse_taken,
    remove_leftovers,
    with_blank_rows,
)
from claimsctl.process.claim_totals import CLAIM, ClaimTotals
from claimsctl.process.comparing_prices import Comparison
from claimsctl.process.intake import Input, notes_of
from claimsctl.process.prepare import open_inputs
from claimsctl.process.price_line import LinePricing
from claimsctl.process.pricing import PriceBook
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.screen import FOOTER_ROWS, footers, repeated_headers
from claimsctl.security import audit
from claimsctl.store.workspace import Workspace
from claimsctl.write.errors import MalformedWriter
from claimsctl.write.files import OutputDir
from claimsctl.write.lines import LinesWriter
from claimsctl.write.rejected import InputFormat

REQUIRED: Final = ("procedure_code", "service_date_from")
"""What a file must have to be priced."""
FORMATS: Final[Mapping[str, tuple[InputFormat, str]]] = {
    ".csv": ("csv", ","), ".tsv": ("csv", "\t"), ".parquet": ("parquet", ","), ".xlsx": ("xlsx", ","),
}  # fmt: skip
"""Format and delimiter of the output by the end of its name."""


@dataclass(frozen=True)
class Target:
    """The file to write: as RejectedSource, for LinesWriter, and where it lies."""

    path: Path
    format: InputFormat
    header: Sequence[str]
    delimiter: str
    encoding: str | None

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name

    @property
    def malformed(self) -> Path:
        """Where records go that could not be read: `priced.malformed.csv` for --out priced.csv."""
        return self.path.with_name(f"{self.path.stem}.malformed.csv")

    @property
    def claims(self) -> Path:
        """Where the totals of claims go: `priced.claims.csv`, in the format of the lines."""
        return self.path.with_name(f"{self.path.stem}.claims{self.path.suffix}")


def price_files(
    request: Request,
    pricing: LinePricing,
    workspace: Workspace,
    *,
    house: Mapping[str, str],
    other: tuple[str, LinePricing] | None = None,
    by_claim: bool = False,
    replaces: bool = False,
    progress: Progress = lambda *_: None,
) -> dict[str, object]:
    """Price the inputs of the request, into `request.out` where it is given; what came out, without values.

    `other`: the same lines are priced by a second schedule too, under that name; `by_claim`: the totals of
    claims are written too, beside `request.out`. Raises UsageError for inputs with different headers and for
    an output that may not be written, InputError for an input without a column that is needed.
    """
    with workspace.scratch() as spool:
        # What a profile requires is of no matter here.
        inputs = open_inputs(replace(request, profile=Request.profile), spool, house)
        _check(inputs, (*REQUIRED, "claim_number") if by_claim else REQUIRED)
        run = _Run(request, inputs, pricing, other, spool, progress, by_claim=by_claim)
        target = _target(request.out, inputs[0].source, run) if request.out is not None else None
        if target is not None:
            sources = [each.source for each in inputs]
            written = [target.path, target.malformed, *([target.claims] if by_claim else [])]
            refuse_taken(written, sources, replace=replaces)
        outputs, notes = _write(run, target, replaces=replaces)
    audit.record(workspace, "price", count=run.read, out_files=len(outputs))
    if target is None:
        notes = [*notes_of(inputs), *notes]
    else:
        notes = [*(n for each in inputs for n in left_out(each.source, "priced file")), *notes]
    return run.summary(outputs, notes)


def explain_row(
    request: Request, pricing: LinePricing, workspace: Workspace, *, house: Mapping[str, str], row: int
) -> tuple[pl.DataFrame, list[Step]]:
    """The line of the row `row` of the one input with its price, and how that came about, ranked among all
    lines of the file. UsageError when there is no line in that row.
    """
    with workspace.scratch() as spool:
        inputs = open_inputs(replace(request, profile=Request.profile), spool, house)
        _check(inputs, REQUIRED)
        if len(inputs) != 1:
            raise UsageError(f"{len(inputs)} files were named.", hint="Name the one that --row is of.")
        return _Run(request, inputs, pricing, None, spool, lambda *_: None).explain(row)


def _check(inputs: Sequence[Input], required: Sequence[str]) -> None:
    for each in inputs:
        lacking = [name for name in required if not each.layout.gives(name)]
        if lacking:
            raise InputError(
                f"{each.source.path}: has no column for {' and '.join(lacking)}; nothing can be priced.",
                hint=f'Name it with --map "Their Header={lacking[0]}", or give it with --set.',
            )
        if list(each.source.header) != list(inputs[0].source.header):
            raise UsageError(
                f"{each.source.path} has other columns than {inputs[0].source.path}.",
                hint="Price files with different columns one by one.",
            )


def _target(out: Path, source: Source, run: _Run) -> Target:
    out = out.absolute()
    kind = FORMATS.get(out.suffix.lower())
    if kind is None or out.is_dir():
        raise UsageError(
            f"{out} does not say in which format to write.",
            hint=f"Name a file that ends in {', '.join(FORMATS)} with --out.",
        )
    encoding = source.encoding if source.format == "csv" else None
    return Target(out, kind[0], [source.header[n] for n in run.carried], kind[1], encoding)


class _Run:
    """Two passes over the inputs: a look at all lines together, then every line with its price."""

    def __init__(
        self,
        request: Request,
        inputs: Sequence[Input],
        pricing: LinePricing,
        other: tuple[str, LinePricing] | None,
        spool: Path,
        progress: Progress,
        *,
        by_claim: bool = False,
    ) -> None:
        self.inputs = inputs
        self.book = PriceBook()
        self.comparison = Comparison(other[0]) if other is not None else None
        self.read = self.written = self.malformed = self.no_lines = 0
        self._request = request
        self._pricings = [pricing] if other is None else [pricing, other[1]]
        self._progress = progress
        self._spool = spool
        self._ranked: list[pl.DataFrame] = []
        self._footers: dict[int, pl.Series] = {}
        header = inputs[0].source.header
        self.added = {**OUTPUT, **(self.comparison.columns if self.comparison else {})}
        self.carried = [n for n, name in enumerate(header) if name.strip() not in self.added]
        self.replaced = len(header) - len(self.carried)
        self.claims = ClaimTotals(self.added) if by_claim else None

    def parts(self) -> Iterator[tuple[Source, RawPart, pl.DataFrame]]:
        """Each part with its rows as they came and the columns `added`, blank rows in their places."""
        self._look()
        for each, part, rows in self._raw("pricing"):
            prices = self._priced(each, rows)
            carried = [pl.col(f"c{n}").alias(f"c{place}") for place, n in enumerate(self.carried)]
            given = rows.select("row_number", *carried).with_columns(prices.get_columns())
            self.read += rows.height + part.malformed.height + len(part.blank_rows)
            self.written += rows.height + len(part.blank_rows)
            self.malformed += part.malformed.height
            yield each.source, part, with_blank_rows(given, part.blank_rows)

    def explain(self, row: int) -> tuple[pl.DataFrame, list[Step]]:
        """The line of a row with its price, and the steps to it."""
        self._look()
        for each, _, rows in self._raw("pricing"):
            found = rows.filter((pl.col("row_number") == row) & ~self._no_lines(each, rows))
            if found.height:
                frame = self._pricings[0].typed(found, each.layout)
                pricing, ranks = self._pricings[0], self._ranked[0]
                return pricing.priced(frame, ranks), pricing.steps(frame, ranks)
        raise UsageError(
            f"{self.inputs[0].source.path} has no line in row {row:,}.",
            hint="Rows are counted from 1, the header's; records of Parquet and JSON from 1.",
        )

    def _look(self) -> None:
        """Pass 1: which rows at the ends of the inputs are no lines, and what lines say of each other."""
        tails: dict[int, pl.DataFrame] = {}
        for number, (each, _, rows) in enumerate(self._raw("reading")):
            index = each.source.index
            tails[index] = pl.concat([*([tails[index]] if index in tails else []), rows]).tail(FOOTER_ROWS)
            frame = self._pricings[0].typed(rows, each.layout)
            for place, pricing in enumerate(self._pricings):
                # Only few lines are ranked, but those of a day may stand far apart.
                found = pricing.candidates(frame)
                found.write_parquet(self._spool / f"ranked-{place}-{number:05d}.parquet", statistics=False)
        for each in self.inputs:
            index = each.source.index
            if index in tails:
                tail = tails[index]
                self._footers[index] = tail["row_number"].filter(footers(clean_cells(tail), each.layout))
        if tails:
            self._ranked = [
                ranked(pl.scan_parquet(self._spool / f"ranked-{place}-*.parquet"))
                for place in range(len(self._pricings))
            ]

    def _priced(self, each: Input, rows: pl.DataFrame) -> pl.DataFrame:
        """The columns `added` for the rows, null where a row is no line."""
        no_line = self._no_lines(each, rows)
        lines = rows.filter(~no_line)
        frame = self._pricings[0].typed(lines, each.layout)
        pairs = zip(self._pricings, self._ranked, strict=True)
        frames = [pricing.priced(frame, found) for pricing, found in pairs]
        self.book.add(frames[0], pl.repeat(False, lines.height, eager=True))
        prices = frames[0].select(list(OUTPUT))
        if self.comparison is not None:
            prices = prices.with_columns(self.comparison.add(*frames).get_columns())
        if self.claims is not None:
            said = frames[0].select([n for n in (*CLAIM, "charge_amount") if n in frames[0].columns])
            self.claims.add(said.with_columns(lines["row_index"], *prices.get_columns()))
        if lines.height == rows.height:
            return prices
        self.no_lines += rows.height - lines.height
        prices = prices.with_columns(lines["row_index"])
        joined = rows.select("row_index").join(prices, on="row_index", how="left", maintain_order="left")
        return joined.drop("row_index")

    def _no_lines(self, each: Input, rows: pl.DataFrame) -> pl.Series:
        """True for headers of glued files and totals at the end."""
        end = self._footers.get(each.source.index)
        no_line = repeated_headers(rows, each.source.header)
        return no_line if end is None or end.is_empty() else no_line | rows["row_number"].is_in(end.implode())

    def _raw(self, stage: str) -> Iterator[tuple[Input, RawPart, pl.DataFrame]]:
        """Raw parts of all inputs, with their rows numbered through the run (row_index)."""
        done = rows = 0
        total = sum(each.source.bytes for each in self.inputs)
        for each in self.inputs:
            for part in raw_parts(each, self._request, REQUIRED):
                index = pl.int_range(rows, rows + part.rows.height, dtype=pl.UInt32, eager=True)
                yield each, part, part.rows.with_columns(index.alias("row_index"))
                rows += part.rows.height
                self._progress(stage, done + part.bytes_read, total, rows)
            done += each.source.bytes

    def summary(self, outputs: Mapping[str, Path], notes: Sequence[str]) -> dict[str, object]:
        """What came out."""
        pricing = self._pricings[0].schedule
        return {
            "command": "price",
            "version": __version__,
            "inputs": [{"path": str(e.source.path), "format": e.source.format} for e in self.inputs],
            "rows": {
                "read": self.read, "lines": self.book.lines.total(), "no_lines": self.no_lines,
                "blank": self.written - self.book.lines.total() - self.no_lines, "malformed": self.malformed,
            },
            "releases": list(pricing.releases),
            "pricing": self.book.summary(),
            **({"comparison": self.comparison.summary()} if self.comparison else {}),
            "notes": list(notes),
            "outputs": {name: str(path) for name, path in outputs.items()},
        }  # fmt: skip


def _write(run: _Run, target: Target | None, *, replaces: bool) -> tuple[dict[str, Path], list[str]]:
    """Run, and write what comes where there is a target: the paths, and what a format could not hold."""
    if target is None:
        for _ in run.parts():
            pass
        return {}, []
    folder = target.path.parent
    remove_leftovers([target.path, target.malformed, target.claims], folder, "price")
    with OutputDir(folder, job_name("price"), replaces=replaces) as directory:
        lines = LinesWriter(directory, target.name, target, added=run.added)
        malformed = MalformedWriter(directory, name=target.malformed.name)
        for source, part, rows in run.parts():
            lines.write(rows)
            malformed.write(source.name, part.malformed)
        priced, written = lines.close()
        unread, refused = malformed.close()
        if written + refused != run.read:
            raise InternalError("The rows read and written do not balance; nothing was written.")
        notes = list(lines.notes)
        paths = {"priced": priced}
        if run.claims is not None:
            sums = replace(target, path=target.claims, header=(), encoding=None)
            totals = LinesWriter(directory, sums.name, sums, sheet="Claims", added=run.claims.columns)
            totals.write(run.claims.frame())
            paths["claims"], _ = totals.close()
            notes += totals.notes
        directory.commit()
    if run.replaced:
        notes.append(f"{run.replaced:,} columns of an earlier pricing were replaced.")
    if unread is not None:
        paths["malformed"] = unread
    elif replaces:  # one of an earlier run would look like that of this one
        target.malformed.unlink(missing_ok=True)
    return paths, notes
