"""What is found in a text, and what only looks like it."""

from __future__ import annotations

import base64

import pytest

from claimsctl.scan.columns import kind_of_header
from claimsctl.scan.detecting import HARMLESS, detect


def kinds(text: str) -> list[tuple[str, int]]:
    return [(hit.kind, hit.line) for hit in detect(text, None)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ssn 536-48-2917", ["ssn"]),
        ("SSN: 536482917", ["ssn"]),
        ("order 536482917", []),
        ("000-48-2917 666-48-2917 900-48-2917 536-00-2917 536-48-0000", []),
        ("***-**-2917", []),
        ("call 508-555-0163 or (508) 555-0163", ["phone", "phone"]),
        ("NPI 1679576722, claim 2026061500417", []),
        ("DOB: 1984-03-09", ["birth date"]),
        ("birth_date=03/09/1984", ["birth date"]),
        ("born 19840309", ["birth date"]),
        ("dob 1984-**-**", []),
        ("service date 2026-05-04", []),
        ("10.0.0.1 2026-06-30T12:00:00Z job 20260630-120000-1234", []),
    ],
)
def test_shapes(text: str, found: list[str]) -> None:
    assert [kind for kind, _ in kinds(text)] == found


def test_places_are_lines() -> None:
    assert kinds("a\nb 536-48-2917\n\nc 508-555-0163") == [("ssn", 2), ("phone", 4)]
    assert kinds("536-48-2917\n536-48-2918") == [("ssn", 1), ("ssn", 2)]


@pytest.mark.parametrize("wide", ["utf-8", "utf-16-le"])
def test_coded_texts_are_looked_into(wide: str) -> None:
    inner = "patient ssn 536-48-2917".encode(wide)
    for coded, name in (
        (base64.b64encode(inner).decode(), "base64"),
        (base64.urlsafe_b64encode(inner).decode().rstrip("="), "base64"),
        (inner.hex(), "hex"),
        (inner.hex().upper(), "hex"),
    ):
        (hit,) = detect(f"x\npayload={coded};", None)
        assert (hit.kind, hit.line, hit.encoding, hit.shown) == ("ssn", 2, name, "***-**-2917")


def test_headers_say_what_a_column_holds() -> None:
    assert kind_of_header("Pt Last") == "name"
    assert kind_of_header("patient_ssn") == "ssn"
    assert kind_of_header("Subscriber ID") == "member id"
    assert kind_of_header("DOB") == "birth date"
    assert kind_of_header("CPT") is kind_of_header("Billed") is None


@pytest.mark.parametrize(
    "cell", ["J.", "***-**-2917", "***0915", "1984-**-**", "", "phi1k.AYtd", "M" + "0A" * 9]
)
def test_masked_and_sealed_cells_are_harmless(cell: str) -> None:
    assert HARMLESS.search(cell)


@pytest.mark.parametrize("cell", ["Quill", "536-48-2917", "XKW7730915", "1984-03-09"])
def test_others_are_not(cell: str) -> None:
    assert not HARMLESS.search(cell)
