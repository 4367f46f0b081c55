"""What a risk model looks at: every feature once, with what it means and why it is known in time.

The same code makes them for training and for scoring. Only what is known before a payer decides is here;
amounts are floats, as a model weighs them and nobody is paid by them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import polars as pl

from claimsctl.score.gathering import CATEGORIES, gather
from claimsctl.score.history import rates

Kind = Literal["number", "category", "flag"]


@dataclass(frozen=True)
class Feature:
    """A feature of a claim.

    `kind`: a number (Float64), a category (String) or a flag (Boolean). `words` is how a biller would call
    it in a reason; `leak` says why it cannot tell what only the payer's answer tells.
    """

    name: str
    kind: Kind
    words: str
    meaning: str
    unit: str
    source: str
    leak: str
    expr: pl.Expr


_ON_CLAIM: Final = "On the claim before it is sent."
_RULES: Final = "Our rules, before the claim is sent."
_PRICED: Final = "Fee schedule, not the payer's answer."
_BEFORE: Final = "Only decisions before the day of the claim."
_HISTORY: Final = "statuses that payers told"


def _section(code: pl.Expr) -> pl.Expr:
    """The section of a procedure code: ranges of CPT, or the letter of HCPCS level II."""
    number = code.str.head(5).cast(pl.Int32, strict=False)
    sections = (
        (100, 1_999, "anesthesia"), (10_000, 69_999, "surgery"), (70_000, 79_999, "radiology"),
        (80_000, 89_999, "laboratory"), (90_281, 90_759, "vaccines"), (90_785, 90_899, "psychiatry"),
        (97_010, 97_799, "therapy"), (99_202, 99_499, "evaluation"), (90_000, 99_999, "medicine"),
    )  # fmt: skip
    found = pl.lit(None, pl.String)
    for low, high, name in reversed(sections):
        found = pl.when(number.is_between(low, high)).then(pl.lit(name)).otherwise(found)
    return pl.when(number.is_null()).then(pl.lit("HCPCS ") + code.str.head(1)).otherwise(found)


def _chapter(code: pl.Expr) -> pl.Expr:
    """The chapter of an ICD-10-CM code by its first three characters. Source: its tabular list."""
    last = (
        ("B99", "infections"), ("D49", "neoplasms"), ("D89", "blood"), ("E89", "endocrine"),
        ("F99", "mental"), ("G99", "nervous"), ("H59", "eye"), ("H95", "ear"), ("I99", "circulatory"),
        ("J99", "respiratory"), ("K95", "digestive"), ("L99", "skin"), ("M99", "musculoskeletal"),
        ("N99", "genitourinary"), ("O9Z", "pregnancy"), ("P96", "perinatal"), ("Q99", "congenital"),
        ("R99", "symptoms"), ("T88", "injuries"), ("U99", "special"), ("Y99", "external causes"),
        ("Z99", "factors"),
    )  # fmt: skip
    head = code.str.strip_chars().str.head(3).str.to_uppercase()
    found = pl.lit(None, pl.String)
    for end, name in reversed(last):
        found = pl.when(head <= end).then(pl.lit(name)).otherwise(found)
    return found


_FILED = pl.coalesce("received_date", "run_date")
_AGE_OF_CLAIM = (_FILED - pl.col("last_day")).dt.total_days()
_PROCEDURE = pl.col("procedure_code")
_DIAGNOSIS = pl.col("diagnosis_1").str.replace_all(".", "", literal=True)


def _known(name: str) -> pl.Expr:
    return pl.when(f"known_{name}").then(name)


def _number(name: str, words: str, meaning: str, unit: str, source: str, leak: str, expr: pl.Expr) -> Feature:
    return Feature(name, "number", words, meaning, unit, source, leak, expr.cast(pl.Float64))


def _category(name: str, words: str, meaning: str, source: str, expr: pl.Expr) -> Feature:
    return Feature(name, "category", words, meaning, "", source, _ON_CLAIM, expr.cast(pl.String))


def _flag(name: str, words: str, meaning: str, source: str, expr: pl.Expr) -> Feature:
    return Feature(name, "flag", words, meaning, "", source, _ON_CLAIM, expr.cast(pl.Boolean))


def _rate(kind: str, words: str, meaning: str) -> Feature:
    name = f"{kind}_denial_rate"
    return _number(name, words, meaning, "share", _HISTORY, _BEFORE, pl.col(name))


FEATURES: Final[tuple[Feature, ...]] = (
    _number("patient_age", "the patient's age", "Completed years on the service date.", "years",
            "patient_dob, service_date_from", _ON_CLAIM, pl.col("patient_age")),
    _category("patient_sex", "the patient's sex", "F, M or U.", "patient_sex", pl.col("patient_sex")),
    _flag("patient_is_dependent", "the patient is not the subscriber", "Relationship other than 18 (self).",
          "relationship_code", pl.col("relationship_code") != "18"),
    _category("patient_state", "the patient's state", "State of the patient.", "patient_state",
              pl.col("patient_state")),
    _number("charge", "the charge", "Sum of the lines' charges.", "dollars", "charge_amount", _ON_CLAIM,
            _known("charge")),
    _number("dearest_line", "the dearest line", "Highest charge of a line.", "dollars", "charge_amount",
            _ON_CLAIM, pl.col("dearest")),
    _number("charge_ratio", "charge against expected price", "Charge of the priced lines over what they"
            " should pay.", "times", "charge_amount, expected_allowed_amount", _PRICED,
            pl.when(_known("expected") > 0).then(pl.col("charge_priced") / pl.col("expected"))),
    _number("expected_amount", "the expected payment", "What the priced lines should pay.", "dollars",
            "expected_allowed_amount", _PRICED, _known("expected")),
    _number("copay", "the copay", "Sum of the copays.", "dollars", "copay_amount", _ON_CLAIM,
            _known("copay")),
    _number("patient_paid", "what the patient paid", "Sum of what patients paid at the visit.", "dollars",
            "patient_paid_amount", _ON_CLAIM, _known("patient_paid")),
    _number("days_to_file", "days from service to filing", "Days from the last service to the received"
            " date, else to the day of the run.", "days", "received_date, service dates", _ON_CLAIM,
            _AGE_OF_CLAIM),
    _number("days_to_limit", "days left to file", "Days left of the payer's filing limit; negative when it"
            " has passed.", "days", "payer registry, service dates", _ON_CLAIM,
            pl.col("filing_limit_days") - _AGE_OF_CLAIM),
    _category("weekday", "the weekday of the service", "1 Monday to 7 Sunday.", "service_date_from",
              pl.col("first_day").dt.weekday()),
    _number("service_days", "the length of the service", "Days from the first to the last service.", "days",
            "service dates", _ON_CLAIM, (pl.col("last_day") - pl.col("first_day")).dt.total_days()),
    _category("diagnosis_chapter", "the first diagnosis", "Chapter of ICD-10-CM of the first diagnosis.",
              "diagnosis_1", pl.col("chapter")),
    _category("diagnosis_group", "the first diagnosis", "First three characters of the first diagnosis.",
              "diagnosis_1", _DIAGNOSIS.str.head(3).str.to_uppercase()),
    _number("diagnosis_length", "how specific the first diagnosis is", "Characters of the first diagnosis;"
            " longer codes say more.", "characters", "diagnosis_1", _ON_CLAIM, _DIAGNOSIS.str.len_chars()),
    _number("diagnosis_count", "the number of diagnoses", "Diagnoses of the claim.", "codes",
            "diagnosis_1..12", _ON_CLAIM, pl.col("diagnosis_count")),
    _category("procedure_group", "the kind of service", "Section of CPT of the first line, or the letter of"
              " HCPCS.", "procedure_code", pl.col("section")),
    _category("procedure_code", "the procedure", "Procedure of the first line.", "procedure_code",
              _PROCEDURE),
    _category("procedure_for", "the procedure for this diagnosis", "Kind of service with the chapter of the"
              " first diagnosis.", "procedure_code, diagnosis_1",
              pl.concat_str("section", "chapter", separator=" for ")),
    _number("line_count", "the number of lines", "Lines of the claim.", "lines", "lines", _ON_CLAIM,
            pl.col("lines")),
    _number("unit_count", "the units", "Sum of the units.", "units", "units", _ON_CLAIM,
            _known("unit_count")),
    _category("payer", "the payer", "Registry id of the payer, else its id as given.", "payer_id, payer_name",
              pl.col("payer")),
    _category("payer_type", "the kind of payer", "Type of the payer in the registry.", "payer registry",
              pl.col("payer_type")),
    _category("filing_code", "the kind of coverage", "Claim filing code.", "claim_filing_code",
              pl.col("claim_filing_code")),
    _category("payer_sequence", "the order of payers", "P first, S second, T third.", "payer_sequence",
              pl.col("payer_sequence").fill_null("P")),
    _flag("is_professional", "a professional claim", "CMS-1500 or 837P.", "claim_type, bill_type_code",
          pl.col("is_professional")),
    _category("specialty", "the provider's specialty", "Taxonomy of the rendering, else billing provider.",
              "taxonomies", pl.coalesce("rendering_taxonomy", "billing_taxonomy")),
    _rate("provider", "this provider's denials", "Share denied of this provider's claims."),
    _rate("payer", "this payer's denials", "Share denied of this payer's claims."),
    _rate("provider_payer", "this provider's denials by this payer", "Share denied of both."),
    _rate("procedure_payer", "denials of this procedure by this payer", "Share denied of both."),
    _number("provider_decided", "claims known of this provider", "How many decided claims of the provider are"
            " known.", "claims", _HISTORY, _BEFORE, pl.col("provider_decided")),
    _category("place_of_service", "the place of service", "Place of the first line.", "place_of_service",
              pl.col("place_of_service")),
    _number("modifier_count", "the number of modifiers", "Most modifiers on a line.", "codes",
            "modifier_1..4", _ON_CLAIM, pl.col("modifiers")),
    _category("modifier", "the first modifier", "First modifier of the first line that has one.",
              "modifier_1", pl.col("modifier_1")),
    _flag("modifier_25", "modifier 25", "A line has modifier 25.", "modifier_1..4", pl.col("modifier_25")),
    _flag("modifier_distinct", "a modifier of distinct service", "A line has 59, XE, XS, XP or XU.",
          "modifier_1..4", pl.col("modifier_distinct")),
    _flag("modifier_telehealth", "a telehealth modifier", "A line has 95, 93, GT, GQ or FQ.",
          "modifier_1..4", pl.col("modifier_telehealth")),
    _flag("modifier_liability", "a modifier of expected denial", "A line has GA, GX, GY or GZ.",
          "modifier_1..4", pl.col("modifier_liability")),
    _flag("modifier_repeat", "a modifier of repetition", "A line has 76, 77 or 91.", "modifier_1..4",
          pl.col("modifier_repeat")),
    _flag("has_authorization", "a prior authorisation number", "The claim has one.", "prior_auth_number",
          pl.col("prior_auth_number").is_not_null()),
    _flag("has_referral", "a referral number", "The claim has one.", "referral_number",
          pl.col("referral_number").is_not_null()),
    _category("frequency_code", "original or replacement", "1 original, 7 replacement, 8 void.",
              "frequency_code", pl.col("frequency_code").fill_null("1")),
    _flag("is_accident", "related to an accident", "A related cause is given.", "related_cause_code",
          pl.col("related_cause_code").is_not_null()),
    _number("errors", "errors found by the rules", "Findings of severity error.", "findings", "rules", _RULES,
            pl.col("errors")),
    _number("warnings", "warnings of the rules", "Findings of severity warning.", "findings", "rules", _RULES,
            pl.col("warnings")),
    _number("infos", "notes of the rules", "Findings of severity info.", "findings", "rules", _RULES,
            pl.col("infos")),
    *(
        _number(f"found_{category}", f"findings on {category.replace('_', ' ')}", "Errors and warnings of"
                " this category.", "findings", "rules", _RULES, pl.col(f"found_{category}"))
        for category in CATEGORIES
    ),
)  # fmt: skip
"""Every feature of a claim."""

FEATURES_VERSION: Final = 1
"""Raised when a feature comes to mean something else: models of before would read it wrongly."""
BY_NAME: Final = {feature.name: feature for feature in FEATURES}
DTYPES: Final = {"number": pl.Float64(), "category": pl.String(), "flag": pl.Boolean()}
SCHEMA: Final = pl.Schema({"claim_id": pl.UInt64(), **{f.name: DTYPES[f.kind] for f in FEATURES}})


def claim_features(
    lines: pl.DataFrame,
    findings: pl.DataFrame | None = None,
    history: pl.DataFrame | None = None,
    run_date: date | None = None,
    *,
    filing_limits: pl.DataFrame | None = None,
    names: Collection[str] | None = None,
) -> pl.DataFrame:
    """One row per claim (SCHEMA), in the order of their first lines.

    `lines` is a typed frame with claim_id and what it has of `gathering.NEEDED` (columns, facts, prices),
    `findings` has claim_id, severity, category; `history` is of `history_of`. `run_date` stands for the
    received date of claims without one; None: their age is unknown. `filing_limits` has payer_key and
    filing_limit_days. With `names` only these features.
    """
    return features_of(gather(lines, findings), history, run_date, filing_limits=filing_limits, names=names)


def features_of(
    gathered: pl.DataFrame,
    history: pl.DataFrame | None = None,
    run_date: date | None = None,
    *,
    filing_limits: pl.DataFrame | None = None,
    names: Collection[str] | None = None,
) -> pl.DataFrame:
    """The features of gathered claims (`gather`, `put_together`), row-aligned."""
    claims = gathered.with_columns(
        pl.lit(run_date, pl.Date).alias("run_date"),
        payer_of().alias("payer"),
        pl.col("same_provider").alias("provider"),
        claim_day().alias("day"),
    )
    if filing_limits is None:
        claims = claims.with_columns(pl.lit(None, pl.Int64).alias("filing_limit_days"))
    else:
        limits = filing_limits.select("payer_key", pl.col("filing_limit_days").cast(pl.Int64))
        claims = claims.join(
            limits.unique("payer_key", keep="first", maintain_order=True), on="payer_key", how="left",
            maintain_order="left",
        )  # fmt: skip
    claims = claims.with_columns(rates(claims, history).get_columns())
    claims = claims.with_columns(
        _once(claims["procedure_code"], _section, "section"),
        _once(claims["diagnosis_1"], _chapter, "chapter"),
    )
    wanted = [feature for feature in FEATURES if names is None or feature.name in names]
    return claims.select("claim_id", *(feature.expr.alias(feature.name) for feature in wanted))


def _once(codes: pl.Series, said: Callable[[pl.Expr], pl.Expr], name: str) -> pl.Series:
    """What is said of codes, looked up once per distinct code: they are few."""
    known = codes.drop_nulls().unique().to_frame("code").with_columns(said(pl.col("code")).alias(name))
    return codes.to_frame("code").join(known, on="code", how="left", maintain_order="left")[name]


def payer_of() -> pl.Expr:
    """The payer of a claim in its features and its history: registry id, else the id as given."""
    return pl.coalesce("payer_key", pl.col("payer_id").str.to_uppercase())


def claim_day() -> pl.Expr:
    """The day before which history counts: received, else the last service; null where none is known."""
    return pl.coalesce("received_date", "last_day", "first_day")
