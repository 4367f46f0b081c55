"""NCCI edits of CMS: procedure to procedure (PTP) and medically unlikely (MUE).

CMS publishes them apart for practitioners, hospital outpatient services and (MUE) suppliers of DME. They
differ, so each has a table of its own; rules use those for practitioners.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import (
    PROCEDURE,
    ROW,
    complete,
    decoded,
    few,
    filled,
    head_lines,
    header,
    procedure_code,
    read_table,
    refuse,
)
from claimsctl.reference.formats.periods import QUARTER, quarter, quarter_start
from claimsctl.reference.releases import (
    CPT_CODES,
    Format,
    Opened,
    Release,
    Wanted,
    damaged,
    no_date,
)

_PTP_COLUMNS: Final = ("column1", "column2", "before_1996", "effective", "deletion", "modifier", "rationale")
_PTP_HEADER: Final = re.compile(r"Column 1\tColumn 2\t")
_PTP_PAIR: Final = re.compile(r"[0-9A-Z]{2,5} *\t[0-9A-Z]{2,5} *\t")
_PTP_EXPECTED: Final = (
    "lines of seven columns parted by tabs: two codes, *, effective date, deletion date or *, "
    "modifier indicator 0, 1 or 9, rationale"
)
_PTP_SOURCE: Final = "CMS NCCI procedure to procedure edits"
_PTP_FOR: Final = {"ncci_ptp": "practitioner services", "ncci_ptp_hospital": "hospital outpatient services"}
_PTP_NAMES: Final = (
    ("ncci_ptp_hospital", re.compile(r"ccioph|outpatient|hospital", re.IGNORECASE)),
    ("ncci_ptp", re.compile(r"ccipra|practitioner", re.IGNORECASE)),
)
"""The files have the same columns and titles: only their names tell them apart."""
_PART: Final = re.compile(r"(?<=[-_])f[1-9](?=[._-]|$)", re.IGNORECASE)
"""CMS parts the edits of a quarter into files f1 to f4."""

_PAIRS_COLUMNS: Final = ("column1", "column2", "modifier", "rationale")
_PAIRS_HEADER: Final = ["column1", "column2", "modifier_indicator", "rationale"]
_PAIRS_EXPECTED: Final = "columns column1, column2, modifier_indicator (0, 1 or 9), rationale"

_SORTED_ROWS: Final = 100
"""In so many pairs of CMS the lower code never happens to stand first in all."""

_MUE_HEADER: Final = re.compile(
    r'^"?HCPCS\s*/\s*CPT\s+Code\s*"?\s*,\s*'
    r'"?(Practitioner|Outpatient Hospital|DME Supplier) Services MUE Values',
    re.IGNORECASE | re.MULTILINE,
)
_MUE_TABLES: Final = {
    "practitioner": ("mue", 15_000),
    "outpatient hospital": ("mue_hospital", 15_000),
    "dme supplier": ("mue_dme", 6_000),
}
"""The table for each kind of provider, and how many rows are usual."""
_MUE_EXPECTED: Final = "four columns: code, MUE value, adjudication indicator 1 to 3, rationale"


def _is_ptp(opened: Opened) -> bool:
    return any(_PTP_HEADER.match(line) for line in head_lines(opened, 20))


def _read_ptp(opened: Opened, wanted: Wanted) -> list[Release]:
    head = head_lines(opened, 40)
    preamble = next((at for at, line in enumerate(head) if _PTP_PAIR.match(line)), None)
    if preamble is None:
        raise damaged(opened, _PTP_EXPECTED, "a heading and no such line")
    period = quarter(opened, wanted, "a file of NCCI edits", _version_start(opened.name))
    part = _PART.search(opened.name)
    rows = _scan(opened, "\t", _PTP_COLUMNS, preamble)
    deletion = pl.col("deletion")
    dated = rows.with_columns(
        pl.col("effective").str.to_date("%Y%m%d", strict=False).alias("valid_from"),
        deletion.str.to_date("%Y%m%d", strict=False).alias("valid_to"),
        (deletion.is_null() | (deletion == "*")).alias("active"),
    )
    fits = (
        _pair_fits()
        & pl.col("valid_from").is_not_null()
        & (pl.col("valid_to").is_not_null() | pl.col("active"))
    )
    frame = _collected(opened, dated, fits, _PTP_EXPECTED)
    never = pl.col("valid_to") <= pl.col("valid_from")
    kept = frame.filter(~never.fill_null(False))
    dropped = frame.height - kept.height
    table, notes = _provider(opened, wanted)
    if dropped:
        notes += (f"{dropped:,} edits deleted on the day they began were left out: they never applied",)
    return [
        Release(
            table=table,
            edition=f"{period.edition}-{part[0].lower()}" if part else period.edition,
            valid_from=period.valid_from,
            valid_to=period.valid_to,
            source=f"{_PTP_SOURCE}, {_PTP_FOR[table]}, {opened.name}",
            licence=CPT_CODES,
            frame=kept,
            part=part is not None,
            notes=(*notes, *few(kept, 500_000)),
            usual=0,
        )
    ]


def _provider(opened: Opened, wanted: Wanted) -> tuple[str, tuple[str, ...]]:
    """The table of the edits, and a note where nothing says whose they are."""
    named = next((table for table, pattern in _PTP_NAMES if pattern.search(opened.name)), None)
    table = named or (wanted.table if wanted.table in _PTP_FOR else None)
    if table is not None:
        return table, ()
    return "ncci_ptp", (
        "taken as edits for practitioners: neither the file nor its name says so; those for hospitals load "
        "with --table ncci_ptp_hospital",
    )


def _version_start(name: str) -> date | None:
    """The quarter of ccipra-v322r0-f1.txt: version 32.2 is the third quarter of 1994 + 32."""
    found = re.search(r"cci(?:pra|oph)-?v(\d\d)([0-3])r\d", name, re.IGNORECASE)
    return quarter_start(1994 + int(found[1]), int(found[2]) + 1) if found else None


def _is_pairs(opened: Opened) -> bool:
    return header(opened) == _PAIRS_HEADER


def _read_pairs(opened: Opened, wanted: Wanted) -> list[Release]:
    if wanted.valid_from is None:
        raise no_date(opened, "a list of NCCI pairs without dates", QUARTER)
    period = quarter(opened, wanted, "a list of NCCI pairs without dates")
    rows = _scan(opened, ",", _PAIRS_COLUMNS, 1).with_columns(
        pl.lit(None, pl.Date).alias("valid_from"), pl.lit(None, pl.Date).alias("valid_to")
    )
    frame = _collected(opened, rows, _pair_fits(), _PAIRS_EXPECTED)
    said = ["the list has no dates: pairs that CMS has deleted may be among them; load the files of CMS"]
    if frame.height >= _SORTED_ROWS and bool((frame["column1"] < frame["column2"]).all()):
        said.append(
            "column 1 is the lower code of every pair: the list is sorted, and which code of a pair is "
            "denied is unknown; findings may name the wrong one of the two"
        )
    return [
        Release(
            table="ncci_ptp",
            edition=period.edition,
            valid_from=period.valid_from,
            valid_to=period.valid_to,
            source=f"{_PTP_SOURCE}, {_PTP_FOR['ncci_ptp']}, pairs without dates, {opened.name}",
            licence=CPT_CODES,
            frame=frame,
            notes=(*said, *few(frame, 2_000_000)),
            usual=2_000_000,
        )
    ]


def _scan(opened: Opened, separator: str, columns: tuple[str, ...], skipped: int) -> pl.LazyFrame:
    """The rows after `skipped` lines, trimmed, codes whole, numbered as in the file."""
    names = list(columns)
    return (
        pl.scan_csv(
            opened.path,
            separator=separator,
            has_header=False,
            skip_lines=skipped,
            schema=dict.fromkeys(names, pl.String()),
            quote_char='"' if separator == "," else None,
            encoding="utf8-lossy",
            glob=False,
        )
        .with_row_index(ROW, offset=skipped + 1)
        .with_columns(filled(pl.col(names).str.strip_chars().str.strip_chars("\x1a")))
        .filter(~pl.all_horizontal(pl.col(names).is_null()))
        .with_columns(
            procedure_code("column1"),
            procedure_code("column2"),
            pl.col("modifier").cast(pl.UInt8, strict=False).alias("modifier_indicator"),
            pl.col("rationale").cast(pl.Categorical),
        )
    )


def _pair_fits() -> pl.Expr:
    return (
        pl.col("column1").str.contains(PROCEDURE)
        & pl.col("column2").str.contains(PROCEDURE)
        & pl.col("modifier_indicator").is_in([0, 1, 9])
    )


def _collected(opened: Opened, rows: pl.LazyFrame, fits: pl.Expr, expected: str) -> pl.DataFrame:
    chosen = ("column1", "column2", "modifier_indicator", "valid_from", "valid_to", "rationale")
    try:
        frame = rows.select(ROW, *chosen, fits.alias("fits")).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        raise damaged(opened, expected, "lines with more columns, or an open quote") from None
    refuse(opened, frame, pl.col("fits"), expected)
    return frame.select(chosen)


def _is_mue(opened: Opened) -> bool:
    return _MUE_HEADER.search("\n".join(head_lines(opened, 40))) is not None


def _read_mue(opened: Opened, wanted: Wanted) -> list[Release]:
    period = quarter(opened, wanted, "a file of MUE values")
    # Before the header stands one quoted cell of many lines, the copyright notice; the header has two.
    text = decoded(opened)
    start = _MUE_HEADER.search(text)
    assert start is not None
    cells = read_table(
        opened, text[start.start() :], _MUE_EXPECTED, first=text.count("\n", 0, start.end()) + 1
    )
    if cells.width != 5:
        raise damaged(opened, _MUE_EXPECTED, f"{cells.width - 1} columns")
    cells.columns = [ROW, "code", "units", "mai", "rationale"]
    frame = cells.with_columns(
        procedure_code("code"),
        pl.col("units").cast(pl.Int64, strict=False),
        pl.col("mai").str.extract(r"^([123])\b"),
    )
    fits = pl.col("code").str.contains(PROCEDURE) & (pl.col("units") >= 0) & pl.col("mai").is_not_null()
    refuse(opened, frame, fits, _MUE_EXPECTED)
    kind = start[1].lower()
    table, usual = _MUE_TABLES[kind]
    return [
        Release(
            table=table,
            edition=period.edition,
            valid_from=period.valid_from,
            valid_to=period.valid_to,
            source=f"CMS NCCI medically unlikely edits, {kind} services, {opened.name}",
            licence=CPT_CODES,
            frame=complete(opened, frame.drop(ROW), ["code"], 1),
            notes=few(frame, usual),
            usual=usual,
        )
    ]


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="ncci_ptp",
        tables=("ncci_ptp", "ncci_ptp_hospital"),
        title="NCCI PTP edits, practitioner or hospital outpatient services (CMS text file)",
        expects="text parted by tabs with the heading Column 1, Column 2, effective and deletion date",
        recognises=_is_ptp,
        read=_read_ptp,
    ),
    Format(
        name="ncci_ptp_pairs",
        tables=("ncci_ptp",),
        title="NCCI PTP pairs without dates",
        expects="CSV with the header column1,column2,modifier_indicator,rationale; needs --from",
        recognises=_is_pairs,
        read=_read_pairs,
    ),
    Format(
        name="ncci_mue",
        tables=tuple(table for table, _ in _MUE_TABLES.values()),
        title="NCCI MUE values, practitioner, outpatient hospital or DME supplier services (CMS CSV)",
        expects="CSV with the header HCPCS/CPT Code, Practitioner (or other) Services MUE Values",
        recognises=_is_mue,
        read=_read_mue,
    ),
)
