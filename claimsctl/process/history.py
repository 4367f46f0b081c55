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

    `lines` is None where nothing was found; then aggregates are empty, not unknown. `unread` says why
    earlier runs could not be read.
    """

    lines: pl.LazyFrame | None = None
    ncci: pl.LazyFrame | None = None
    originals: Originals = field(default_factory=Originals)
    jobs: tuple[str, ...] = ()
    claims: int = 0
    not_compared: int = 0
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
        found = earlier_claims(
            self.workspace, self.practice_id, people["history_key"],
            left_out=self.left_out(hashes), notify=self.notify,
        )  # fmt: skip
        if found is None:
            return HistoryLines(unread=OLDER_STORE)
        again = intake.keys().select("claim_number", pl.col("payer_sequence").fill_null("P")).unique()
        once_more = found.claims.join(
            again.collect(engine="streaming"), on=["claim_number", "payer_sequence"], how="semi"
        )["claim"]
        return _Reading(people, groups, context, spill).read(found, once_more)


@dataclass
class _Reading:
    """One reading of the files of earlier runs."""

    people: pl.DataFrame
    groups: Sequence[Group]
    context: Context
    spill: Path

    def read(self, found: EarlierClaims, again: pl.Series) -> HistoryLines:
        """`again` are claims that stand in the run: they are only looked at where the run replaces them."""
        came = pl.col("claim").is_in(again.implode())
        replacing = self.people.filter(pl.col("replaces").is_not_null())
        claims = found.claims.filter(~came | pl.col("history_key").is_in(replacing["history_key"].implode()))
        names = needed(self.groups, "history")
        names |= set(ncci.NEEDED) if self.context.ncci is not None else set()
        columns = {*closure(names - {"same_patient"})[0], *_LINKS, *_PAYER, "claim_number"}
        patients = self.people.select("same_patient", "payer", "history_key").unique()
        columns |= set(originals.LINE) if self.context.originals else set()
        paths: list[Path] = []
        links, named = [], []
        for parts in found.batches():
            lines = self._of_patients(read_lines(parts, claims, columns), patients)
            if lines.height:
                links.append(_links(lines))
                named.append(self._named(lines, replacing["same_patient"]))
                paths.append(self.spill / f"history-{len(paths):05d}.parquet")
                write_spill(self._give(lines, names), paths[-1])
        if not paths:
            return HistoryLines(not_compared=found.not_compared)
        billed = _billed(pl.concat(links), self.people)
        billed = billed.filter(~billed.is_in(again.implode()))
        given = scan_spills(paths).filter(pl.col("claim").is_in(billed.implode()))
        jobs = claims.filter(pl.col("claim").is_in(billed.implode()))["job_id"].unique().sort()
        return HistoryLines(
            given,
            given.select(ncci.COLUMNS) if self.context.ncci is not None else None,
            Originals.of(pl.concat(named)) if self.context.originals else Originals(),
            tuple(jobs),
            len(billed),
            found.not_compared,
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
    """Per claim: its patient, its numbers, and the number it replaces or voids."""
    return lines.group_by("claim").agg(
        pl.col("same_patient").first(),
        number("claim_number").first().alias("number"),
        number("payer_claim_number").drop_nulls().first().alias("payer_number"),
        pl.when(replaces()).then(number("original_claim_number")).drop_nulls().first().alias("replaces"),
        (frequency() == "8").any().alias("void"),
    )


def _billed(links: pl.DataFrame, people: pl.DataFrame) -> pl.Series:
    """Numbers of the claims that stand as billed: no voids, and none that a void or a replacement names."""
    links = links.group_by("claim").agg(
        pl.col("same_patient").first(), pl.col("number").first(),
        pl.col("payer_number", "replaces").drop_nulls().first(), pl.col("void").any(),
    )  # fmt: skip
    names = pl.concat([
        people.filter(pl.col("replaces").is_not_null()).select(
            "same_patient", "replaces", pl.lit(None, pl.UInt32).alias("by")),
        links.filter(pl.col("replaces").is_not_null()).select("same_patient", "replaces", by="claim"),
    ])  # fmt: skip
    numbers = pl.concat([
        links.select("claim", "same_patient", replaces="number"),
        links.select("claim", "same_patient", replaces="payer_number"),
    ])  # fmt: skip
    # A replacement under the number of what it replaces is a newer version of it, and names itself.
    taken_back = numbers.join(names, on=["same_patient", "replaces"]).filter(
        pl.col("by").is_null() | (pl.col("by") != pl.col("claim"))
    )["claim"]
    voids = links.filter("void")["claim"]
    return links["claim"].filter(~links["claim"].is_in(pl.concat([taken_back, voids]).implode())).sort()
