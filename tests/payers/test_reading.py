"""What replies say: statuses, headlines, the same claim told twice, values that cannot be read."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from typing import Any

import jmespath
import pytest
from jmespath.exceptions import JMESPathError

from claimsctl.payers.account import Account
from claimsctl.payers.asker import check_dry
from claimsctl.payers.codes import category, status_text
from claimsctl.payers.connectors import load_connectors
from claimsctl.payers.found import Found, once_each
from claimsctl.payers.headline import chosen_status, headline_first, normalised
from claimsctl.payers.inputs import path_of
from claimsctl.payers.inquiry import Inquiry, Match
from claimsctl.payers.mapping import Unreadable, adjustments, read_claims
from claimsctl.payers.narrowing import narrowed
from claimsctl.payers.paths import search
from claimsctl.payers.template import Format, MissingInput, TemplateError, parse, render
from claimsctl.reference.locate import data_path

CONNECTORS = load_connectors(None)
TODAY = date(2026, 3, 31)
FORM = Format("%m/%d/%Y", "~*", TODAY)
PRACTICE = {"npi": "1234567893", "tax_id": "123456789", "name": "Sample"}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("A0", "SUBMITTED"), ("A1", "SUBMITTED"), ("A2", "PENDING"), ("A3", "REJECTED"), ("A4", "NOT_FOUND"),
        ("A6", "REJECTED"), ("DR04", "NOT_FOUND"), ("P1", "PENDING"), ("P3", "ACTION_REQUIRED"),
        ("R7", "ACTION_REQUIRED"), ("R15", "ACTION_REQUIRED"), ("F0", "FINALIZED"), ("F1", "PAID"),
        ("F2", "DENIED"), ("F3", "ADJUSTED"), ("F3N", "FINALIZED"), ("F4", "CLOSED_NO_PAY"),
        ("E0", "INPUT_ERROR"), ("E1", "RETRY"), ("D0", "NOT_FOUND"), ("Z9", "UNKNOWN"), ("", "UNKNOWN"),
        (" f1 ", "PAID"), ("4", "UNKNOWN"), ("22", "UNKNOWN"),
    ],
)  # fmt: skip
def test_categories_stand_for_statuses(code: str, status: str) -> None:
    assert category(code).status == status


def test_the_code_tables_are_complete_and_without_repetition() -> None:
    for name in ("claim_status_categories.csv", "claim_status_codes.csv"):
        with (data_path("reference_data") / name).open(encoding="utf-8", newline="") as file:
            codes = [row["code"] for row in csv.DictReader(file)]
        assert len(codes) == len(set(codes)) > 10
    assert status_text("065") == status_text("65") == "Paid"
    assert status_text("999") is None


@pytest.mark.parametrize(
    ("code", "word", "paid", "status"),
    [
        ("F0", None, "10.00", "PAID"), ("F0", None, "0.00", "FINALIZED"), ("F0", None, None, "FINALIZED"),
        ("F3", None, "10.00", "ADJUSTED"), ("F3N", None, "10.00", "PAID"),
        ("F4", None, "10.00", "CLOSED_NO_PAY"),
        ("F2", "FINALIZED", "10.00", "DENIED"), (None, "FINALIZED", "10.00", "PAID"),
        (None, "FINALIZED", "0", "FINALIZED"), (None, "DENIED", None, "DENIED"),
        (None, None, "10.00", "UNKNOWN"),
    ],
)  # fmt: skip
def test_finalized_is_not_paid_unless_something_was(code: Any, word: Any, paid: Any, status: str) -> None:
    assert normalised(code, word, Decimal(paid) if paid is not None else None) == status


def test_a_duplicate_denial_does_not_hide_the_paid_claim() -> None:
    paid = Match("PAID", status_code="65", effective_date=date(2026, 1, 5), payer_claim_number="1")
    duplicate = Match("DENIED", status_code="54", effective_date=date(2026, 2, 5), payer_claim_number="2")
    missed = Match("NOT_FOUND", effective_date=date(2026, 3, 5))
    corrected = Match("ADJUSTED", effective_date=date(2026, 1, 20), payer_claim_number="3")
    assert headline_first([missed, duplicate, paid]) == (paid, duplicate, missed)
    assert headline_first([duplicate, paid, corrected])[0] == corrected, "the latest of the others"


def test_the_latest_then_the_most_decisive_status_speaks_for_a_claim() -> None:
    old = {"category_code": "P1", "effective_date": date(2026, 1, 1)}
    new = {"category_code": "F2", "effective_date": date(2026, 2, 1)}
    assert chosen_status([old, new]) == new
    assert chosen_status([{"category_code": "F2"}, {"category_code": "F1"}])["category_code"] == "F1"
    assert chosen_status([]) == {}


def _uhc(**claim: Any) -> list[Found]:
    reply = CONNECTORS["uhc"].claim_status.step("by_number").reply
    return read_claims(reply, {"claims": [{"claimNumber": "Z1", **claim}]}, CONNECTORS["uhc"], "87726")


def test_values_that_cannot_be_read_are_marked_and_not_guessed() -> None:
    summary = {"totalPaidAmt": "n/a", "totalChargedAmt": "1,150.00", "firstSrvcDt": "2026-13-45"}
    (found,) = _uhc(claimStatus="Pending", claimSummary=summary)
    assert found.match.flags == ("unreadable_service_date_from", "unreadable_paid_amount")
    assert found.match.charge_amount == Decimal("1150.00")
    assert (found.match.status, found.match.raw) == ("PENDING", {"claimStatus": "Pending"})


def test_several_statuses_of_a_claim_are_kept_raw() -> None:
    crosswalk = [{"clm507Cd": "F2", "clm508Cd": "585"}, {"clm507Cd": "F1", "clm508Cd": "65"}]
    (found,) = _uhc(claimSummary={"clmXWalkData": crosswalk, "totalPaidAmt": "0"})
    assert (found.match.status, found.match.status_code) == ("PAID", "65")
    assert found.match.flags == ("several_statuses", "paid_zero")
    assert found.match.raw == {"clm507Cd": "F2;F1", "clm508Cd": "585;65"}


@pytest.mark.parametrize("document", [{}, {"claims": None}, {"claims": ["x"]}, {"claim": []}, [], None])
def test_a_reply_without_its_root_is_never_no_claims(document: Any) -> None:
    reply = CONNECTORS["uhc"].claim_status.step("by_number").reply
    with pytest.raises(Unreadable):
        read_claims(reply, document, CONNECTORS["uhc"], "87726")


def test_adjustments_read_alike_however_they_are_told() -> None:
    entries = [
        {"kind": "CARC", "code": "CO45"}, {"kind": "carc", "code": "PR-1"}, {"kind": "RARC", "code": "n130"},
        {"kind": "CARC", "code": "45"}, {"group": "OA", "code": "23"}, {"code": None}, "CO-45",
    ]  # fmt: skip
    assert adjustments(entries) == ("CO-45", "PR-1", "RARC N130", "CARC 45", "OA-23")


def _found(number: str, **values: Any) -> Found:
    person = {name: values.pop(name) for name in ("patient_last_name",) if name in values}
    return Found(Match("PAID", payer_claim_number=number, **values), person)


def test_a_claim_told_under_two_payer_ids_is_one() -> None:
    first = _found("Z1", payer_ids=("87726",), paid_amount=Decimal(10))
    other = _found("z1 ", payer_ids=("03432",), paid_amount=Decimal(9))
    (kept,) = once_each([first, other])
    assert kept.match.payer_ids == ("87726", "03432")
    assert kept.match.paid_amount == 10
    assert kept.match.flags == ("told_differently",)
    assert len(once_each([_found("Z1"), _found("Z2"), Found(Match("PAID")), Found(Match("PAID"))])) == 4


def _inquiry(**values: Any) -> Inquiry:
    return Inquiry(0, values, "87726", PRACTICE)


def test_of_a_patients_claims_those_that_contradict_go() -> None:
    day, other = date(2026, 3, 2), date(2026, 3, 4)
    mine = _found("Z1", claim_number="A-1", service_date_from=day, charge_amount=Decimal(100))
    same_day = _found("Z2", service_date_from=day, charge_amount=Decimal(80))
    later = _found("Z3", service_date_from=other, charge_amount=Decimal(100))
    asked = _inquiry(service_date_from=day, charge_amount=Decimal(100))
    assert [f.match.payer_claim_number for f in narrowed([mine, same_day, later], asked)] == ["Z1"]
    numbered = _inquiry(claim_number="a1")
    assert [f.match.payer_claim_number for f in narrowed([later, mine], numbered)] == ["Z3", "Z1"]
    assert [f.match.payer_claim_number for f in narrowed([mine], _inquiry(claim_number="B-2"))] == ["Z1"]


def test_another_date_or_patient_is_marked() -> None:
    found = _found("Z1", service_date_from=date(2026, 3, 9), patient_last_name="OTHER")
    asked = _inquiry(service_date_from=date(2026, 3, 2), patient_last_name="Mine")
    assert narrowed([found], asked)[0].match.flags == ("service_date_differs", "patient_differs")


def test_placeholders() -> None:
    context = {
        "claim": {
            "member_id": "000012345678",
            "day": date(2026, 3, 30),
            "charge": Decimal("9.5"),
            "x": "a~b*\n",
        }
    }
    assert render("${claim.member_id:trim_zeros(9)}", context, FORM) == "012345678"
    assert render("${claim.none|claim.day:days(7):until_today}", context, FORM) == "03/31/2026"
    assert render("${claim.day:days(-7)}", context, FORM) == "03/23/2026"
    assert render("id ${claim.charge}/${claim.x}", context, FORM) == "id 9.50/a b"
    assert render("${claim.none?}", context, FORM) is None
    assert render("before ${claim.none?}", context, FORM) is None
    with pytest.raises(MissingInput, match=r"claim.none or claim.other"):
        render("${claim.none|claim.other}", context, FORM)
    for wrong in ("${claim.x", "${x}", "${claim.x:first}", "${claim.x:upper(3)}", "${claim.x:shout}"):
        with pytest.raises(TemplateError):
            parse(wrong)


def test_a_value_in_an_address_can_lead_nowhere_else() -> None:
    path = "/claims/${claim.claim_number:upper}"
    assert path_of(path, {"claim": {"claim_number": "a/../b?x#y"}}, FORM) == "/claims/A%2F..%2FB%3FX%23Y"
    for values in ({}, {"claim_number": ""}, {"claim_number": ".."}):
        with pytest.raises(MissingInput):
            path_of(path, {"claim": values}, FORM)


@pytest.mark.parametrize("route", CONNECTORS)
def test_what_would_be_sent_names_nobody(route: str) -> None:
    values: dict[str, Any] = {
        "claim_number": "A-17", "payer_claim_number": "ICN17", "patient_last_name": "Zwetschkenbaum",
        "patient_first_name": "Eulalia", "patient_dob": date(1961, 5, 23), "member_id": "W777123456",
        "service_date_from": date(2026, 3, 2), "charge_amount": Decimal("150.00"),
    }  # fmt: skip
    account = Account(credentials={"api_key": "sekret", "client_secret": "sekret"})
    entries = check_dry(CONNECTORS[route], account, Inquiry(0, values, "62308", PRACTICE))
    assert len(entries) >= 2
    assert "only_if" not in entries[0]
    assert all(entry["only_if"] for entry in entries[1:])
    text = str(entries)
    assert "ICN17" in text
    for secret in ("Zwetsch", "Eulalia", "1961", "W777123456", "sekret"):
        assert secret.upper() not in text.upper(), secret


@pytest.mark.parametrize(
    "path", ["a", "a.b", "a.b.c", "x.y", '"a b".c', "d[0].e", "d[].e", "a.[b]", "length(d)", "a.length(@)"]
)
@pytest.mark.parametrize(
    "document",
    [
        {"a": {"b": {"c": 1}}, "a b": {"c": 2}, "d": [{"e": 3}, {"e": 4}]},
        {"a": "text"},
        {"a": [{"b": 1}]},
        {},
        [],
    ],
)
def test_paths_that_are_only_keys_find_what_jmespath_finds(path: str, document: Any) -> None:
    try:
        expected = jmespath.search(path, document)
    except JMESPathError:
        with pytest.raises(JMESPathError):
            search(path, document)
    else:
        assert search(path, document) == expected
