"""Claims of earlier runs beside those of a run: which of them count, and what they give to its rules.

Pass 1 notes the run's patients, each with the key under which the store knows it. After it, one short read
of the store names the accepted claims of these patients; their lines are read part by part, and what is
left of a part is a narrow key frame of the shape that lines of the run have (claimsctl.validate.cross), so
that memory does not grow with the store. What does not count: claims that stand in the run again, in
whatever version; those of earlier jobs of the same input, or of jobs that were rolled back; claims that a
void or a replacement names, and voids themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import polars as pl

from claimsctl.facts import ncci, originals
from claimsctl.facts.originals import Originals, frequency, number, replaces
from claimsctl.facts.table import Context, closure, stored_facts
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.store.history import EarlierClaims, earlier_claims, read_lines
from claimsctl.store.patients import history_keys
from claimsctl.validate.cross import ROW, Group, key_frame, needed

if TYPE_CHECKING:
    from claimsctl.process.intake import Intake
    from claimsctl.security.keys import Keys
    from claimsctl.store.database import Notify
    from claimsctl.store.workspace import Workspace

PEOPLE: Final = (
    "same_patient", "payer_key", "payer_id", "payer_name", "member_id", "patient_dob", "patient_first_name",
    "frequency_code", "bill_type_code", "original_claim_number",
)  # fmt: skip
"""Columns and facts that `people_of` reads."""
_LINKS: Final = ("frequency_code", "bill_type_code", "original_claim_number", "payer_claim_number")
_PAYER: Final = ("payer_id", "payer_name")
NOT_READ: Final = "claims of earlier runs are not read in a dry run"
OLDER_STORE: Final = (
    "the claims store is of an older version, which kept nothing to know patients by; this run brings it"
    " up to date"
)


@dataclass(frozen=True)
class HistoryLines:
    """What earlier runs give: a key frame of their lines, those for NCCI edits, the claims that
    replacements and voids of the run name, and what was read.

    `lines` is None where nothing was found; then aggregates are empty, not unknown. `rows` is how many rows
    were read for them. `unread` says why earlier runs could not be read.
    """

    lines: pl.LazyFrame | None = None
    ncci: pl.LazyFrame | None = None
    originals: Originals = field(default_factory=Originals)
    jobs: tuple[str, ...] = ()
    claims: int = 0
    not_compared: int = 0
    rows: int = 0
    unread: str | None = None

    def summary(self) -> dict[str, object]:
        """For summary.json."""
        found: dict[str, object] = {"jobs": list(self.jobs), "claims": self.claims}
        if self.not_compared:
            found["not_compared"] = self.not_compared
        return found if self.unread is None else {**found, "unread": self.unread}


LeftOut = Callable[[Sequence[str]], Collection[tuple[str, str | None]]]
"""Jobs and inputs that do not count, by the sha256 of the run's inputs; None stands for all inputs."""


@dataclass(frozen=True)
class EarlierRuns:
    """The earlier runs of a workspace, for one practice."""

    workspace: Workspace
    keys: Keys
    practice_id: str
    left_out: LeftOut = lambda _hashes: []
    notify: Notify | None = None
    names: ClassVar[Collection[str]] = PEOPLE

    @property
    def any(self) -> bool:
        """Whether there has been any."""
        return self.workspace.claims_database.exists()

    def people_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Patients of a part (columns PEOPLE): same_patient, payer, history_key, and in `replaces` the
        numbers that its replacements and voids name, one row each.
        """
        people = frame.select(
            "same_patient",
            _payer().alias("payer"),
            "member_id",
            "patient_dob",
            pl.col("patient_first_name").str.slice(0, 1),
            pl.when(replaces()).then(number("original_claim_number")).alias("replaces"),
        )
        people = people.filter(pl.col("same_patient").is_not_null()).unique()
        return people.select("same_patient", "payer", history_keys(people, self.keys), "replaces")

    def read(
        self,
        intake: Intake,
        groups: Sequence[Group],
        context: Context,
        spill: Path,
    ) -> HistoryLines:
        """Lines of earlier runs of the intake's patients; files are written to `spill`."""
        people = scan_spills(intake.people).unique().collect(engine="streaming")
        hashes = [each.source.sha256 for each in intake.inputs if each.source.sha256]
        again = intake.keys().select("claim_number", pl.col("payer_sequence").fill_null("P")).unique()
        found = earlier_claims(
            self.workspace, self.practice_id, people["history_key"], again.collect(engine="streaming"),
            left_out=self.left_out(hashes), notify=self.notify,
        )  # fmt: skip
        if found is None:
            return HistoryLines(unread=OLDER_STORE)
        return _Reading(people, groups, context, spill).read(found)


@dataclass
class _Reading:
    """One reading of the files of earlier runs."""

    people: pl.DataFrame
    groups: Sequence[Group]
    context: Context
    spill: Path

    def read(self, found: EarlierClaims) -> HistoryLines:
        """Claims that stand in the run again are only looked at where the run replaces them."""
        replacing = self.people.filter(pl.col("replaces").is_not_null())
        claims = found.claims.filter(
            ~pl.col("again") | pl.col("history_key").is_in(replacing["history_key"].implode())
        )
        names = needed(self.groups, "history")
        names |= set(ncci.NEEDED) if self.context.ncci is not None else set()
        columns = {*closure(names - {"same_patient"})[0], *_LINKS, *_PAYER, "claim_number"}
        patients = self.people.select("same_patient", "payer", "history_key").unique()
        columns |= set(originals.LINE) if self.context.originals else set()
        paths: list[Path] = []
        linked: list[Path] = []
        named = []
        rows = 0
        for parts in found.batches():
            lines = self._of_patients(read_lines(parts, found, claims, columns), patients)
            if lines.height:
                rows += lines.height
                named.append(self._named(lines, replacing["same_patient"]))
                paths.append(self.spill / f"history-{len(paths):05d}.parquet")
                write_spill(self._give(lines, names), paths[-1])
                linked.append(self.spill / f"links-{len(linked):05d}.parquet")
                write_spill(_links(lines), linked[-1])
        if not paths:
            return HistoryLines(not_compared=found.not_compared)
        came = claims.filter("again")["claim"]
        aside = pl.concat([_not_billed(scan_spills(linked), self.people), came]).unique()
        billed = _without(scan_spills(linked), aside).select(
            pl.col("claim").n_unique(), pl.col("job").unique().sort().implode()
        )
        count, jobs = billed.collect(engine="streaming").row(0)
        given = _without(scan_spills(paths), aside)
        return HistoryLines(
            given,
            given.select(ncci.COLUMNS) if self.context.ncci is not None else None,
            Originals.of(pl.concat(named)) if self.context.originals else Originals(),
            tuple(found.jobs[job] for job in jobs),
            count,
            found.not_compared,
            rows,
        )

    def _of_patients(self, lines: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
        """The lines whose payer is that of the patient too, with the run's key of the patient."""
        given = lines.select(pl.lit(None, pl.UInt64).alias("same_patient"), *_PAYER).with_row_index(ROW)
        payer = stored_facts(given, ["payer_key", *_PAYER], self.context).select(_payer().alias("payer"))
        return lines.with_columns(payer["payer"]).join(
            patients, on=["history_key", "payer"], maintain_order="left"
        )

    def _named(self, lines: pl.DataFrame, replacing: pl.Series) -> pl.DataFrame:
        """Of a part, what is compared of lines whose patient has a replacement or void in the run."""
        asked = lines.filter(pl.col("same_patient").is_in(replacing.implode())).with_row_index(ROW)
        return stored_facts(asked, [*originals.LINE, *originals.NUMBERS], self.context)

    def _give(self, lines: pl.DataFrame, names: set[str]) -> pl.DataFrame:
        """The key frame of a part's lines, each with the number of its claim."""
        frame = stored_facts(lines.with_row_index(ROW), names, self.context)
        given = key_frame(frame, self.groups, source="history").with_columns(lines["claim"])
        if self.context.ncci is not None:
            given = given.with_columns(ncci.lines(frame).drop(ncci.ROW).get_columns())
        return given


def _payer() -> pl.Expr:
    return pl.coalesce("payer_key", *_PAYER)


def _links(lines: pl.DataFrame) -> pl.DataFrame:
    """Per claim: its job, its patient, its numbers, and the number it replaces or voids, hashed."""
    named = lines.select(
        "claim", "job", "same_patient", "claim_number",
        number("payer_claim_number").alias("payer_number"),
        pl.when(replaces()).then(number("original_claim_number")).alias("replaces"),
        (frequency() == "8").alias("void"),
    )  # fmt: skip
    links = named.group_by("claim").agg(
        pl.col("job", "same_patient", "claim_number").first(),
        pl.col("payer_number", "replaces").first(ignore_nulls=True),
        pl.col("void").any(),
    )
    numbers = (number("claim_number").alias("number"), pl.col("payer_number"), pl.col("replaces"))
    return links.select("claim", "job", "same_patient", *map(_hashed, numbers), "void")


def _hashed(text: pl.Expr) -> pl.Expr:
    return pl.when(text.is_not_null()).then(text.hash(seed=19))


def _without(rows: pl.LazyFrame, claims: pl.Series) -> pl.LazyFrame:
    return rows.filter(~pl.col("claim").is_in(claims.implode())) if len(claims) else rows


def _not_billed(links: pl.LazyFrame, people: pl.DataFrame) -> pl.Series:
    """Numbers of the claims that do not stand as billed: voids, and those that a void or a replacement names.

    A claim has several rows of `links` where its lines were read apart; only the few that matter are brought
    together.
    """
    named = people.filter(pl.col("replaces").is_not_null())
    names = pl.concat([
        named.select("same_patient", _hashed(pl.col("replaces")), pl.lit(None, pl.UInt32).alias("by")),
        _whole(links, pl.col("replaces").is_not_null()).select("same_patient", "replaces", by="claim"),
    ])  # fmt: skip
    wanted = names["replaces"].unique().implode()
    near = _whole(links, pl.any_horizontal(pl.col(n).is_in(wanted) for n in ("number", "payer_number")))
    numbers = pl.concat([
        near.select("claim", "same_patient", replaces="number"),
        near.select("claim", "same_patient", replaces="payer_number"),
    ])  # fmt: skip
    # A replacement under the number of what it replaces is a newer version of it, and names itself.
    taken_back = numbers.join(names, on=["same_patient", "replaces"]).filter(
        pl.col("by").is_null() | (pl.col("by") != pl.col("claim"))
    )["claim"]
    voids = links.filter("void").select("claim").collect(engine="streaming")["claim"]
    return pl.concat([taken_back, voids]).unique()


def _whole(links: pl.LazyFrame, where: pl.Expr) -> pl.DataFrame:
    """All rows of the claims of which one fits, as one row each."""
    fits = links.filter(where).select("claim").collect(engine="streaming")["claim"]
    rows = links.filter(pl.col("claim").is_in(fits.implode())).collect(engine="streaming")
    return rows.group_by("claim").agg(
        pl.col("same_patient", "number").first(), pl.col("payer_number", "replaces").first(ignore_nulls=True)
    )
