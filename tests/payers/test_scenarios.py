"""Every fault of the sandbox on every route, over real HTTP: what is seen, sent and stored.

docs/payer-faults.md is the table; `python -m tests.payers.scenario_table` writes it anew.
"""

from __future__ import annotations

import json
import logging

import pytest

from claimsctl.errors import OutsideError
from claimsctl.payers.inquiry import answer_from_dict, answer_to_dict
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import InventedClaim
from claimsctl.sandbox.inventing import invent_claims
from claimsctl.sandbox.scenarios import ROUTES
from claimsctl.sandbox.tokens import API_KEY, CLIENT_SECRET
from tests.payers.rehearsal import asked, inquiry
from tests.payers.scenario_table import ONE, PAGE, PERSON, SEVERAL, is_right, page, sent

MANY = tuple(invent_claims(60, seed=11, payer="", days=28, first=101))


@pytest.fixture
def box() -> Sandbox:
    return Sandbox([ONE, *SEVERAL])


@pytest.fixture
def many() -> Sandbox:
    """A sandbox that knows sixty claims of a month, and takes its time to answer."""
    return Sandbox(MANY, seed=5, latency=0.1)


def secrets(claims: tuple[InventedClaim, ...]) -> set[str]:
    """What must stand in no log, message or stored answer, in every way that payers write it."""
    told = {API_KEY, CLIENT_SECRET, "sbx-uhc-token", "sbx-availity-token", "-token-0000"}
    for claim in claims:
        told |= {claim.last_name, claim.first_name, claim.member_id}
        told |= {f"{claim.dob:{form}}" for form in ("%m/%d/%Y", "%Y-%m-%d", "%Y%m%d", "%m%d%Y")}
    return {each.upper() for each in told if len(each) > 3}


@pytest.mark.parametrize("route", ROUTES)
def test_the_table(box: Sandbox, route: str) -> None:
    text = PAGE.read_text("utf-8")
    section = text.partition(f"## {route}\n")[2].partition("\n## ")[0].strip().splitlines()
    now = "\n".join(page(box, [route])).partition(f"## {route}\n")[2].strip().splitlines()
    assert now == section, "python -m tests.payers.scenario_table writes it anew; look at what has changed"


def test_the_table_has_every_route() -> None:
    titles = [line[3:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("## ")]
    assert titles == list(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_claim_that_is_there_is_never_said_to_be_missing(route: str) -> None:
    """Of the table: only scenarios that say so end in NOT_FOUND."""
    section = PAGE.read_text("utf-8").partition(f"## {route}\n")[2].partition("\n## ")[0]
    missing = {
        line.split("`")[1] for line in section.splitlines() if "NOT_FOUND" in line or "not_found" in line
    }
    assert missing <= {"not-found-404", "not-found-d0", "not-found-empty", "not-found-errors"}


@pytest.mark.parametrize("route", ROUTES)
def test_a_slow_payer_is_asked_again(box: Sandbox, route: str) -> None:
    box.set_scenario("slow=80")  # once
    answers, totals = asked(box, route, [inquiry(0, ONE, route)])
    assert answers[0].matches[0].status == "PAID"
    assert answers[0].error_code is None
    assert totals.retries >= 1


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_there(box: Sandbox, route: str) -> None:
    nowhere = {"base_url": "http://127.0.0.1:9/nothing"}
    if route != "stedi":
        nowhere["token_url"] = "http://127.0.0.1:9/token"
    with pytest.raises(OutsideError, match="cannot be reached"):
        asked(box, route, [inquiry(0, ONE, route)], **nowhere)
    assert not box.log


def test_one_bad_row_does_not_spoil_the_others(box: Sandbox) -> None:
    box.set_scenario(f"error-500=always@{SEVERAL[2].claim_number}")
    answers, _ = asked(box, "stedi", [inquiry(key, claim, "stedi") for key, claim in enumerate(SEVERAL)])
    assert [key for key, answer in answers.items() if answer.outcome == "error"] == [2]
    assert all(is_right(answers[key], claim) for key, claim in enumerate(SEVERAL) if key != 2)


def test_an_entitlement_for_one_practice_only(box: Sandbox) -> None:
    box.set_scenario("forbidden@123456789")
    answers, _ = asked(box, "uhc", [inquiry(key, claim, "uhc") for key, claim in enumerate(SEVERAL)])
    assert {answer.error_type for answer in answers.values()} == {"auth"}
    assert len(box.log) < len(SEVERAL), "after some refusals the others are not asked"


def test_tokens_are_shared_and_renewed_before_they_end(many: Sandbox) -> None:
    inquiries = [inquiry(key, claim, "optum-network") for key, claim in enumerate(MANY)]
    asked(many, "optum-network", inquiries)
    assert many.counts["optum-network token"] == 1, "many callers, one token"
    many.forget()
    many.set_scenario("token-short=2")
    _, totals = asked(many, "optum-network", inquiries, limits={"requests_per_second": 12.0})
    assert 4 <= many.counts["optum-network token"] <= 1 + totals.seconds / (0.8 * 2)
    assert many.counts["optum-network 401"] == 0


def test_our_own_pace_never_meets_the_limit() -> None:
    box = Sandbox(MANY, requests_per_second=25)
    inquiries = [inquiry(key, claim, "stedi") for key, claim in enumerate(MANY)]
    answers, totals = asked(box, "stedi", inquiries, limits={"requests_per_second": 25.0})
    assert box.counts["stedi throttled"] == box.counts["stedi 429"] == totals.throttled == 0
    assert all(is_right(answers[key], claim) for key, claim in enumerate(MANY))
    assert totals.seconds > len(MANY) / 25 * 0.9, "the pace was kept, so the limit was tried"


def test_a_search_by_date_spares_requests(many: Sandbox) -> None:
    for route, settings in (("uhc", {"details": "none"}), ("optum-real", {})):
        many.forget()
        inquiries = [inquiry(key, claim, route, *PERSON) for key, claim in enumerate(MANY)]
        answers, _ = asked(many, route, inquiries, settings=settings)
        assert all(is_right(answers[key], claim) for key, claim in enumerate(MANY)), route
        asking = sum(1 for each in many.log if each.step != "token")
        assert asking <= len(MANY) / 10, sent(many)


@pytest.mark.parametrize("route", ROUTES)
def test_chaos(many: Sandbox, route: str, caplog: pytest.LogCaptureFixture) -> None:
    """30 % of the answers faulty in all ways, short tokens: a right status or an explicit error for each."""
    caplog.set_level(logging.DEBUG)
    many.set_scenario(*([] if route == "stedi" else ["token-short=1"]), "chaos=0.3")
    # Optum's search by date would answer all with three requests.
    names = {"uhc": PERSON, "optum-real": ("payer_claim_number",)}.get(route, ())
    inquiries = [inquiry(key, claim, route, *names) for key, claim in enumerate(MANY)]
    answers, totals = asked(many, route, inquiries)
    faulty = sum(1 for each in many.log if each.scenario and each.scenario != "token-short")
    assert faulty > 0.2 * len(MANY)
    assert sorted(answers) == list(range(len(MANY)))
    for key, claim in enumerate(MANY):
        answer = answers[key]
        if answer.outcome == "found":
            assert is_right(answer, claim), (key, answer)
        else:
            assert answer.outcome == "error", (key, answer)
            assert answer.error_code
            assert answer.error_type
    right = sum(answer.outcome == "found" for answer in answers.values())
    assert right >= 0.9 * len(MANY), [answer.error_code for answer in answers.values()]
    kept = [answer_to_dict(answer) for answer in answers.values()]
    assert [answer_from_dict(json.loads(json.dumps(each))) for each in kept] == list(answers.values())
    said = (json.dumps(kept) + caplog.text + repr(totals)).upper()
    assert [each for each in secrets(MANY) if each in said] == []
