"""Each payer's contract over real HTTP: right answers, and refusals of what the payer refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from claimsctl.sandbox.box import Sandbox
from tests.sandbox.clients import DETAIL, NUMBER, PAYMENT, QUERY, SUMMARY, Asker, network_body

Askers = dict[str, Asker]
WINDOW = {"firstServiceDt": "05/01/2026", "lastServiceDt": "05/30/2026"}


def code(got: httpx.Response) -> str:
    return str(got.json()["errors"][0]["code"])


def test_uhc_summary_detail_payment(ask: Askers) -> None:
    uhc = ask["uhc"]
    claims = uhc.uhc(SUMMARY, **WINDOW).json()["claims"]
    assert [claim["claimNumber"] for claim in claims] == ["26128044107", "26135051882"]
    paid, pending = (claim["claimSummary"] for claim in claims)
    assert (paid["totalPaidAmt"], paid["clmXWalkData"][0]["clm507Cd"]) == ("100.00", "F1")
    assert "totalPaidAmt" not in pending, "pending claims omit amounts"
    ours = uhc.uhc(NUMBER, claimNumber="MS-1001").json()["claims"]
    assert ours[0]["claimNumber"] == "26128044107", "found by our account number too"
    detail = uhc.uhc(DETAIL, claimNumber="26128044107", includeSummary="true").json()
    (claim,) = detail["claimsDetailInfo"]
    assert claim["lines"][0]["paidAmt"] == claim["claimSummary"]["totalPaidAmt"]
    payment = uhc.uhc(PAYMENT, transactionId=detail["transactionId"]).json()
    assert (payment["draftAmt"], payment["checkEFTIndicator"]) == ("100.00", "E")
    assert payment["checkAmt"] != payment["draftAmt"], "one check covers many claims"
    assert payment["draftNbr"] == claim["claimSummary"]["clmXWalkData"][0]["clmDrftNbr"]


@pytest.mark.parametrize(
    ("path", "given", "wanted"),
    [
        (SUMMARY, {}, "LCLM_PS_106"),
        (SUMMARY, WINDOW | {"tin": ""}, "LCLM_PS_102"),
        (SUMMARY, WINDOW | {"tin": "12-3456789"}, "LCLM_PS_102"),
        (SUMMARY, WINDOW | {"payerId": "06111"}, "LCLM_PS_105"),
        (SUMMARY, WINDOW | {"firstServiceDt": "2026-05-01"}, "LCLM_PS_108"),
        (SUMMARY, WINDOW | {"firstServiceDt": "5/1/2026"}, "LCLM_PS_108"),
        (SUMMARY, WINDOW | {"firstServiceDt": "02/30/2026"}, "LCLM_PS_108"),
        (SUMMARY, WINDOW | {"firstServiceDt": "06/01/2026"}, "LCLM_PS_113"),
        (SUMMARY, WINDOW | {"firstServiceDt": "02/28/2026"}, "LCLM_PS_112"),
        (SUMMARY, {"firstServiceDt": "05/01/2022", "lastServiceDt": "05/30/2022"}, "LCLM_PS_107"),
        (SUMMARY, {"firstServiceDt": "05/01/2099", "lastServiceDt": "05/30/2099"}, "LCLM_PS_107"),
        (SUMMARY, WINDOW | {"ptntDob": "1979-03-14"}, "LCLM_PS_111"),
        (SUMMARY, WINDOW | {"ptntLn": "NOBODY"}, "LCLM_PS_201"),
        (SUMMARY, {"transactionId": "page-of-nobody-2"}, "LCLM_PS_203"),
        (NUMBER, {}, "LCLM_PS_102"),
        (NUMBER, {"claimNumber": "NONE"}, "LCLM_PS_201"),
        (PAYMENT, {"transactionId": "page-token-2"}, "LCLM_PS_203"),
    ],
)
def test_uhc_refuses(ask: Askers, path: str, given: dict[str, str], wanted: str) -> None:
    got = ask["uhc"].uhc(path, **given)
    assert code(got) == wanted
    assert got.status_code in (400, 404)


def test_uhc_wants_headers_and_not_a_query_string(ask: Askers) -> None:
    assert ask["uhc"].uhc(SUMMARY + "?tin=123456789", **WINDOW).status_code == 401


def test_uhc_by_member(ask: Askers) -> None:
    uhc = ask["uhc"]
    got = uhc.client.post(
        uhc.base + "/Claims/api/claim/summary/bymember/v2.0",
        headers={**uhc.headers, "tin": "123456789", "payerId": "87726"},
        json={"memberId": "914402217", **WINDOW},
    )
    assert [claim["claimNumber"] for claim in got.json()["claims"]] == ["26128044107"]


def test_optum_real(ask: Askers) -> None:
    optum = ask["optum-real"]
    found = optum.optum(serviceStartDate="05/01/2026", serviceEndDate="05/30/2026").json()
    claims = found["data"]["searchClaim"]["claims"]
    assert [claim["claimLevelInfo"]["patientAccountNumber"] for claim in claims] == ["MS-1001", "MS-1015"]
    assert claims[0]["claimStatusCrosswalkData"] == [{"claim507Code": "F1", "claim508Code": "65"}]
    nobody = optum.optum(claimNumber="NONE")
    assert (nobody.status_code, nobody.json()["data"]["searchClaim"]["claims"]) == (200, [])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "MISSING_REQUIRED_FIELD"),
        ({"claimNumber": "X", "payerId": "60054"}, "INVALID_FIELD"),
        ({"serviceStartDate": "2026-05-01", "serviceEndDate": "05/30/2026"}, "INVALID_FIELD"),
        ({"serviceStartDate": "02/01/2026", "serviceEndDate": "05/30/2026"}, "BAD_USER_INPUT"),
        ({"memberId": "914402217", "serviceStartDate": "05/01/2026", "serviceEndDate": "05/30/2026"},
         "MISSING_REQUIRED_FIELD"),
    ],
)  # fmt: skip
def test_optum_real_refuses(ask: Askers, given: dict[str, str], wanted: str) -> None:
    got = ask["optum-real"].optum(**given)
    assert (got.status_code, code(got)) == (200, wanted)


def test_optum_real_checks_the_query(ask: Askers) -> None:
    optum = ask["optum-real"]
    body = {"query": QUERY.replace("claimNumber", "claimNo"), "variables": {}}
    got = optum.client.post(optum.base + "/oihub/claim/inquiry/v1", headers=optum.headers, json=body)
    assert (got.status_code, code(got)) == (400, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    "changed",
    [
        {"variables": "no object"},
        {"variables": {"searchClaimInput": {"payerId": ["87726"]}}},
        {"variables": {"searchClaimInput": {"payerId": "87726", "claimNumber": 17}}},
        {"variables": {"searchClaimInput": {"payerId": "87726", "claimNumber": "X", "claimNo": "X"}}},
        {"operationName": 5},
        {"query": None},
    ],
)
def test_optum_real_checks_the_variables(ask: Askers, changed: dict[str, Any]) -> None:
    optum = ask["optum-real"]
    variables = {"searchClaimInput": {"payerId": "87726", "claimNumber": "X"}}
    body = {"query": QUERY, "operationName": "SearchClaim", "variables": variables, **changed}
    headers = {**optum.headers, "providerTaxId": "123456789"}
    got = optum.client.post(optum.base + "/oihub/claim/inquiry/v1", headers=headers, json=body)
    assert (got.status_code, code(got)) == (400, "GRAPHQL_VALIDATION_FAILED")


def test_availity_posts_and_polls(ask: Askers) -> None:
    availity = ask["availity"]
    posted = availity.availity()
    assert posted.status_code == 202
    assert posted.json()["claimStatuses"][0]["statusCode"] == "0"
    assert availity.poll(posted).status_code == 202
    done = availity.poll(posted)
    assert (done.status_code, done.json()["statusCode"]) == (200, "4")
    assert done.json()["claimStatuses"][0]["statusDetails"][0]["categoryCode"] == "F2"
    missed = availity.availity(patient__lastName="Nobody")
    availity.poll(missed)
    details = availity.poll(missed).json()["claimStatuses"][0]["statusDetails"]
    assert (details[0]["categoryCode"], details[0]["statusCode"]) == ("D0", "35")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fromDate": "05/01/2026"}, "fromDate"),
        ({"patient__birthDate": "19900605"}, "patient.birthDate"),
        ({"payer__id": "60054"}, "payer.id"),
        ({"providers__npi": "123"}, "providers.npi"),
        ({"patient__lastname": "RAMAN"}, "patient.lastname"),
        ({"claimAmount": "a lot"}, "claimAmount"),
    ],
)
def test_availity_refuses(ask: Askers, given: dict[str, str], field: str) -> None:
    got = ask["availity"].availity(**given)
    assert (got.status_code, got.json()["errors"][0]["field"]) == (400, field)


def test_availity_wants_its_header_and_its_scope(box: Sandbox, ask: Askers) -> None:
    availity = ask["availity"]
    got = availity.client.post(
        availity.base + "/availity/v1/claim-statuses", headers=availity.headers, data={"payer.id": "AETNA"}
    )
    assert got.status_code == 405
    both = availity.token(scope="healthcare-hipaa-transactions healthcare-hipaa-transactions-demo")
    assert (both.status_code, both.json()["error"]) == (400, "unauthorized_client")
    assert availity.token().json()["expires_in"] == 300
    availity.token(scope="healthcare-hipaa-transactions-demo")
    assert availity.availity().headers["X-Api-Mock-Response"] == "true"


@pytest.mark.parametrize(("route", "effective"), [("optum-network", "20260509"), ("stedi", "2026-05-09")])
def test_clearinghouses(ask: Askers, route: str, effective: str) -> None:
    asker = ask[route]
    (claim,) = asker.network(network_body()).json()["claims"]
    status = claim["claimStatus"]
    assert (status["statusCategoryCode"], status["effectiveDate"]) == ("A2", effective)
    assert (status["claimServiceDate"], status["submittedAmount"]) == ("20260506", "235")
    subscriber = network_body()["subscriber"] | {"lastName": "Nobody"}
    (missed,) = asker.network(network_body(subscriber=subscriber)).json()["claims"]
    assert missed["claimStatus"]["statusCategoryCode"] == "D0"


@pytest.mark.parametrize("route", ["optum-network", "stedi"])
@pytest.mark.parametrize(
    "changed",
    [
        {"encounter": {"beginningDateOfService": "2026-05-01"}},
        {"encounter": {"beginningDateOfService": "20260401", "endDateOfService": "20260530"}},
        {"tradingPartnerServiceId": ""},
        {"providers": []},
        {"providers": [{"providerType": "BillingProvider", "organizationName": "A*B", "npi": "1234567893"}]},
        {"subscriber": {"memberID": "U4410983301", "lastName": "Lindqvist"}},
        {"unknown": "key"},
    ],
)
def test_clearinghouses_refuse(ask: Askers, route: str, changed: dict[str, Any]) -> None:
    got = ask[route].network(network_body(**changed))
    assert got.status_code == 400
    assert got.json().keys() == ({"code", "message"} if route == "stedi" else {"errorResponse"})


def test_only_optum_needs_a_control_number(ask: Askers) -> None:
    without = {name: value for name, value in network_body().items() if name != "controlNumber"}
    assert ask["optum-network"].network(without).status_code == 400
    assert ask["stedi"].network(without).status_code == 200


@pytest.mark.parametrize("route", ["uhc", "optum-real", "availity", "optum-network"])
def test_tokens(box: Sandbox, ask: Askers, route: str) -> None:
    asker = ask[route]
    assert asker.token(client_secret="wrong").json()["error"] == "invalid_client"
    assert asker.token(grant_type="password").json()["error"] == "unsupported_grant_type"
    asker.headers = {"Authorization": "Bearer sbx-nobody"}
    ways = {
        "uhc": lambda: asker.uhc(SUMMARY, **WINDOW),
        "optum-real": lambda: asker.optum(claimNumber="X"),
        "availity": asker.availity,
        "optum-network": lambda: asker.network(network_body()),
    }
    assert ways[route]().status_code == 401


def test_a_wrong_key_of_stedi_is_403(box: Sandbox, client: httpx.Client) -> None:
    path = "/stedi/2024-04-01/change/medicalnetwork/claimstatus/v2"
    got = client.post(box.url + path, headers={"Authorization": "wrong"}, json=network_body())
    assert got.status_code == 403


def test_requests_are_noted(box: Sandbox, ask: Askers) -> None:
    ask["uhc"].uhc(NUMBER, claimNumber="MS-1001")
    ask["uhc"].uhc("/Claims/api/claim/nothing")
    assert [(each.route, each.step, each.status) for each in box.log] == [
        ("uhc", "number", 200), ("uhc", "unknown", 404),
    ]  # fmt: skip
    assert box.log[0].headers["claimnumber"] == "MS-1001"
    assert box.counts["uhc number"] == box.counts["uhc 404"] == 1
