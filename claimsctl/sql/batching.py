"""From parts of lines to batches of whole claims, in bounded memory.

A part is put aside as it comes, its claims (one row each, the first value that any line has) and its lines
apart. When all have come, the claims get their places in order of their first line, the lines of some
batches at a time are read again, and each batch is made: totals, content hash, PHI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.errors import OutputError
from claimsctl.security.files import disk_errors, private_umask
from claimsctl.security.policy import Phi
from claimsctl.security.spills import read_spill, write_spill
from claimsctl.sql.column import PRIMARY, VALIDATED, SqlColumn, shortened
from claimsctl.sql.content import content_hashes
from claimsctl.sql.phi import treat
from claimsctl.sql.tables import CLAIM_KEY, CLAIM_LINES, CLAIMS, PRICES, RISKS

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys

CLAIM_LINES_FILE: Final = "claim_lines"
_AT_ONCE: Final = 100_000
"""Lines that are in memory while batches are made."""
_ID, _PLACE, _ROW = "claim_id", "__place", "__row"
_TOTALS: Final = {
    "charge_total": "charge_amount",
    "expected_allowed_total": "expected_allowed_amount",
    "expected_net_total": "expected_net_amount",
}
_MADE: Final = frozenset(
    {"job_id", "content_hash", "status", "line_count", "service_date_first", "service_date_last", *_TOTALS}
)
"""Columns of claims that are made here; the first are no content of the claim, the totals follow from it."""
_NO_CONTENT: Final = _MADE | {column.name for column in RISKS}
"""A claim is the same when another model, or another day, judges it otherwise."""
_OF_CLAIM: Final = tuple(c for c in CLAIMS.outbox_columns if c.name not in _MADE)
_OF_LINE: Final = tuple(
    c for c in CLAIM_LINES.outbox_columns if c.name not in (*CLAIM_KEY, "job_id", "content_hash")
)


class ClaimSpill:
    """Takes parts of accepted lines and gives batches of whole claims."""

    def __init__(self, directory: Path, job_id: str, practice_id: str, phi: Phi, keys: Keys) -> None:
        self.lines = 0
        self._directory = directory
        self._job_id = job_id
        self._practice_id = practice_id
        self._phi: Phi = phi
        self._keys = keys
        self._parts: list[tuple[Path, Path]] = []
        self._counts: list[pl.DataFrame] = []
        self._given: set[str] = set()

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Columns of the files of claims and lines: what some line fills, and what is made here."""
        always = {*CLAIM_KEY, *_MADE, "line_number", "row_number"}
        return {
            table.name: tuple(n for n in table.schema() if n in self._given | always)
            for table in (CLAIMS, CLAIM_LINES)
        }

    def add(self, lines: pl.DataFrame, input_name: str | None) -> None:
        """Put a part aside."""
        if not lines.height:
            return
        given = lines.with_columns(
            pl.lit(self._practice_id).alias("practice_id"),
            (pl.col("payer_sequence").fill_null(PRIMARY) if "payer_sequence" in lines.columns
             else pl.lit(PRIMARY)).alias("payer_sequence"),
            pl.col("line_number_in_claim").alias("line_number"),
            pl.lit(input_name, pl.String).alias("input"),
            pl.int_range(self.lines, self.lines + lines.height, dtype=pl.Int64).alias(_ROW),
        )  # fmt: skip
        self.lines += lines.height
        claims = _typed(given, _OF_CLAIM, _ID)
        claims = claims.group_by(_ID, maintain_order=True).agg(pl.all().first(ignore_nulls=True))
        of_lines = _typed(given, _OF_LINE, _ID, _ROW)
        for frame in (claims, of_lines):
            self._given |= {name for name in frame.columns if frame[name].null_count() < frame.height}
        self._counts.append(given.group_by(_ID, maintain_order=True).agg(pl.len().alias("lines")))
        number = len(self._parts)
        paths = tuple(self._directory / f"{what}-{number:05d}.parquet" for what in ("claims", "lines"))
        self._write(claims, paths[0])
        self._write(of_lines, paths[1])
        self._parts.append((paths[0], paths[1]))

    def batches(self, most: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Claims and lines of each batch of at most so many claims; the parts are gone afterwards."""
        if not self._parts:
            return
        places = self._places(most)
        groups = self._regrouped(places)
        for number in sorted(groups):
            claims, lines = self._finished(*self._load(groups.pop(number), places))
            batch_of_claims, batch_of_lines = (frame[_PLACE] // most for frame in (claims, lines))
            for batch in batch_of_claims.unique(maintain_order=True):
                yield (
                    claims.filter(batch_of_claims == batch).drop(_PLACE),
                    lines.filter(batch_of_lines == batch).drop(_PLACE),
                )

    def _places(self, most: int) -> pl.DataFrame:
        """claim_id, its place (order of the first line), and the group of batches made together."""
        counts = pl.concat(self._counts).group_by(_ID, maintain_order=True).agg(pl.col("lines").sum())
        self._counts.clear()
        batch = (pl.int_range(pl.len(), dtype=pl.Int64) // most).alias("batch")
        places = counts.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_PLACE), batch)
        sizes = places.group_by("batch", maintain_order=True).agg(pl.col("lines").sum())
        groups = sizes.select("batch", (pl.col("lines").cum_sum() // _AT_ONCE).alias("group"))
        return places.join(groups, on="batch", how="left", maintain_order="left").select(_ID, _PLACE, "group")

    def _regrouped(self, places: pl.DataFrame) -> dict[int, list[tuple[Path, Path]]]:
        """The parts of each group: a part that belongs to several is written again, in pieces."""
        groups: dict[int, list[tuple[Path, Path]]] = {}
        for paths in self._parts:
            frames = [read_spill(path) for path in paths]
            found = [frame.select(_ID).join(places, on=_ID, how="left", maintain_order="left")["group"]
                     for frame in frames]  # fmt: skip
            several = found[0].unique().sort().to_list()
            if len(several) == 1:
                groups.setdefault(several[0], []).append(paths)
                continue
            for group in several:
                pieces = tuple(path.with_name(f"{path.stem}-{group:05d}.parquet") for path in paths)
                for frame, group_of, piece in zip(frames, found, pieces, strict=True):
                    self._write(frame.filter(group_of == group), piece)
                groups.setdefault(group, []).append((pieces[0], pieces[1]))
            for path in paths:
                path.unlink()
        return groups

    def _load(
        self, parts: list[tuple[Path, Path]], places: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Claims and lines of a group in order; the columns of the outbox that are given."""
        frames = []
        for which, of_table in enumerate((_OF_CLAIM, _OF_LINE)):
            names = [c.name for c in of_table if c.name in self._given or c.name in CLAIM_KEY]
            frame = pl.concat([read_spill(pair[which]) for pair in parts], how="diagonal")
            missing = [pl.lit(None, c.dtype()).alias(c.name) for c in of_table
                       if c.name in names and c.name not in frame.columns]  # fmt: skip
            extra = [_ID] if which == 0 else [_ID, _ROW]
            frames.append(frame.with_columns(missing).select(*extra, *names))
        for pair in parts:
            for path in pair:
                path.unlink()
        claims, lines = (
            frame.join(places.drop("group"), on=_ID, how="left", maintain_order="left") for frame in frames
        )
        if claims[_PLACE].n_unique() < claims.height:  # a claim that stands in several parts
            claims = claims.group_by(_ID, maintain_order=True).agg(pl.all().first(ignore_nulls=True))
        return claims.drop(_ID).sort(_PLACE), _numbered(lines.drop(_ID).sort(_PLACE, "line_number", _ROW))

    def _finished(self, claims: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        claims = claims.join(_totals(lines), on=_PLACE, how="left", maintain_order="left")
        hashes = content_hashes(claims, lines.drop(_ROW), _PLACE, _NO_CONTENT, self._phi, self._keys)
        made = [pl.lit(self._job_id).alias("job_id"), pl.lit(VALIDATED).alias("status")]
        claims = claims.with_columns(hashes, *made)
        lines = lines.join(
            claims.select(_PLACE, *CLAIM_KEY, "job_id", "content_hash"),
            on=_PLACE, how="left", maintain_order="left",
        )  # fmt: skip
        finished = []
        for frame, table in ((claims, CLAIMS), (lines, CLAIM_LINES)):
            treated = treat(frame, table.columns, table.name, self._phi, self._keys)
            finished.append(treated.select(_PLACE, *self.columns[table.name]))
        return finished[0], finished[1]

    def _write(self, frame: pl.DataFrame, path: Path) -> None:
        buffer = BytesIO()  # Polars' own errors of the disk do not say which they are
        write_spill(frame, buffer)
        with disk_errors(path, "write"), private_umask():
            path.write_bytes(buffer.getbuffer())


def _numbered(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines with a number of their own within the claim.

    Where an original and its void stand under one claim number, line numbers occur twice; the lines of such
    a claim are numbered anew, in order.
    """
    twice = pl.struct(_PLACE, "line_number").is_duplicated().any().over(_PLACE)
    anew = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(_PLACE)
    if not lines.select(pl.struct(_PLACE, "line_number").is_duplicated().any()).item():
        return lines
    return lines.with_columns(pl.when(twice).then(anew).otherwise("line_number").alias("line_number"))


def _totals(lines: pl.DataFrame) -> pl.DataFrame:
    """Totals of each claim of some lines; an amount is null where no line has one."""
    there = set(lines.columns)
    amounts = [
        pl.when(pl.col(line).is_not_null().any()).then(pl.col(line).sum()).cast(pl.Decimal(14, 2)).alias(name)
        if line in there
        else pl.lit(None, pl.Decimal(14, 2)).alias(name)
        for name, line in _TOTALS.items()
    ]
    dates = [pl.col(n) for n in ("service_date_from", "service_date_to") if n in there]
    spans = [
        (pl.min_horizontal(dates).min() if dates else pl.lit(None, pl.Date)).alias("service_date_first"),
        (pl.max_horizontal(dates).max() if dates else pl.lit(None, pl.Date)).alias("service_date_last"),
    ]
    return lines.group_by(_PLACE, maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("line_count"), *amounts, *spans
    )


def _typed(lines: pl.DataFrame, columns: tuple[SqlColumn, ...], *also: str) -> pl.DataFrame:
    """Those of the columns that there are, in the types of an outbox.

    OutputError where a number does not fit its type: names column and row, not the value.
    """
    there = [column for column in columns if column.name in lines.columns]
    cut = {column.name for column in (*PRICES, *RISKS, CLAIM_LINES.column("input")) if column.kind == "text"}
    typed = lines.select(
        *also,
        *(shortened(c) if c.name in cut else pl.col(c.name).cast(c.dtype(), strict=False) for c in there),
    )
    for column in there:
        lost = typed[column.name].is_null() & lines[column.name].is_not_null()
        if lost.any():
            row = lines["row_number"].filter(lost)[0]
            raise OutputError(
                f"{column.name} in row {row} does not fit its column, {_limit(column)} "
                f"({int(lost.sum())} rows).",
                hint="Correct the input, or add a rule that rejects such numbers.",
            )
    return typed


def _limit(column: SqlColumn) -> str:
    if column.kind == "decimal":
        return f"which takes {column.precision} digits, {column.scale} of them decimals"
    return "which takes whole numbers of 32 bits"
