"""The one list of facts: what each is called, means, needs, and how it is computed.

A fact is a column of the typed frame that the input does not carry. Facts are computed per part, only
those that somebody asked for, each from columns and facts that stand before it in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts import names, ncci, originals, payers, pointers, priced
from claimsctl.facts.typed import DTYPES, TEXT_SUFFIX, Layout, typed_frame

MEDICARE_FILING: Final = ("MA", "MB")
SELF_PAY: Final = ("SELF", "SELF PAY", "SELFPAY", "CASH", "PRIVATE PAY", "PATIENT", "UNINSURED")


@dataclass(frozen=True)
class Context:
    """What the facts need from outside: the run's date, its practice, the payer registry, NCCI edits, prices.

    `ncci` are the procedure-to-procedure edits, None where no rule that runs asks for them; `pricing` is
    None where lines are not priced; `originals`: a rule asks for the claims that replacements name.
    """

    run_date: date
    practice_id: str = "default"
    payers: payers.PayerIndex = field(default_factory=payers.PayerIndex)
    ncci: pl.LazyFrame | None = None
    pricing: priced.Pricing | None = None
    originals: bool = False


Compute = Callable[[pl.DataFrame, Context], Sequence[pl.Expr | pl.Series]]


@dataclass(frozen=True)
class Fact:
    """Facts computed together. `names` maps each to its type in the rule language."""

    names: Mapping[str, str]
    needs: tuple[str, ...]
    compute: Compute
    meaning: str


def _expr(expr: pl.Expr) -> Compute:
    return lambda _frame, _context: [expr]


def _blank(name: str) -> pl.Expr:
    return pl.col(name).is_null()


def _claim_id(_frame: pl.DataFrame, context: Context) -> Sequence[pl.Expr]:
    key = pl.struct(
        pl.lit(context.practice_id).alias("practice"),
        pl.col("claim_number"),
        pl.col("payer_sequence").fill_null("P"),
    ).hash(seed=1)
    # A line without a number is a claim of its own, so that it can be rejected alone.
    alone = pl.struct(pl.col("row_index"), pl.lit("alone").alias("alone")).hash(seed=2)
    return [pl.when(_blank("claim_number")).then(alone).otherwise(key).alias("claim_id")]


def _line_number(frame: pl.DataFrame, _context: Context) -> Sequence[pl.Expr]:
    rank = pl.col("line_rank") if "line_rank" in frame.columns else pl.lit(None, pl.Int64)
    return [pl.coalesce("line_number", rank).cast(pl.Int64).alias("line_number_in_claim")]


def _as_of(_frame: pl.DataFrame, context: Context) -> Sequence[pl.Expr]:
    # A date that is still to come cannot be the one on which the claim was received.
    return [pl.min_horizontal("received_date", pl.lit(context.run_date)).alias("as_of_date")]


def _age(birth: str, on: str) -> pl.Expr:
    born, day = pl.col(birth), pl.col(on)
    # Months and days are 8-bit numbers: as they are, 12 * 100 would wrap around.
    today, birthday = (d.dt.month().cast(pl.Int32) * 100 + d.dt.day().cast(pl.Int32) for d in (day, born))
    before_birthday = today < birthday
    return (day.dt.year() - born.dt.year() - before_birthday.cast(pl.Int32)).cast(pl.Int64)


def _month(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 100 + day.dt.month().cast(pl.Int64)


def _key(*parts: pl.Expr) -> pl.Expr:
    """A 64-bit key of several values; null if any is null."""
    known = pl.all_horizontal([part.is_not_null() for part in parts])
    return pl.when(known).then(pl.struct([p.alias(f"k{i}") for i, p in enumerate(parts)]).hash(seed=3))


def _modifier_key(frame: pl.DataFrame, _context: Context) -> Sequence[pl.Series]:
    sets = frame.select(_MODIFIERS).unique()
    keys = [" ".join(sorted(m for m in row if m)) for row in sets.iter_rows()]
    named = sets.with_columns(pl.Series("modifier_key", keys, dtype=pl.String))
    found = frame.select(_MODIFIERS).join(
        named, on=list(_MODIFIERS), how="left", nulls_equal=True, maintain_order="left"
    )
    return [found["modifier_key"]]


_FILING_TYPES = pl.col("claim_filing_code")
_MODIFIERS = tuple(f"modifier_{n}" for n in range(1, 5))
_DIAGNOSES = tuple(f"diagnosis_{n}" for n in range(1, 13))

_NCCI_BILLS = "^(1[234]|2[23]|34|7[45]|85)"
"""Types of bills to which NCCI edits apply: outpatient hospital, outpatient therapy and home health outside a
plan of care, critical access hospital. Source: CMS Pub 100-04 ch. 4 s. 40.2 (integrated outpatient code
editor), and the medically unlikely edits for outpatient hospital services."""

FACTS: Final[tuple[Fact, ...]] = (
    Fact({"claim_id": "integer"}, ("claim_number", "payer_sequence", "row_index"), _claim_id,
         "Key of the claim: practice, claim number, payer sequence."),
    Fact({"line_number_in_claim": "integer"}, ("line_number",),
         _line_number, "The line number, or its rank in file order where the file has none."),
    Fact({"run_date": "date"}, (),
         lambda _f, c: [pl.lit(c.run_date).alias("run_date")],
         "The date of the run, or --as-of."),
    Fact({"as_of_date": "date"}, ("received_date",), _as_of,
         "Received date, else the run date; the run date too where the received one is after it."),
    Fact({"is_professional": "boolean"}, ("claim_type", "bill_type_code", "revenue_code"),
         _expr(pl.when(pl.col("claim_type").is_not_null())
               .then(~pl.col("claim_type").str.contains(r"(?i)^(I|INST|INSTITUTIONAL|UB|UB-?04|837I)$"))
               .otherwise(_blank("bill_type_code") & _blank("revenue_code")).alias("is_professional")),
         "The claim is professional (CMS-1500, 837P)."),
    Fact({"is_institutional": "boolean"}, ("is_professional",),
         _expr((~pl.col("is_professional")).alias("is_institutional")),
         "The claim is institutional (UB-04, 837I)."),
    Fact({ncci.HOSPITAL: "boolean"}, ("is_professional", "bill_type_code"),
         _expr(pl.when("is_professional").then(False)
               .when(pl.col("bill_type_code").str.strip_prefix("0").str.contains(_NCCI_BILLS)).then(True)
               .alias(ncci.HOSPITAL)),
         "The NCCI edits for outpatient hospitals hold, not those for practitioners; null for bills of other"
         " types, such as inpatient ones, for which there are none."),
    Fact({"is_self_pay": "boolean"}, ("payer_id", "payer_name"),
         _expr((pl.col("payer_id").str.to_uppercase().is_in(SELF_PAY).fill_null(False)
                | pl.col("payer_name").str.to_uppercase().is_in(SELF_PAY).fill_null(False))
               .alias("is_self_pay")),
         "The patient pays: payer, member, authorisation and filing rules do not apply."),
    Fact({"payer_key": "text"}, ("payer_id", "payer_name"), payers.payer_key,
         "Registry id of the payer, found by id, alias or name; null if unknown."),
    Fact({"payer_named": "text"}, ("payer_name",), payers.payer_named,
         "Registry id of the payer that the payer name belongs to; null if unknown or several."),
    Fact({"payer_type": "text"}, ("payer_key",), payers.payer_type,
         "Type of the payer in the registry (medicare, medicaid, commercial, ...)."),
    Fact({"is_medicare": "boolean"}, ("claim_filing_code", "payer_type"),
         _expr((_FILING_TYPES.is_in(MEDICARE_FILING).fill_null(False)
                | (pl.col("payer_type") == "medicare").fill_null(False)).alias("is_medicare")),
         "Medicare fee-for-service: filing code MA or MB, or a Medicare payer."),
    Fact({"is_medicaid": "boolean"}, ("claim_filing_code", "payer_type"),
         _expr(((_FILING_TYPES == "MC").fill_null(False)
                | pl.col("payer_type").is_in(["medicaid", "managed_medicaid"]).fill_null(False))
               .alias("is_medicaid")),
         "Medicaid: filing code MC, or a Medicaid payer."),
    Fact({"patient_age": "integer"}, ("patient_dob", "service_date_from"),
         _expr(_age("patient_dob", "service_date_from").alias("patient_age")),
         "Completed years on the service date; negative if born after it."),
    Fact({"patient_age_days": "integer"}, ("patient_dob", "service_date_from"),
         _expr((pl.col("service_date_from") - pl.col("patient_dob")).dt.total_days()
               .alias("patient_age_days")),
         "Days from birth to the service date."),
    Fact({"same_member": "integer"}, ("payer_key", "payer_id", "payer_name", "member_id"),
         _expr(_key(pl.coalesce("payer_key", "payer_id", "payer_name"),
                    pl.col("member_id").str.to_uppercase().str.replace_all(r"[- ]", ""))
               .alias("same_member")),
         "Key of the policy: payer and member id; null if either is blank."),
    Fact({"same_patient": "integer"}, ("same_member", "patient_dob", "patient_first_name"),
         _expr(_key(pl.col("same_member"), pl.col("patient_dob").to_physical().fill_null(0),
                    pl.col("patient_first_name").str.slice(0, 1).str.to_uppercase().fill_null(""))
               .alias("same_patient")),
         "Key of the patient: policy, birth date and first initial, as a family shares one member id."),
    Fact({"subscriber_last_name_differs": "boolean", "subscriber_first_name_differs": "boolean"},
         ("patient_last_name", "patient_first_name", "subscriber_last_name", "subscriber_first_name"),
         names.subscriber_differs,
         "The subscriber's name is another than the patient's, by its first three letters."),
    Fact({"same_provider": "text"}, ("rendering_npi", "billing_npi"),
         _expr(pl.coalesce("rendering_npi", "billing_npi").alias("same_provider")),
         "Rendering NPI, else billing NPI."),
    Fact({"last_service_date": "date"}, ("service_date_to", "service_date_from"),
         _expr(pl.coalesce("service_date_to", "service_date_from").alias("last_service_date")),
         "The through date, else the service date."),
    Fact({"service_year": "integer"}, ("service_date_from",),
         _expr(pl.col("service_date_from").dt.year().cast(pl.Int64).alias("service_year")),
         "Year of the service date."),
    Fact({"service_month": "integer"}, ("service_date_from",),
         _expr(_month(pl.col("service_date_from")).alias("service_month")),
         "Year and month of the service date as a number: 202606."),
    Fact({"modifier_count": "integer"}, _MODIFIERS,
         _expr(pl.sum_horizontal([pl.col(m).is_not_null().cast(pl.Int64) for m in _MODIFIERS])
               .alias("modifier_count")),
         "How many modifiers the line has."),
    Fact({"modifier_key": "text"}, _MODIFIERS, _modifier_key,
         "The set of modifiers as one text, order left out."),
    Fact({"diagnosis_count": "integer"}, _DIAGNOSES,
         _expr(pl.sum_horizontal([pl.col(d).is_not_null().cast(pl.Int64) for d in _DIAGNOSES])
               .alias("diagnosis_count")),
         "How many diagnoses the row has."),
    Fact({**{f"pointer_{n}": "integer" for n in range(1, 5)},
          "pointer_count": "integer", "pointer_problem": "boolean", "pointer_repeated": "boolean"},
         ("diagnosis_pointers", *_DIAGNOSES), pointers.resolve,
         "Diagnosis pointers as slot numbers; a problem is a pointer that is unreadable or empty."),
    Fact({f"pointed_diagnosis_{n}": "text" for n in range(1, 5)},
         (*(f"pointer_{n}" for n in range(1, 5)), *_DIAGNOSES), pointers.pointed,
         "The diagnoses the line points to, in order."),
)  # fmt: skip

FACT_TYPES: Final[Mapping[str, str]] = {
    "row_index": "integer",
    "row_number": "integer",
    "row_digest": "integer",
    "line_rank": "integer",
    "stored_claim": "text",
    "stored_job": "text",
    **ncci.TYPES,
    **priced.TYPES,
    **originals.TYPES,
    **{name: kind for fact in FACTS for name, kind in fact.names.items()},
}
"""Every fact and its type in the rule language; the first ones come with the part itself.

`line_rank` numbers a claim's lines in file order; `stored_claim` is "changed" where the store holds an
accepted version of the claim with other content ("updated" or "skipped" with that --duplicates), and
"unchanged" where it says the same; `stored_job` is the job that accepted it; those of NCCI edits are in
facts/ncci.py, those of pricing in facts/priced.py, those of replaced claims in facts/originals.py.
"""

OF_HISTORY: Final = frozenset(originals.TYPES)
"""Facts that cannot be known where claims of earlier runs are not read."""

OF_STORE: Final = frozenset({"stored_claim", "stored_job"})
"""Facts that cannot be known where the claims of a run are not looked up in the store."""

GIVEN: Final = frozenset({"row_index", "row_number", "row_digest", "line_rank"}) | OF_STORE


def _stored() -> frozenset[str]:
    """Names that can be known of a line which the store gives back: identifiers are not among them."""
    known = {name for name, column in BY_NAME.items() if column.phi != "identifier"} | {"row_index"}
    for fact in FACTS:
        if known.issuperset(fact.needs):
            known.update(fact.names)
    return frozenset(known | {"same_patient"}) - {"row_index", "as_of_date", "run_date"}


STORED: Final = _stored()
"""Columns and facts that rules may ask of lines of earlier runs; for `same_patient` the store has a key."""


def closure(names: Iterable[str]) -> tuple[list[str], list[Fact]]:
    """The canonical columns (and `~text` columns) and the facts, in order, that `names` ask for."""
    wanted = set(names)
    facts: list[Fact] = []
    for fact in reversed(FACTS):
        if wanted.intersection(fact.names):
            facts.append(fact)
            wanted.update(fact.needs)
    columns = [name for name in wanted if name.removesuffix(TEXT_SUFFIX) in BY_NAME]
    return sorted(columns), facts[::-1]


def fact_frame(
    rows: pl.DataFrame,
    layout: Layout,
    names: Iterable[str],
    context: Context,
    *,
    overrides: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Typed columns and facts `names` of a raw part (which carries `row_index` and the like).

    `overrides` replaces facts or columns by given values where they are not null (rule examples).
    """
    columns, facts = closure(names)
    typed = typed_frame(rows, layout, columns, run_date=context.run_date)
    frame = rows.select([name for name in rows.columns if name in GIVEN]).with_columns(typed.get_columns())
    return _with_facts(frame, facts, context, overrides)


def stored_facts(lines: pl.DataFrame, names: Iterable[str], context: Context) -> pl.DataFrame:
    """Columns and facts `names` (of STORED) of lines from the store, which are typed already.

    `lines` has row_index and same_patient; columns that it lacks are null.
    """
    columns, facts = closure(set(names) - {"same_patient"})
    absent = [pl.lit(None, DTYPES[BY_NAME[n].cell_type]).alias(n) for n in columns if n not in lines.columns]
    frame = lines.with_columns(absent).select("row_index", "same_patient", *columns)
    return _with_facts(frame, facts, context, None)


def _with_facts(
    frame: pl.DataFrame, facts: Sequence[Fact], context: Context, overrides: pl.DataFrame | None
) -> pl.DataFrame:
    for fact in facts:
        frame = frame.with_columns(fact.compute(frame, context))
        if overrides is not None:
            replaced = [n for n in overrides.columns if n in fact.names]
            frame = frame.with_columns(
                [pl.coalesce(overrides[n].cast(frame.schema[n]), pl.col(n)).alias(n) for n in replaced]
            )
    return frame
