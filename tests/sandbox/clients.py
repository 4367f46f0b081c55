"""Requests to a sandbox as the contracts describe them, without the product's own engine."""

from __future__ import annotations

from typing import Any

import httpx

from claimsctl.sandbox.box import Sandbox

SUMMARY = "/Claims/api/claim/summary/byprovider/v2.0"
NUMBER = "/Claims/api/claim/summary/byclaimnumber/v2.0"
DETAIL = "/Claims/api/claim/detail/v2.0"
PAYMENT = "/Claims/api/claim/payment/v2.0"
QUERY = """query SearchClaim($searchClaimInput: SearchClaimInput!) {
  searchClaim(searchClaimInput: $searchClaimInput) {
    claims { claimNumber claimStatusCrosswalkData { claim507Code claim508Code }
      claimLevelTotalAmount { totalPaidAmount } claimLevelInfo { patientAccountNumber } }
    pagination { hasMoreRecords nextPageToken } } }"""


class Asker:
    """One route of a sandbox with a token."""

    def __init__(self, box: Sandbox, route: str, client: httpx.Client) -> None:
        self.box, self.route, self.client = box, route, client
        self.base = box.url + "/" + route
        self.headers: dict[str, str] = {}

    def token(self, **given: str) -> httpx.Response:
        settings = self.box.route_settings(self.route)
        body = {"grant_type": "client_credentials", **settings["credentials"], **given}
        if self.route == "availity":
            body.setdefault("scope", "healthcare-hipaa-transactions")
        sent = {"json": body} if self.route == "optum-network" else {"data": body}
        got = self.client.post(settings["token_url"], **sent)
        if got.status_code == 200:
            self.headers = {"Authorization": f"Bearer {got.json()['access_token']}"}
        return got

    def uhc(self, path: str, **given: str) -> httpx.Response:
        inputs = {"tin": "123456789", "payerId": "87726", **given}
        return self.client.get(self.base + path, headers={**self.headers, **inputs})

    def optum(self, headers: dict[str, str] | None = None, **given: str) -> httpx.Response:
        body = {
            "operationName": "SearchClaim", "query": QUERY,
            "variables": {"searchClaimInput": {"payerId": "87726", **given}},
        }  # fmt: skip
        told = {**self.headers, "providerTaxId": "123456789", **(headers or {})}
        return self.client.post(self.base + "/oihub/claim/inquiry/v1", headers=told, json=body)

    def availity(self, **given: str) -> httpx.Response:
        form = {
            "payer.id": "AETNA", "providers.npi": "1234567893", "patient.lastName": "Raman",
            "patient.birthDate": "1990-06-05", "fromDate": "2026-05-01", "toDate": "2026-05-31",
        } | {name.replace("__", "."): text for name, text in given.items()}  # fmt: skip
        headers = {**self.headers, "X-HTTP-Method-Override": "GET"}
        return self.client.post(self.base + "/availity/v1/claim-statuses", headers=headers, data=form)

    def poll(self, posted: httpx.Response) -> httpx.Response:
        return self.client.get(posted.headers["Location"], headers=self.headers)

    def network(self, body: dict[str, Any]) -> httpx.Response:
        path = {
            "optum-network": "/medicalnetwork/claimstatus/v2/",
            "stedi": "/2024-04-01/change/medicalnetwork/claimstatus/v2",
        }[self.route]
        headers = self.headers if self.route != "stedi" else {"Authorization": "sandbox-api-key"}
        return self.client.post(self.base + path, headers=headers, json=body)


def network_body(**changed: Any) -> dict[str, Any]:
    """A question about the example claim at CIGNA."""
    return {
        "controlNumber": "000000017", "tradingPartnerServiceId": "62308",
        "providers": [{"providerType": "BillingProvider", "organizationName": "X", "npi": "1234567893"}],
        "subscriber": {
            "memberId": "U4410983301", "firstName": "Eva", "lastName": "Lindqvist", "dateOfBirth": "19841219",
        },
        "encounter": {"beginningDateOfService": "20260501", "endDateOfService": "20260530"},
    } | changed  # fmt: skip
