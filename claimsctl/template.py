"""Empty claim files to fill in: exact headers, invented example rows, the rules beside them."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Literal

from claimsctl import claim
from claimsctl.errors import OutputError, UsageError

Purpose = Literal["process", "status"]
Format = Literal["csv", "xlsx"]
DEFAULT_PAYER: Final = "UHC"

_PATIENT: Final = ("patient_last_name", "patient_first_name", "patient_dob")
_PROFESSIONAL: Final = (
    "claim_number", "line_number", *_PATIENT, "patient_sex", "patient_address", "patient_city",
    "patient_state", "patient_zip", "relationship_code", "member_id", "subscriber_last_name",
    "subscriber_first_name", "subscriber_dob", "payer_id", "prior_auth_number", "billing_npi",
    "billing_name", "billing_address", "billing_city", "billing_state", "billing_zip", "billing_tax_id",
    "rendering_npi", "place_of_service", "service_date_from", "service_date_to", "procedure_code",
    "modifier_1", "modifier_2", "diagnosis_1", "diagnosis_2", "diagnosis_3", "diagnosis_4",
    "diagnosis_pointers", "units", "charge_amount", "copay_amount",
)  # fmt: skip
_SESSION: Final = (
    "patient_id", *_PATIENT, "member_id", "payer_id", "rendering_npi", "service_date_from",
    "session_start_time", "session_end_time", "minutes", "procedure_code", "diagnosis_1", "diagnosis_2",
    "charge_amount", "copay_amount",
)  # fmt: skip
_STATUS: Final = (
    "claim_number", "patient_ssn", "patient_dob", "patient_first_name", "patient_last_name", "member_id",
    "billing_tax_id", "service_date_from", "service_date_to", "payer_id",
)  # fmt: skip

# Invented: NPIs that begin with 2 and member IDs of the MBI shape are given to nobody, and the
# numbers 734-749 that open the SSNs were given to no adult.
_PEOPLE: Final[tuple[Mapping[str, str], ...]] = (
    {"patient_id": "MRN10442", "patient_last_name": "Rivera", "patient_first_name": "Elena",
     "patient_dob": "1984-03-09", "patient_sex": "F", "patient_address": "18 Alder Court",
     "patient_ssn": "745-38-2916", "member_id": "1EG4TE5MK73"},
    {"patient_id": "MRN10518", "patient_last_name": "Okafor", "patient_first_name": "Daniel",
     "patient_dob": "1969-11-23", "patient_sex": "M", "patient_address": "2207 Birch Lane",
     "patient_ssn": "738-52-4107", "member_id": "2FN7GH4KR82"},
    {"patient_id": "MRN10604", "patient_last_name": "Lindqvist", "patient_first_name": "Maja",
     "patient_dob": "1991-07-30", "patient_sex": "F", "patient_address": "5 Quarry Road",
     "patient_ssn": "741-67-8530", "member_id": "4TY9PA3WQ61"},
)  # fmt: skip
_PRACTICE: Final[Mapping[str, str]] = {
    "patient_city": "Sacramento", "patient_state": "CA", "patient_zip": "95814", "relationship_code": "18",
    "billing_npi": "2718281829", "billing_name": "Main Street Practice",
    "billing_address": "400 Main Street", "billing_city": "Sacramento", "billing_state": "CA",
    "billing_zip": "958142201", "billing_tax_id": "68-4410275", "rendering_npi": "2314159262",
    "place_of_service": "11", "units": "1",
}  # fmt: skip
# person, days before the newest service date, and the line
_Visit = tuple[int, int, Mapping[str, str]]
_VISITS: Final[tuple[_Visit, ...]] = (
    (0, 7, {"claim_number": "C-1001", "line_number": "1", "procedure_code": "99213", "modifier_1": "25",
            "diagnosis_1": "R00.2", "diagnosis_2": "R53.83", "diagnosis_pointers": "A,B",
            "charge_amount": "145.00", "copay_amount": "25.00"}),
    (0, 7, {"claim_number": "C-1001", "line_number": "2", "procedure_code": "93000",
            "diagnosis_1": "R00.2", "diagnosis_2": "R53.83", "diagnosis_pointers": "A",
            "charge_amount": "60.00"}),
    (1, 0, {"claim_number": "C-1002", "line_number": "1", "procedure_code": "99214",
            "diagnosis_1": "J02.9", "diagnosis_pointers": "A", "charge_amount": "210.00",
            "copay_amount": "25.00"}),
)  # fmt: skip
_SESSIONS: Final[tuple[_Visit, ...]] = (
    (0, 7, {"session_start_time": "09:00", "session_end_time": "10:00", "minutes": "60",
            "procedure_code": "90791", "diagnosis_1": "F41.1", "charge_amount": "220.00",
            "copay_amount": "30.00"}),
    (1, 7, {"session_start_time": "10:15", "session_end_time": "11:00", "minutes": "45",
            "procedure_code": "90834", "diagnosis_1": "F33.1", "diagnosis_2": "F41.1",
            "charge_amount": "150.00", "copay_amount": "30.00"}),
    (2, 0, {"session_start_time": "14:00", "session_end_time": "14:45", "minutes": "45",
            "procedure_code": "90834", "diagnosis_1": "F43.21", "charge_amount": "150.00",
            "copay_amount": "20.00"}),
)  # fmt: skip
_INQUIRIES: Final[tuple[_Visit, ...]] = (
    (0, 35, {"claim_number": "C-1001"}),
    (1, 28, {"claim_number": "C-1002"}),
)

_PLANS: Final[Mapping[str, tuple[tuple[str, ...], tuple[_Visit, ...]]]] = MappingProxyType(
    {
        "professional": (_PROFESSIONAL, _VISITS),
        "session": (_SESSION, _SESSIONS),
        "status": (_STATUS, _INQUIRIES),
    }
)
_FIXED_HOLIDAYS: Final = frozenset({(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)})


def template_rows(
    payer: str | None, purpose: Purpose, profile: str, *, today: date
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Headers, example rows and comment lines (each beginning with `#`) of a template.

    The examples pass validation on `today` and the months after. `payer` is a registry id or alias,
    UHC when None; a purpose of status has one list of columns whatever the profile. Comment lines hold
    no comma or quote, so that a spreadsheet saves them back as they are. Raises UsageError.
    """
    plan = "status" if purpose == "status" else profile
    if purpose not in ("process", "status") or plan not in _PLANS:
        raise UsageError(
            f"There is no template for purpose {purpose!r} and profile {profile!r}.",
            hint=f"Purposes are process and status; profiles are {', '.join(claim.PROFILES)}.",
        )
    if plan == "status":
        purpose = "status"
    headers, visits = _PLANS[plan]
    payer_id = (payer or DEFAULT_PAYER).strip().upper()
    newest = _office_day(today - timedelta(days=8))
    rows = []
    for person, days, line in visits:
        day = _office_day(newest - timedelta(days=days)).isoformat()
        cells = {**_PRACTICE, **_PEOPLE[person], **line, "payer_id": payer_id}
        cells |= {"service_date_from": day, "service_date_to": day}
        rows.append(tuple(cells.get(name, "") for name in headers))
    return headers, tuple(rows), _comments(headers, payer_id, purpose, plan)


def write_template(
    destination: str | Path | BinaryIO,
    file_format: Format,
    *,
    payer: str | None,
    purpose: Purpose,
    profile: str,
    today: date,
    overwrite: bool = False,
) -> None:
    """Write a template to a path (whole or not at all) or a binary stream.

    Raises UsageError when the path exists and `overwrite` is false, OutputError when it cannot be
    written.
    """
    headers, rows, comments = template_rows(payer, purpose, profile, today=today)
    if file_format == "csv":
        content = _csv(headers, rows, comments)
    elif file_format == "xlsx":
        content = _xlsx(headers, rows, comments)
    else:
        raise UsageError(f"There is no template format {file_format!r}.", hint="Formats are csv and xlsx.")
    if not isinstance(destination, (str, Path)):
        destination.write(content)
        return
    path = Path(destination)
    if path.exists() and not overwrite:
        raise UsageError(
            f"{path} exists already and may hold your claims.", hint="Give another --output, or remove it."
        )
    _write_whole(path, content)


def _write_whole(path: Path, content: bytes) -> None:
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(aside, path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            f"Cannot write {path}: {error.strerror or type(error).__name__}.",
            hint="Choose a directory that exists and is writable with --output.",
        ) from error


def _office_day(day: date) -> date:
    """The day itself or the nearest earlier Tuesday or Wednesday that is no holiday."""
    while day.weekday() not in (1, 2) or (day.month, day.day) in _FIXED_HOLIDAYS:
        day -= timedelta(days=1)
    return day


def _comments(headers: tuple[str, ...], payer_id: str, purpose: Purpose, plan: str) -> tuple[str, ...]:
    profile = "" if plan == "professional" else f" --profile {plan}"
    lines = [
        f"claimsctl template: payer {payer_id} - purpose {purpose} - profile {plan}",
        f"Replace the example rows with yours and keep the header row; then run:"
        f" claimsctl process FILE{profile}",
        "Lines that begin with a number sign are skipped",
        "Dates: YYYY-MM-DD. Amounts: 145.00 without a currency sign. Codes: as text so that leading zeros"
        " stay",
    ]
    if plan == "professional":
        lines.append("One row per service line; claim values repeat on every line of the claim")
    lines.extend(f"{name} - {_need(name, plan)} - {_plain(claim.BY_NAME[name].meaning)}" for name in headers)
    return tuple(f"# {line}" for line in lines)


def _need(name: str, plan: str) -> str:
    for need in claim.REQUIRED_TO_RUN[plan]:
        options = [option for option in need if name in option]
        if options and len(need) == 1:
            return "required"
        if options:
            return f"required unless {' or '.join(' + '.join(o) for o in need if name not in o)} is there"
    return "required" if plan in claim.BY_NAME[name].required else "optional"


def _plain(text: str) -> str:
    return text.replace(", ", " - ").replace(",", " ").replace('"', "")


def _csv(headers: tuple[str, ...], rows: tuple[tuple[str, ...], ...], comments: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    for line in comments:
        text.write(f"{line}\r\n")
    csv.writer(text).writerows((headers, *rows))
    return text.getvalue().encode("utf-8")


def _xlsx(headers: tuple[str, ...], rows: tuple[tuple[str, ...], ...], comments: tuple[str, ...]) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    # A fixed time, so that the same template has the same bytes.
    book.set_properties({"title": "claimsctl template", "created": datetime(2026, 1, 1, tzinfo=UTC)})
    # Text cells, because a spreadsheet drops the leading zeros of numbers.
    text = book.add_format({"num_format": "@"})
    bold = book.add_format({"bold": True, "num_format": "@", "bottom": 1})
    sheet = book.add_worksheet("claims")
    for column, name in enumerate(headers):
        sheet.set_column(column, column, max(len(name), *(len(row[column]) for row in rows)) + 2, text)
        sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, start=1):
            if row[column]:
                sheet.write_string(number, column, row[column], text)
    sheet.freeze_panes(1, 0)
    rules = book.add_worksheet("rules")
    rules.set_column(0, 0, 110)
    for number, line in enumerate(comments):
        rules.write_string(number, 0, line.removeprefix("# "))
    book.close()
    return stream.getvalue()
