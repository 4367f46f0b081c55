"""A few real rows of two fee schedule releases, the indices of a few localities, and lines to price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.price.line import price
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Edition, Table

NUMBER: Final = pl.Decimal(12, 4)
RELEASES: Final = {
    "RVU25D": (date(2025, 1, 1), date(2025, 12, 31)),
    "RVU26C": (date(2026, 1, 1), date(2026, 12, 31)),
}
"""RVU26C serves all of 2026 here, so that one release is enough."""
_TEXT: Final = (
    "release", "code", "modifier", "status", "pctc", "global_days", "mult_proc", "bilateral", "assistant",
    "co_surgeon", "team_surgeon", "endo_base",
)  # fmt: skip

_GPCI: Final = """
GPCI2025 01112-05 1.088 1.088 1.419 0.445
GPCI2025 01182-18 1.045 1.045 1.185 0.617
GPCI2025 04412-20 0.999 1.000 0.903 0.947
GPCI2025 10212-99 0.995 1.000 0.883 1.125
GPCI2025 15202-00 0.998 1.000 0.911 1.033
GPCI2026 01112-05 1.095 1.095 1.410 0.425
GPCI2026 01182-18 1.044 1.044 1.182 0.618
GPCI2026 10212-99 0.991 1.000 0.892 1.192
GPCI2026 99999-01 1.000 1.000 1.000 1.000
"""
"""Work, work with floor, PE, MP; the work index of 2025 without the floor is invented, and so is 99999-01,
where all indices are 1."""


def dated(name: str, frame: pl.DataFrame, key: str, years: Mapping[str, tuple[date, date]]) -> Table:
    """A table of editions, as loaded: `key` has each row's edition."""
    spans = {edition: span for edition, span in years.items() if edition in set(frame[key])}
    rows = frame.with_columns(
        pl.col(key)
        .replace_strict({e: s[0] for e, s in spans.items()}, return_dtype=pl.Date)
        .alias("valid_from"),
        pl.col(key)
        .replace_strict({e: s[1] for e, s in spans.items()}, return_dtype=pl.Date)
        .alias("valid_to"),
    )
    editions = tuple(Edition(e, *span, rows.height) for e, span in spans.items())
    return Table(name, rows.drop(key), editions, "test", "")


def fee_rows() -> pl.DataFrame:
    rows = pl.read_csv(Path(__file__).with_name("fee_rows.csv"), infer_schema=False)
    return rows.with_columns(pl.col(name).cast(NUMBER) for name in rows.columns if name not in _TEXT)


def gpci_rows() -> pl.DataFrame:
    rows = [line.split() for line in _GPCI.strip().splitlines()]
    names = ("edition", "locality", "work_gpci", "work_gpci_floor", "pe_gpci", "mp_gpci")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.with_columns(pl.col(names[2:]).cast(NUMBER))


def tables(**others: Table) -> dict[str, Table]:
    """mpfs, gpci, pos, conversion_factors, zip_locality; `others` are added or take their place."""
    years = {"GPCI2025": RELEASES["RVU25D"], "GPCI2026": RELEASES["RVU26C"]}
    pos = {"code": ["02", "10", "11", "12", "21", "22", "24", "31"]}
    places = pl.DataFrame({**pos, "facility": [True, False, False, False, True, True, True, True]})
    factors = pl.DataFrame(
        {
            "kind": ["physician", "physician", "physician_qp", "anesthesia"],
            "conversion_factor": ["32.3465", "33.4009", "33.5675", "20.3178"],
            "valid_from": [date(2025, 1, 1), date(2026, 1, 1), date(2026, 1, 1), date(2025, 1, 1)],
            "valid_to": [date(2025, 12, 31), None, None, None],
        }
    ).with_columns(pl.col("conversion_factor").cast(NUMBER))
    zips = pl.DataFrame(
        {
            "zip": ["94102", "30303", "97001"],
            "locality": ["01112-05", "10212-99", "02302-99"],
            "plus_four": [False, False, True],
        }
    )
    return {
        "mpfs": dated("mpfs", fee_rows(), "release", RELEASES),
        "gpci": dated("gpci", gpci_rows(), "edition", years),
        "pos": undated("pos", places),
        "conversion_factors": undated("conversion_factors", factors),
        "zip_locality": undated("zip_locality", zips),
        **others,
    }


def undated(name: str, frame: pl.DataFrame) -> Table:
    return Table(name, frame, (Edition(name, None, None, frame.height),), "test", "")


def lines(*rows: Mapping[str, object]) -> pl.DataFrame:
    """Lines of 2 March 2026 in an office, one unit of 99213, in Georgia, with what each row says instead."""
    usual = {
        "procedure_code": "99213",
        "units": Decimal(1),
        "place_of_service": "11",
        "service_date_from": date(2026, 3, 2),
        "medicare_locality": "10212/99",
    }
    names = dict.fromkeys(name for row in (usual, *rows) for name in row)
    return pl.DataFrame(
        {name: [row.get(name, usual.get(name)) for row in rows] for name in names}, strict=False
    )


def priced(
    *rows: Mapping[str, object], terms: Terms | None = None, given: Mapping[str, Table] | None = None
) -> list[dict[str, object]]:
    """What `price` says of the lines."""
    return price(lines(*rows), Schedule(given or tables(), terms or Terms())).to_dicts()


def one(
    terms: Terms | None = None, given: Mapping[str, Table] | None = None, **row: object
) -> dict[str, object]:
    """What `price` says of one line."""
    (found,) = priced(row, terms=terms, given=given)
    return found


def amounts(found: Sequence[Mapping[str, object]]) -> list[object]:
    return [row["expected_allowed_amount"] for row in found]


def dollars(*codes: Mapping[str, object]) -> dict[str, Table]:
    """Tables in which fees are the dollars that are given: all indices and the conversion factor are 1.

    Each of `codes` names a `code` and its `fee` (or `work_rvu`, `pe`, `mp_rvu` apart); `tc` and `pc`
    split it. Other names are columns of the fee schedule.
    """
    usual = {
        "modifier": None, "status": "A", "pctc": "0", "global_days": "090", "mult_proc": "2",
        "bilateral": "1", "assistant": "2", "co_surgeon": "2", "team_surgeon": "2", "endo_base": None,
        "pre_op": "0.1", "intra_op": "0.7", "post_op": "0.2", "conversion_factor": "1", "work_rvu": "0",
        "mp_rvu": "0", "opps_pe_nonfacility": "0", "opps_pe_facility": "0", "opps_mp": "0",
        "release": "RVU26C", "pe_nonfacility": "0", "pe_facility": "0", "code": None,
    }  # fmt: skip
    rows = []
    for given in codes:
        rest = {name: value for name, value in given.items() if name not in ("fee", "tc", "pc", "pe")}
        parts = {None: given.get("fee", given.get("pe"))}
        if "tc" in given:
            parts = {"TC": given["tc"], "26": given["pc"]}
            parts[None] = sum(Decimal(str(part)) for part in parts.values())
            rest = {"pctc": "1", "global_days": "XXX", "bilateral": "0"} | rest
        for modifier, amount in parts.items():
            pe = {"pe_nonfacility": amount, "pe_facility": amount}
            rows.append(usual | pe | rest | {"modifier": modifier})
    texts = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(usual, pl.String))
    frame = frame.with_columns(pl.col(name).cast(NUMBER) for name in frame.columns if name not in _TEXT)
    return tables(mpfs=dated("mpfs", frame, "release", RELEASES))


HERE: Final = "99999/01"
"""The locality whose indices are 1."""


def day(
    *rows: Mapping[str, object], given: Mapping[str, Table], terms: Terms | None = None
) -> list[dict[str, object]]:
    """What `price` says of lines of one claim on one day, where all indices are 1."""
    usual = {"medicare_locality": HERE, "claim_number": "C1", "same_provider": "1234567893"}
    return priced(*(usual | dict(row) for row in rows), given=given, terms=terms)


@dataclass(frozen=True)
class Case:
    """A line of a code with a fee of dollars, and what it should come to: an amount or a status."""

    expected: str
    modifiers: Sequence[str] = ()
    fee: str = "125"
    units: int = 1
    code: Mapping[str, object] = field(default_factory=dict)
    line: Mapping[str, object] = field(default_factory=dict)


def found(cases: Sequence[Case], terms: Terms | None = None) -> list[dict[str, object]]:
    """What `price` says of every case, each a claim and a code of its own; priced in one frame."""
    codes = [{"code": f"1{n:04d}", "fee": case.fee, **case.code} for n, case in enumerate(cases)]
    rows = [
        {"procedure_code": f"1{n:04d}", "units": Decimal(case.units), "claim_number": f"C{n}"}
        | {f"modifier_{place}": modifier for place, modifier in enumerate(case.modifiers, 1)}
        | dict(case.line)
        for n, case in enumerate(cases)
    ]
    return day(*rows, given=dollars(*codes), terms=terms)


def wrong(cases: Sequence[Case], terms: Terms | None = None) -> list[tuple[object, ...]]:
    """The cases that come to something else, with what they come to."""
    results = found(cases, terms)
    assert len(results) == len(cases)
    words = [str(row["expected_allowed_amount"] or row["pricing_status"]) for row in results]
    return [(case, word) for case, word in zip(cases, words, strict=True) if word != case.expected]


def total(rows: Sequence[Mapping[str, object]]) -> Decimal:
    return sum((Decimal(str(row["expected_allowed_amount"] or 0)) for row in rows), Decimal(0))
