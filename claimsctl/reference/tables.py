"""Reference tables by name, loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.reference import icd10cm
from claimsctl.reference.dating import InForce, dated_rows, gaps, in_force
from claimsctl.reference.diagnoses import incomplete
from claimsctl.reference.editions import Edition as StoredEdition
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.entries import entries_frame
from claimsctl.reference.manifest import EditionSpec, TableSpec, read_shipped, shipped_specs
from claimsctl.reference.names import SAME_AS
from claimsctl.reference.samples import sample_frames

FILING_LIMITS: Final = ("filing_limit_days", "corrected_claim_days", "cob_days")


@dataclass(frozen=True, slots=True)
class Edition:
    """A release of a table and the service dates it is for; null ends are open."""

    name: str
    valid_from: date | None
    valid_to: date | None
    rows: int


@dataclass(frozen=True, slots=True)
class Table:
    """A reference table: `frame` has its key first; rows may carry valid_from and valid_to."""

    name: str
    frame: pl.DataFrame
    editions: tuple[Edition, ...]
    source: str
    licence: str

    @property
    def key(self) -> str:
        """Name of the key column."""
        return self.frame.columns[0]

    @property
    def starts(self) -> date | None:
        """The first service date any edition is for; None when that is open."""
        starts = [edition.valid_from for edition in self.editions]
        return None if None in starts else min(d for d in starts if d is not None)

    @property
    def ends(self) -> date | None:
        """The published last service date of the newest edition; None when that is open."""
        return self.editions[-1].valid_to if self.editions else None

    @property
    def gaps(self) -> tuple[tuple[date, date], ...]:
        """First and last day of each time between two editions that no edition is for."""
        return tuple(gaps(in_force(self.editions)))

    @property
    def unserved(self) -> tuple[tuple[date | None, date], ...]:
        """The times that no edition is for, but that after the newest one; None is ever before."""
        if self.starts is None:
            return self.gaps
        return (None, self.starts - timedelta(days=1)), *self.gaps


Loader = Callable[["Tables"], Table]


class Tables(Mapping[str, Table]):
    """Tables by name. What is not loaded is not in it; DECLARED says which names exist at all."""

    def __init__(
        self,
        loaders: Mapping[str, Loader],
        store: EditionStore | None = None,
        pinned: frozenset[str] = frozenset(),
    ) -> None:
        self._loaders = dict(loaders)
        self._store = store
        self._pinned = pinned
        self._loaded: dict[str, Table] = {}

    @classmethod
    def shipped(cls, *, cache_dir: Path | None = None) -> Tables:
        """The tables that come with claimsctl; `cache_dir` is where ICD-10-CM is kept once converted."""
        loaders: dict[str, Loader] = {name: _shipped_loader(spec) for name, spec in shipped_specs().items()}
        loaders["timely_filing"] = _timely_filing
        if icd10cm.find_release() is not None:
            loaders["icd10cm"] = lambda _: _icd10cm(cache_dir)
            loaders["icd10cm_7th"] = _icd10cm_7th
            for name, (kind, columns) in _OF_NOTES.items():
                loaders[name] = partial(_icd10cm_notes, name, kind, columns, cache_dir)
        return cls(loaders)

    def __getitem__(self, name: str) -> Table:
        name = SAME_AS.get(name, name)
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name](self)
        return self._loaded[name]

    def loaded(self) -> list[Table]:
        """The tables that somebody asked for, by name."""
        return [self._loaded[name] for name in sorted(self._loaded)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and SAME_AS.get(name, name) in self._loaders

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._loaders))

    def __len__(self) -> int:
        return len(self._loaders)

    def with_rows(self, name: str, frame: pl.DataFrame, *, origin: str = "own rows") -> Tables:
        """These tables with rows added to `name`; the key is the first column of `frame`.

        A filled cell of a key that is there replaces the old value, further columns are added, a table
        that is not there is made of `frame` alone. Derived tables follow.
        """
        name = SAME_AS.get(name, name)
        base = self._loaders.get(name)

        def load(tables: Tables) -> Table:
            if base is None:
                edition = Edition(origin, None, None, frame.height)
                return Table(name, frame, (edition,), origin, "")
            old = base(tables)
            merged = _merge(old.frame, frame.rename({frame.columns[0]: old.key}))
            last = replace(
                old.editions[-1],
                name=f"{old.editions[-1].name} + {frame.height} of {origin}",
                rows=merged.height,
            )
            return replace(old, frame=merged, editions=(*old.editions[:-1], last))

        return Tables({**self._loaders, name: load}, self._store, self._pinned)

    def with_table(self, table: Table) -> Tables:
        """These tables with `table` in the place of all editions of its name. Derived tables follow."""
        return Tables(
            {**self._loaders, table.name: lambda _: table}, self._store, self._pinned | {table.name}
        )

    def with_editions(self, store: EditionStore) -> Tables:
        """These tables with the editions that the user loaded, each for its service dates.

        What is shipped of a table serves the dates that the loaded editions leave to it.
        """
        loaded = {name: partial(_dated, store, name, self._loaders.get(name)) for name in store.tables()}
        return Tables({**self._loaders, **loaded}, store)

    def with_samples(self) -> Tables:
        """These tables, with a few known rows in place of tables that are not shipped, for the examples of
        rules: what a workspace has loaded must not change what they say."""
        frames = dict(sample_frames())
        shipped = Tables.shipped().with_rows("payers", frames.pop("payers"), origin="examples")._loaders
        samples: dict[str, Loader] = {name: partial(_sample, name, frame) for name, frame in frames.items()}
        if "icd10cm" in shipped:
            samples["icd10cm"] = partial(_with_older, shipped["icd10cm"], frames["icd10cm"])
        return Tables({**self._loaders, **shipped, **samples})

    def scan(self, name: str) -> pl.LazyFrame:
        """The dated rows of a table, unread: of millions of rows a run wants few."""
        if self._store is None or name in self._pinned or not self._store.editions(name):
            return self[name].frame.lazy()
        periods = in_force(self._store.editions(name))
        parts = [(p.first, p.last, self._store.scan(p.edition)) for p in periods]
        self._loaded[name] = _described(name, periods, parts[0][2].head(0).collect())
        return dated_rows(parts)

    def with_entries(
        self, name: str, entries: Mapping[str, Mapping[str, object]], *, origin: str = "claimsctl.toml"
    ) -> Tables:
        """These tables with settings entries added, as `[payers.<payer_id>]` tables of claimsctl.toml.

        Lists become texts parted by semicolons. SettingsError names the entry and the key that does not
        fit the table.
        """
        if not entries:
            return self
        frame = entries_frame(shipped_specs()[name], entries, origin)
        return self.with_rows(name, frame, origin=origin)


def _merge(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    key = old.columns[0]
    added = [name for name in new.columns if name not in old.columns]
    both = old.join(new, on=key, how="left", suffix=" new", maintain_order="left")
    changed = both.select(
        key,
        *[
            pl.coalesce(f"{name} new", name).alias(name) if name in new.columns else pl.col(name)
            for name in old.columns[1:]
        ],
        *added,
    )
    fresh = new.join(old, on=key, how="anti", maintain_order="left")
    return pl.concat([changed, fresh], how="diagonal_relaxed")


def _sample(name: str, frame: pl.DataFrame, _: Tables) -> Table:
    return Table(name, frame, (Edition("sample", None, None, frame.height),), "Examples of rules", "")


def _with_older(base: Loader, older: pl.DataFrame, tables: Tables) -> Table:
    """A table of one edition, with the rows of an older one before it."""
    newest = base(tables)
    (edition,) = newest.editions
    first, last = older["valid_from"].min(), older["valid_to"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    dated = newest.frame.with_columns(
        pl.lit(edition.valid_from, pl.Date).alias("valid_from"), pl.lit(None, pl.Date).alias("valid_to")
    )
    rows = pl.concat([older, dated], how="diagonal_relaxed").select(dated.columns)
    return replace(newest, frame=rows, editions=(Edition("older", first, last, older.height), edition))


def _described(name: str, periods: Sequence[InForce[StoredEdition]], frame: pl.DataFrame) -> Table:
    editions = [Edition(p.edition.name, p.first, p.edition.valid_to, p.edition.rows) for p in periods]
    newest = periods[-1].edition
    return Table(name, frame, tuple(editions), newest.source, newest.licence)


def _dated(store: EditionStore, name: str, base: Loader | None, tables: Tables) -> Table:
    """A table of loaded editions, and of the shipped ones on the dates that those leave to them."""
    loaded = store.editions(name)
    shipped = base(tables) if base is not None else None
    left = {e.name: e for e in (shipped.editions if shipped else ()) if not _covered(e, loaded)}
    # A shipped edition serves until the next one begins, whatever end was published.
    all_editions: list[Edition | StoredEdition] = [replace(e, valid_to=None) for e in left.values()]
    periods = in_force([*all_editions, *loaded])
    parts, editions = [], []
    for period in periods:
        edition, last = period.edition, period.edition.valid_to
        if isinstance(edition, StoredEdition):
            frame = store.read(edition)
        else:
            assert shipped is not None
            frame, last = shipped.frame, period.last or left[edition.name].valid_to
        parts.append((period.first, period.last, frame))
        editions.append(Edition(edition.name, period.first, last, edition.rows))
    key = parts[-1][2].columns[0]
    rows = dated_rows([(first, last, frame.rename({frame.columns[0]: key})) for first, last, frame in parts])
    rows = rows.select(key, pl.all().exclude(key))
    newest = periods[-1].edition
    told = newest if isinstance(newest, StoredEdition) else shipped
    assert told is not None
    return Table(name, rows, tuple(editions), told.source, told.licence)


def _covered(edition: Edition, loaded: Sequence[StoredEdition]) -> bool:
    """Whether a loaded edition is published for the day on which a shipped one begins."""
    begins = edition.valid_from or date.min
    return any((e.valid_from or date.min) <= begins <= (e.valid_to or date.max) for e in loaded)


def _shipped_loader(spec: TableSpec) -> Loader:
    def load(_: Tables) -> Table:
        frame = read_shipped(spec)
        editions = (Edition(e.name, e.valid_from, e.valid_to, _rows_in(frame, e)) for e in spec.editions)
        return Table(spec.name, frame, tuple(editions), spec.source, spec.licence)

    return load


def _rows_in(frame: pl.DataFrame, edition: EditionSpec) -> int:
    """How many rows hold on some day of an edition; all of them where rows have no dates."""
    if not {"valid_from", "valid_to"} & set(frame.columns):
        return frame.height
    return dated_rows([(edition.valid_from, edition.valid_to, frame)]).height


def _timely_filing(tables: Tables) -> Table:
    payers = tables["payers"]
    frame = payers.frame.select("payer_id", *FILING_LIMITS, "accepts_delay_reason").filter(
        pl.any_horizontal(pl.col(FILING_LIMITS).is_not_null())
    )
    edition = replace(payers.editions[-1], rows=frame.height)
    return replace(payers, name="timely_filing", frame=frame, editions=(edition,))


def _icd10cm(cache_dir: Path | None) -> Table:
    release, frame = icd10cm.load(cache_dir)
    edition = Edition(release.edition, release.valid_from, release.valid_to, frame.height)
    return Table("icd10cm", frame, (edition,), icd10cm.SOURCE.format(release), icd10cm.LICENCE)


_OF_NOTES: Final = {
    "icd10cm_excludes1": ("excludes1", ("code", "other")),
    "icd10cm_code_first": ("code_first", ("code", "first")),
    "icd10cm_use_additional": ("use_additional", ("code", "additional")),
    "neoplasm_history_map": ("history", ("history", "neoplasm")),
}
"""Tables made of the notes of the tabular list: their kind, and what their columns are called."""


def _icd10cm_notes(
    name: str, kind: str, columns: tuple[str, str], cache_dir: Path | None, _: Tables
) -> Table:
    release, notes = icd10cm.load_notes(cache_dir)
    pairs = notes.filter(pl.col("kind") == kind).select("code", "other")
    pairs.columns = list(columns)
    edition = Edition(release.edition, release.valid_from, release.valid_to, pairs.height)
    return Table(name, pairs, (edition,), icd10cm.SOURCE.format(release), icd10cm.LICENCE)


def _icd10cm_7th(tables: Tables) -> Table:
    codes = tables["icd10cm"]
    frame = incomplete(codes.frame)
    edition = replace(codes.editions[-1], rows=frame.height)
    return replace(codes, name="icd10cm_7th", frame=frame, editions=(edition,))
