"""Every scenario happens where its list says, looks as the contracts say, and passes when it should."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from claimsctl.errors import UsageError
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.scenarios import ROUTES, SCENARIOS
from claimsctl.sandbox.switches import read_switch
from tests.sandbox.clients import DETAIL, NUMBER, PAYMENT, SUMMARY, Asker, network_body

Askers = dict[str, Asker]
MONTH = {"firstServiceDt": "05/01/2026", "lastServiceDt": "05/30/2026"}
WEEK = {"firstServiceDt": "05/01/2026", "lastServiceDt": "05/07/2026"}
OPTUM_MONTH = {"serviceStartDate": "05/01/2026", "serviceEndDate": "05/30/2026"}
STANDING = {"token-revoked", "mixed", "chaos"}


def claim_837(number: str = "PCN-1", **changed: Any) -> dict[str, Any]:
    return {
        "controlNumber": "000000017", "tradingPartnerServiceId": "62308",
        "submitter": {"organizationName": "X"},
        "receiver": {"organizationName": "Y"}, "subscriber": {"memberId": "U4410983301"},
        "claimInformation": {
            "claimFilingCode": "CI", "patientControlNumber": number, "claimChargeAmount": "235",
            "placeOfServiceCode": "11", "claimFrequencyCode": "1", "signatureIndicator": "Y",
            "planParticipationCode": "A", "benefitsAssignmentCertificationIndicator": "Y",
            "releaseInformationCode": "Y", "healthCareCodeInformation": [{"diagnosisCode": "M545"}],
            "serviceLines": [{"serviceDate": "20260506"}], **changed,
        },
    }  # fmt: skip


def submit(asker: Asker, body: dict[str, Any], key: str = "") -> httpx.Response:
    path = {
        "optum-network": "/medicalnetwork/professionalclaims/v3/submission",
        "stedi": "/2024-04-01/change/medicalnetwork/professionalclaims/v3/submission",
    }[asker.route]
    headers = asker.headers if asker.route != "stedi" else {"Authorization": "sandbox-api-key"}
    return asker.client.post(
        asker.base + path, headers={**headers, **({"Idempotency-Key": key} if key else {})}, json=body
    )


def uhc_talk(asker: Asker) -> Iterator[httpx.Response]:
    yield asker.uhc(SUMMARY, **MONTH)
    first = asker.uhc(SUMMARY, **WEEK)
    yield first
    token = first.json().get("transactionId") if first.status_code == 200 else None
    if token:
        yield asker.uhc(SUMMARY, transactionId=token)
    yield asker.uhc(NUMBER, claimNumber="MS-1001")
    detail = asker.uhc(DETAIL, claimNumber="26128044107", includeSummary="true")
    yield detail
    yield asker.uhc(PAYMENT, transactionId=detail.json().get("transactionId", "none"))


def optum_talk(asker: Asker) -> Iterator[httpx.Response]:
    first = asker.optum(**OPTUM_MONTH)
    yield first
    yield asker.optum(claimNumber="26128044107")
    token = first.json()["data"]["searchClaim"]["pagination"]["nextPageToken"]
    if token:
        yield asker.optum({"nextPageToken": token}, **OPTUM_MONTH)


def availity_talk(asker: Asker) -> Iterator[httpx.Response]:
    posted = asker.availity()
    yield posted
    for _ in range(2):
        yield asker.poll(posted)


def network_talk(asker: Asker) -> Iterator[httpx.Response]:
    yield asker.network(network_body())
    if asker.route == "stedi":
        yield submit(asker, claim_837())


TALK: dict[str, Callable[[Asker], Iterator[httpx.Response]]] = {
    "uhc": uhc_talk, "optum-real": optum_talk, "availity": availity_talk, "optum-network": network_talk,
    "stedi": network_talk,
}  # fmt: skip


def talk(asker: Asker) -> list[httpx.Response]:
    """What a plain client gets, as far as it comes without any care for faults."""
    got: list[httpx.Response] = []
    with suppress(httpx.TransportError, ValueError, KeyError, TypeError, AttributeError):
        if asker.route != "stedi":
            asker.token()
        for each in TALK[asker.route](asker):
            got.append(each)  # noqa: PERF402 - what came before a failure counts
    return got


@pytest.mark.parametrize("route", ROUTES)
def test_each_scenario_happens_where_its_list_says(box: Sandbox, ask: Askers, route: str) -> None:
    quick = {"slow": "=0.01", "huge": "=0.1", "daily-cap": "=0"}
    listed = {each.name for each in SCENARIOS.values() if route in each.routes} - STANDING
    happened = set[str]()
    for name in sorted(listed):
        box.forget()
        box.set_scenario(f"{route}:{name}{quick.get(name, '')}")
        talk(ask[route])
        happened |= {each.scenario for each in box.log}
    assert happened - {""} == listed


@pytest.mark.parametrize(
    ("scenario", "status", "kind"),
    [
        ("unauthorized", 401, "application/json"),
        ("forbidden", 403, "application/json"),
        ("throttle", 429, "application/json"),
        ("error-500", 500, "application/json"),
        ("error-503", 503, "application/json"),
        ("error-504", 504, "application/json"),
        ("html", 200, "text/html; charset=utf-8"),
        ("html-error", 502, "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("route", ROUTES)
def test_answers_of_the_way(
    box: Sandbox, ask: Askers, route: str, scenario: str, status: int, kind: str
) -> None:
    box.set_scenario(scenario)
    first = talk(ask[route])[0]
    answers = [each for each in box.log if each.step != "token"]
    assert answers[0].status == first.status_code == status
    assert first.headers["content-type"] == kind


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_that_passes_after_its_times(box: Sandbox, ask: Askers, route: str) -> None:
    box.set_scenario("error-503=2")
    question = {
        "uhc": lambda: ask["uhc"].uhc(NUMBER, claimNumber="MS-1001"),
        "optum-real": lambda: ask["optum-real"].optum(claimNumber="26128044107"),
        "availity": ask["availity"].availity,
        "optum-network": lambda: ask["optum-network"].network(network_body()),
        "stedi": lambda: ask["stedi"].network(network_body()),
    }[route]
    assert [question().status_code for _ in range(3)][:2] == [503, 503]
    assert box.log[-1].status in (200, 202)


def test_retry_after(box: Sandbox, ask: Askers) -> None:
    def header(scenario: str) -> str:
        box.set_scenario(scenario)
        return str(ask["uhc"].uhc(NUMBER, claimNumber="MS-1001").headers.get("Retry-After", ""))

    assert header("throttle") == ""
    assert header("daily-cap=0") == ""
    assert header("throttle-seconds=7") == "7"
    before = datetime.now(UTC)
    ahead = parsedate_to_datetime(header("throttle-date=60")) - timedelta(seconds=60)
    assert before - timedelta(seconds=1) < ahead <= datetime.now(UTC), "such dates have whole seconds"
    midnight = parsedate_to_datetime(header("throttle-midnight"))
    assert (midnight.hour, midnight.minute, midnight.second) == (0, 0, 0)
    assert midnight > datetime.now(UTC)


def test_tokens_that_die(box: Sandbox, ask: Askers) -> None:
    uhc = ask["uhc"]
    box.set_scenario("token-revoked=2")
    uhc.token()
    assert [uhc.uhc(NUMBER, claimNumber="MS-1001").status_code for _ in range(3)] == [200, 200, 401]
    box.set_scenario("token-dies")
    uhc.token()
    assert [uhc.uhc(NUMBER, claimNumber="MS-1001").status_code for _ in range(2)] == [401, 401]
    uhc.token()
    assert uhc.uhc(NUMBER, claimNumber="MS-1001").status_code == 200
    box.set_scenario("token-short=0.05")
    assert uhc.token().json()["expires_in"] == 1
    time.sleep(0.06)
    assert uhc.uhc(NUMBER, claimNumber="MS-1001").status_code == 401


def test_pages(box: Sandbox, ask: Askers) -> None:
    uhc = ask["uhc"]
    box.set_scenario("page-two=60")
    first = uhc.uhc(SUMMARY, **MONTH).json()
    second = uhc.uhc(SUMMARY, transactionId=first["transactionId"]).json()
    assert (len(first["claims"]), len(second["claims"])) == (50, 12)
    assert {"26128044107", "26135051882"} <= {claim["claimNumber"] for claim in second["claims"]}
    assert "transactionId" not in second
    other = uhc.uhc(SUMMARY, transactionId=first["transactionId"], tin="999999999")
    assert other.json()["errors"][0]["code"] == "LCLM_PS_203", "a token belongs to its search"
    box.set_scenario("page-token-repeated")
    first = uhc.uhc(SUMMARY, **MONTH).json()
    repeated = [uhc.uhc(SUMMARY, transactionId=first["transactionId"]).json() for _ in range(2)]
    assert {page["transactionId"] for page in repeated} == {first["transactionId"]}
    box.set_scenario("page-token-dangling")
    last = uhc.uhc(SUMMARY, **WEEK).json()
    assert 1 < len(last["claims"]) < 50
    assert uhc.uhc(SUMMARY, transactionId=last["transactionId"]).json() == {"claims": []}


def test_more_than_500_claims(box: Sandbox, ask: Askers) -> None:
    uhc = ask["uhc"]
    box.set_scenario("over-500")
    assert uhc.uhc(SUMMARY, **MONTH).json()["errors"][0]["code"] == "LCLM_PS_306"
    half = uhc.uhc(SUMMARY, **MONTH | {"lastServiceDt": "05/15/2026"})
    assert half.status_code == 200, "half the window has half the claims"


def test_polling(box: Sandbox, ask: Askers) -> None:
    availity = ask["availity"]
    box.set_scenario("polling=3")
    posted = availity.availity()
    assert [availity.poll(posted).status_code for _ in range(4)] == [202, 202, 202, 200]
    box.set_scenario("payer-retrying=1")
    posted = availity.availity()
    assert [availity.poll(posted).json()["statusCode"] for _ in range(2)] == ["R1", "4"]
    box.set_scenario("cached")
    posted = availity.availity()
    assert (posted.status_code, availity.poll(posted).status_code) == (200, 200)
    box.set_scenario("poll-expired")
    posted = availity.availity()
    assert [availity.poll(posted).status_code for _ in range(3)] == [404, 404, 404]


def test_a_duplicate_denial_is_later_than_the_payment(box: Sandbox, ask: Askers) -> None:
    box.set_scenario("duplicate-denial")
    paid, denied = ask["stedi"].network(network_body()).json()["claims"]
    paid, denied = paid["claimStatus"], denied["claimStatus"]
    assert (paid["statusCategoryCode"], denied["statusCategoryCode"]) == ("F1", "F2")
    assert denied["statusCode"] == "54"
    assert denied["effectiveDate"] > paid["effectiveDate"]


def test_one_claim_or_tax_id_alone(box: Sandbox, ask: Askers) -> None:
    uhc = ask["uhc"]
    box.set_scenario("uhc:error-500=always@MS-1015", "forbidden@999999999")
    assert uhc.uhc(NUMBER, claimNumber="MS-1015").status_code == 500
    assert uhc.uhc(DETAIL, claimNumber="26135051882").status_code == 500
    assert uhc.uhc(NUMBER, claimNumber="MS-1001").status_code == 200
    assert uhc.uhc(SUMMARY, **MONTH).status_code == 200, "a search by date is about no single claim"
    assert uhc.uhc(SUMMARY, **MONTH, tin="999999999").status_code == 403


def test_a_dropped_submission_was_accepted(box: Sandbox, ask: Askers) -> None:
    box.set_scenario("drop")
    for route in ("optum-network", "stedi"):
        with pytest.raises(httpx.RemoteProtocolError):
            submit(ask[route], claim_837("PCN-7"), key="one")
        assert submit(ask[route], claim_837("PCN-7"), key="one").json()["status"] == "SUCCESS"
    box.set_scenario()
    assert box.submitted("optum-network") == ["PCN-7", "PCN-7"], "no idempotency: the claim exists twice"
    assert box.submitted("stedi")[-1:] == ["PCN-7"]
    assert box.submitted("stedi").count("PCN-7") == 1
    assert submit(ask["stedi"], claim_837("PCN-8"), key="one").status_code == 422
    wrong = submit(ask["stedi"], claim_837("PCN-9", claimFrequencyCode="2"))
    assert (wrong.status_code, wrong.json()["status"]) == (400, "ERROR")


def test_x12_submissions(box: Sandbox, ask: Askers) -> None:
    text = "ISA*00*~ST*837*0001~CLM*PCN-1*235~SE*3*0001~"
    uhc, optum = ask["uhc"], ask["optum-real"]
    sent = uhc.client.post(
        uhc.base + "/Claims/api/claim-submission/v1",
        headers={**uhc.headers, "tin": "123456789", "payerId": "87726"}, json={"x12RequestData": text},
    ).json()  # fmt: skip
    assert sent["responseType"] == "837999"
    told = uhc.client.post(
        uhc.base + "/Claims/api/claim-details/v1",
        headers={**uhc.headers, "tin": "123456789", "payerId": "87726"},
        json={"transactionId": sent["transactionId"]},
    ).json()
    assert told["responseType"].startswith("277CA")
    mutation = """mutation S($input: ClaimSubmissionInput!) {
      claimSubmission(input: $input) { transactionId responseType } }"""
    got = optum.client.post(
        optum.base + "/oihub/claim/actions/v1", headers={**optum.headers, "providerTaxId": "123456789"},
        json={"mutation": mutation, "variables": {"input": {"x12RequestData": text, "payerId": "87726"}}},
    ).json()  # fmt: skip
    assert got["data"]["claimSubmission"]["responseType"] == "837999"
    assert box.submitted("uhc") == box.submitted("optum-real") == ["PCN-1"]


def test_chaos_is_the_same_for_the_same_seed(box: Sandbox, ask: Askers) -> None:
    def faults(seed: int) -> list[str]:
        box.forget()
        box.set_scenario("chaos=0.5")
        box.switches.seed = seed
        for _ in range(30):
            with suppress(httpx.TransportError):
                ask["stedi"].network(network_body())
        return [each.scenario for each in box.log]

    first = faults(1)
    assert first == faults(1)
    assert first != faults(2)
    assert 6 <= sum(1 for each in first if each) <= 24


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eror-500", "Did you mean error-500"),
        ("stedi:polling", "does not happen at stedi"),
        ("cigna:slow", "names no route: cigna"),
        ("slow=soon", "cannot have soon seconds"),
        ("chaos=2", "cannot have 2 share"),
        ("html-error=-1", "cannot have -1 times"),
        ("forbidden=3", "takes no number"),
        ("=3", "cannot be read"),
    ],
)
def test_scenarios_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_switch(text)


@pytest.mark.parametrize("text", ["slow=5", "availity:polling=3@MS-1004", "error-500=always", "forbidden"])
def test_scenarios_as_they_are_written(text: str) -> None:
    assert read_switch(text).text == text


def test_switching_while_it_runs(box: Sandbox, client: httpx.Client) -> None:
    at = box.url + "/_sandbox/scenario"
    assert client.post(at, json={"scenario": ["slow=3", "uhc:html"]}).json()["scenario"] == [
        "slow=3",
        "uhc:html=1",
    ]
    wrong = client.post(at, json={"scenario": "slo"})
    assert (wrong.status_code, "Did you mean slow" in wrong.json()["error"]) == (400, True)
    assert client.post(at, content=b"slow").status_code == 400
    assert client.get(at).json()["scenario"] == ["slow=3", "uhc:html=1"], "what was refused changed nothing"
    assert client.post(at, json={"scenario": []}).json()["scenario"] == []
    assert client.get(box.url + "/_sandbox/log").json()["requests"] == 0
