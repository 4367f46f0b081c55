"""The way to a payer: TLS that is always verified, own certificates, proxies, and logs that hold nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import OutsideError, SettingsError
from claimsctl.payers.account import Account
from claimsctl.payers.asker import ask
from claimsctl.payers.connector import Connector
from claimsctl.payers.connectors import load_connectors
from claimsctl.payers.inquiry import Answer, Inquiry
from claimsctl.payers.transport.wire import check_address
from tests.certificates import own_certificate

STEDI = load_connectors(None)["stedi"]
VALUES: dict[str, Any] = {
    "claim_number": "A-17", "patient_last_name": "Zwetschkenbaum", "patient_first_name": "Eulalia",
    "patient_dob": date(1961, 5, 23), "member_id": "W777123456", "service_date_from": date(2026, 3, 2),
}  # fmt: skip
INQUIRY = Inquiry(0, VALUES, "62308", {"npi": "1234567893", "tax_id": "123456789", "name": "Sample"})
FOUND = {"claims": [{"claimStatus": {"statusCategoryCode": "P1", "statusCode": "20"}}]}


@dataclass
class Seen:
    """What a tiny server saw."""

    requests: list[str] = field(default_factory=list)
    certificates: list[Any] = field(default_factory=list)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None, reply: Any = FOUND) -> Iterator[tuple[int, Seen]]:
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.requests.append(f"{self.path} {self.headers.get('Authorization')}")
            if isinstance(self.connection, ssl.SSLSocket):
                seen.certificates.append(self.connection.getpeercert())
            body = json.dumps(reply).encode()
            self.send_response(302 if reply == "moved" else 200)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def quick(**limits: Any) -> Connector:
    usual = {"attempts": 2, "backoff_seconds": 0.01, "requests_per_second": 100.0}
    return STEDI.model_copy(update={"limits": STEDI.limits.model_copy(update={**usual, **limits})})


def answer_from(url: str, connector: Connector | None = None, **more: Any) -> Answer:
    answers: list[Answer] = []
    account = Account(credentials={"api_key": "sekret-key"}, base_url=url, **more)
    asyncio.run(ask(connector or quick(), account, [INQUIRY], answers.append))
    (answer,) = answers
    return answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_certificate(tmp_path_factory.mktemp("tls") / "own.pem")


def server_context(certificate: Path, *, ask_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    return context


def test_a_certificate_nobody_vouches_for_is_not_accepted(certificate: Path) -> None:
    with serving(server_context(certificate)) as (port, seen):
        with pytest.raises(OutsideError, match="stedi cannot be reached"):
            answer_from(f"https://127.0.0.1:{port}")
        assert answer_from(f"https://127.0.0.1:{port}", ca_file=certificate).outcome == "found"
    assert seen.requests == ["/change/medicalnetwork/claimstatus/v2 sekret-key"]


def test_a_client_certificate_is_shown_when_it_is_set(certificate: Path) -> None:
    with serving(server_context(certificate, ask_client=True)) as (port, seen):
        with pytest.raises(OutsideError):
            answer_from(f"https://127.0.0.1:{port}", ca_file=certificate)
        both = {"ca_file": certificate, "client_certificate": certificate}
        assert answer_from(f"https://127.0.0.1:{port}", **both).outcome == "found"
    assert len(seen.certificates) == 1


def test_a_proxy_is_used_when_it_is_set() -> None:
    with serving() as (port, seen):
        answer = answer_from("http://127.0.0.1:9", proxy=f"http://127.0.0.1:{port}")
    assert answer.outcome == "found"
    assert seen.requests[0].startswith("http://127.0.0.1:9/change/")


def test_a_redirect_is_not_followed() -> None:
    with serving(reply="moved") as (port, seen):
        answer = answer_from(f"http://127.0.0.1:{port}")
    assert (answer.outcome, answer.error_code, answer.retryable) == ("error", "HTTP_302", False)
    assert len(seen.requests) == 1


def test_a_reply_over_the_limit_is_an_error_of_its_own() -> None:
    with serving(reply={"claims": [], "note": "x" * 5000}) as (port, _):
        answer = answer_from(f"http://127.0.0.1:{port}", quick(max_reply_bytes=1000))
    assert (answer.error_code, answer.retryable) == ("TOO_LARGE", False)


@pytest.mark.parametrize(
    "url", ["http://payer.example/x", "ftp://127.0.0.1/x", "payer.example", "https://", "http://[::bad"]
)
def test_claims_go_to_https_addresses_or_this_machine_only(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^\[payer_route.stedi\] base_url: "):
        check_address("stedi", "base_url", url)
    assert check_address("stedi", "base_url", "http://localhost:1/x")
    assert not check_address("stedi", "base_url", "https://payer.example/x")


def test_what_cannot_be_used_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    nothing = tmp_path / "none.pem"
    with pytest.raises(SettingsError, match=r"\[payer_route.stedi\] ca_file: .*none.pem is no PEM file"):
        answer_from("https://127.0.0.1:9", ca_file=nothing)
    with pytest.raises(SettingsError, match=r"credentials.api_key is not set. Add credentials.api_key ="):
        asyncio.run(ask(STEDI, Account(), [INQUIRY], lambda _: None))
    with pytest.raises(SettingsError, match=r"settings.details: this route has no such setting"):
        asyncio.run(
            ask(STEDI, Account({"api_key": "x"}, settings={"details": "all"}), [INQUIRY], lambda _: None)
        )


def test_nothing_of_a_claim_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving() as (port, _):
        for name in ("httpx", "httpcore", "h2", "hpack", "h11", "stamina"):
            assert logging.getLogger(name).getEffectiveLevel() > logging.CRITICAL
        answer_from(f"http://127.0.0.1:{port}")
        with pytest.raises(OutsideError) as caught:
            answer_from("http://127.0.0.1:9")
    told = caplog.text + repr(caught.value) + repr(caught.value.__context__)
    for secret in ("Zwetschkenbaum", "ZWETSCHKENBAUM", "Eulalia", "19610523", "W777123456", "sekret"):
        assert secret not in told
