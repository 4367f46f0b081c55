"""Labelled files: claims with what became of them, made into the features that runs will ask for.

Canonical columns go through facts, prices and rules as in a run. A column may also say a feature itself
(patient_age, payer_type, ...), by its name or by --map; others are used where --also asks for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME as CANONICAL
from claimsctl.errors import UsageError
from claimsctl.facts import priced
from claimsctl.facts.table import Context
from claimsctl.facts.typed import clean_cells
from claimsctl.ingest.headers import fold, recognise
from claimsctl.ingest.mapping import HeaderMap, map_headers, require_headers
from claimsctl.ingest.parts import Source
from claimsctl.ingest.sources import open_sources
from claimsctl.learning.assembling import dollars_of, kinds_of, known_features
from claimsctl.learning.labels import (
    feature_value,
    label_index,
    own_column,
    read_days,
    read_labels,
    snake,
)
from claimsctl.models.leaks import ADJUDICATED, known_only_afterwards
from claimsctl.models.training import Labelled
from claimsctl.process.prepare import layout_of
from claimsctl.process.rulebook import Rulebook
from claimsctl.score.features import BY_NAME, claim_day
from claimsctl.score.gathering import NEEDED, gather
from claimsctl.score.history import history_of
from claimsctl.score.own import OWN
from claimsctl.validate.cross import plan_groups
from claimsctl.validate.in_memory import check_in_memory

ALL: Final = "all"
DECIDED_AFTER: Final = timedelta(days=45)
"""Files do not say when claims were decided: so long after their day, their outcome counts as known."""
UNREAD: Final = "claims of earlier runs are not read for training"
_BATCH: Final = 100_000
_SHOWN: Final = 20
_AFTERWARDS: Final = "by its name it is filled when the payer has decided"
_LATE: Final = "timely_filing"


@dataclass(frozen=True)
class Asked:
    """How labelled files are read; `mapping` is header -> canonical column or feature."""

    inputs: Sequence[str]
    label: str | None = None
    day: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    house_mapping: Mapping[str, str] = field(default_factory=dict)
    also: Sequence[str] = ()
    profile: str = "professional"
    practice_id: str = "default"
    run_date: date = field(default_factory=date.today)


def read_labelled(asked: Asked, rulebook: Rulebook, spool: Path) -> Labelled:
    """The labelled claims of files, a row each; a claim is denied when any of its lines is.

    Raises InputError for files that cannot be read or labels that say neither, MappingError for headers that
    do not fit, UsageError for a column that only the payer's answer fills.
    """
    _refuse_leaks("--also", asked.also)
    _refuse_leaks("--map", [text for text, name in asked.mapping.items() if name in BY_NAME])
    sources = open_sources(asked.inputs, spool_dir=spool)
    _require_named(asked, [source.header for source in sources])
    parts = [_FilePart(source, asked, rulebook).read() for source in sources]
    claims = pl.concat([part.claims for part in parts], how="diagonal")
    notes = [note for source in sources for note in source.notes()]
    notes += dict.fromkeys(note for part in parts for note in part.notes)
    known = claims.filter(pl.col("label").is_not_null()).unique("claim_id", keep="first", maintain_order=True)
    if unused := list(dict.fromkeys(name for part in parts for name in part.unused)):
        more = f" and {len(unused) - _SHOWN} more" if len(unused) > _SHOWN else ""
        notes.append(
            f"Columns that are not used: {', '.join(unused[:_SHOWN])}{more}. Use those that are known before"
            " a payer decides with --also COLUMN, or all with --also all."
        )
    if known.height < claims.height:
        notes.append(
            f"{claims.height - known.height:,} claims without an outcome, or named twice, are left out."
        )
    history = history_of(_decided(known))
    features = known_features(known.select(_gathered_columns(known)), history, rulebook)
    given = [name for name in known.columns if name.startswith("feature:")]
    features = features.with_columns(
        known[name].cast(features.schema[name.removeprefix("feature:")]).alias(name.removeprefix("feature:"))
        for name in given
    )
    own = [name for name in known.columns if name.startswith(OWN)]
    features = features.with_columns(known[name] for name in own)
    kinds = kinds_of(features)
    late = f"found_{_LATE}"
    if "received_date" not in known.columns or not known["received_date"].drop_nulls().len():
        kinds.pop(late, None)
    own_kinds = {name: kind for part in parts for name, kind in part.own.items()}
    sums = "".join(sorted(source.sha256 for source in sources))
    return Labelled(
        features,
        {**kinds, **own_kinds},
        known["label"],
        known["day"],
        dollars_of(features),
        hashlib.sha256(sums.encode()).hexdigest(),
        [source.name for source in sources],
        notes,
        {name: why for part in parts for name, why in part.left_out.items()},
    )


def _gathered_columns(known: pl.DataFrame) -> list[str]:
    return [
        name for name in known.columns
        if name not in ("label", "day") and not name.startswith((OWN, "feature:"))
    ]  # fmt: skip


def _refuse_leaks(option: str, named: Sequence[str]) -> None:
    for name in named:
        if name != ALL and known_only_afterwards(name):
            raise UsageError(
                f"{option} {name}: by its name this column is filled when the payer has decided.",
                hint="A model that sees it knows the answer; leave it out.",
            )


def _require_named(asked: Asked, headers: Sequence[Sequence[str]]) -> None:
    there = {fold(text) for header in headers for text in header}
    own = [name for name in asked.also if name != ALL and fold(name.removeprefix(OWN)) not in there]
    require_headers(headers, asked.mapping)
    require_headers(headers, own, "--also")


def _decided(known: pl.DataFrame) -> pl.DataFrame:
    return known.select(
        pl.col("same_provider").alias("provider"),
        pl.coalesce("payer_key", pl.col("payer_id").str.to_uppercase()).alias("payer"),
        "procedure_code",
        (pl.col("day") + DECIDED_AFTER).alias("decided_on"),
        pl.col("label").alias("denied"),
    )


class _FilePart:
    """The claims of one file."""

    def __init__(self, source: Source, asked: Asked, rulebook: Rulebook) -> None:
        self.source, self.asked, self.rulebook = source, asked, rulebook
        self.own: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.unused: list[str] = []
        self.notes: list[str] = []
        self.claims = pl.DataFrame()

    def read(self) -> _FilePart:
        header = self.source.header
        label = label_index(header, self.asked.label, self.source.path)
        wanted = self.asked.day
        day = None if wanted is None else label_index(header, wanted, self.source.path, "--date")
        features = self._features(header, {label, day} - {None})
        taken = {label, *features} | ({day} if day is not None else set())
        header_map = self._map(header, taken)
        told_by_payer = dict.fromkeys(ADJUDICATED & header_map.columns.keys(), _AFTERWARDS)
        self.left_out |= dict(sorted(told_by_payer.items()))
        raw = [part.rows for part in self.source.parts(_BATCH)]
        rows = clean_cells(pl.concat(raw))
        self.notes += self._read_malformed(rows)
        frame, findings = self._checked(rows, header_map)
        gathered = gather(frame, findings)
        ids = frame["claim_id"]
        beside = {"label": read_labels(rows[f"c{label}"], header[label])}
        if day is not None:
            beside["day"] = read_days(rows[f"c{day}"])
        for index, name in features.items():
            beside[f"feature:{name}"] = feature_value(rows[f"c{index}"], BY_NAME[name].kind)
        beside |= self._own_columns(rows, header_map, header)
        together = (
            pl.DataFrame([ids, *(s.alias(name) for name, s in beside.items())])
            .group_by("claim_id", maintain_order=True)
            .agg(pl.col("label").max(), pl.exclude("claim_id", "label").first(ignore_nulls=True))
        )
        if "day" not in beside:
            together = together.with_columns(gathered.select(claim_day().alias("day"))["day"])
        self.claims = pl.concat([gathered, together.drop("claim_id")], how="horizontal")
        return self

    def _read_malformed(self, rows: pl.DataFrame) -> list[str]:
        return [] if rows.height else [f"{self.source.name} has no rows."]

    def _features(self, header: Sequence[str], taken: set[int | None]) -> dict[int, str]:
        """Columns that say a feature: by --map, or because they are called so and no claim column is."""
        asked = {fold(text): name for text, name in self.asked.mapping.items() if name in BY_NAME}
        found: dict[int, str] = {}
        for index, text in enumerate(header):
            name = asked.get(fold(text))
            if name is None and snake(text) in BY_NAME and recognise(text) is None:
                name = snake(text)
            if name is not None and index not in taken:
                found[index] = name
        return found

    def _map(self, header: Sequence[str], taken: set[int]) -> HeaderMap:
        given = {
            text: column for text, column in self.asked.mapping.items()
            if column not in BY_NAME or column in CANONICAL
        }  # fmt: skip
        ignored = {header[index]: "ignore" for index in taken if header[index].strip()}
        return map_headers(
            header, extra={**given, **ignored}, constants=self.asked.constants, profile=self.asked.profile,
            house=self.asked.house_mapping, strict=False,
        )  # fmt: skip

    def _checked(self, rows: pl.DataFrame, header_map: HeaderMap) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Facts and prices of the lines, and what the rules find: claim_id, severity, category."""
        layout, rulebook = layout_of(header_map), self.rulebook
        present = frozenset(
            name for name in CANONICAL
            if layout.gives(name)
            and (name in layout.constants or self._filled(rows, layout.columns.get(name)))
        )  # fmt: skip
        checks, _ = rulebook.ruleset.active(present, UNREAD)
        groups = plan_groups(set().union(*(check.aggregates for check in checks)))
        context = Context(
            self.asked.run_date, self.asked.practice_id, rulebook.payers, rulebook.ncci, rulebook.pricing
        )
        wanted = {*NEEDED, "row_number"} - priced.TYPES.keys()
        wanted |= set(rulebook.pricing.needed) if rulebook.pricing is not None else set()
        frame, hits = check_in_memory(rows, layout, checks, context, names=wanted, groups=groups)
        if not any(name in frame.columns for name in priced.TYPES):
            frame = priced.with_prices(frame, context.pricing)
        if not layout.gives("claim_number"):
            number = self.source.index
            frame = frame.with_columns(pl.struct(pl.lit(number), "row_number").hash(seed=7).alias("claim_id"))
        told = pl.DataFrame(
            {"severity": [c.severity for c in checks], "category": [c.rule.category for c in checks]},
            schema={"severity": pl.String, "category": pl.String},
        )
        findings = told[hits["check"]].with_columns(frame["claim_id"].gather(hits["row"]))
        if "received_date" not in present:
            # How late a claim was is not known: today says nothing of a claim that was decided long ago.
            findings = findings.filter(pl.col("category") != _LATE)
        return frame, findings

    def _filled(self, rows: pl.DataFrame, column: str | None) -> bool:
        return column in rows.columns and rows[column].null_count() < rows.height

    def _own_columns(
        self, rows: pl.DataFrame, header_map: HeaderMap, header: Sequence[str]
    ) -> dict[str, pl.Series]:
        wanted = {fold(name) for name in self.asked.also}
        found: dict[str, pl.Series] = {}
        for index, name in header_map.x_names.items():
            asked = fold(header[index]) in wanted or fold(name) in wanted
            if self._is_taken(header, index):
                continue
            if known_only_afterwards(header[index]):
                self.left_out[name] = _AFTERWARDS
                continue
            if not asked and ALL not in self.asked.also:
                self.unused.append(header[index])
                continue
            read = own_column(rows[f"c{index}"])
            if isinstance(read, str):
                self.left_out[name] = read
                continue
            found[name], self.own[name] = read
        return found

    def _is_taken(self, header: Sequence[str], index: int) -> bool:
        named = [self.asked.label, self.asked.day]
        if any(name is not None and fold(name) == fold(header[index]) for name in named):
            return True
        return index in self._features(header, set()) or (
            self.asked.label is None and index == label_index(header, None, self.source.path)
        )
