"""Asking a payer of the sandbox: how much of the allowed rate is used, what searches by date spare."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import ROOT, Failed, Measure, Row, run
from benchmarks.runs import Bench

ALLOWED: Final = 50
FEWER: Final = 10
"""What is only counted is asked about a tenth of the claims."""
SETTINGS: Final = """
[practice.oak]
name = "Oak Therapy"
npi = "1234567893"
tax_id = "123456789"

[payer_map."{payer}"]
payer_id = "{payer_id}"
route = "{route}"

[payer_route.{route}]
environment = "sandbox"
base_url = "{url}/{route}"
requests_per_second = {rate}
concurrency = 40
"""
KEY: Final = '\n[payer_route.stedi.credentials]\napi_key = "env:SANDBOX_API_KEY"\n'
TOKEN: Final = """token_url = "{url}/uhc/v1/oauthtoken"
settings.details = "{details}"
[payer_route.uhc.credentials]
client_id = "env:SANDBOX_CLIENT_ID"
client_secret = "env:SANDBOX_CLIENT_SECRET"
"""
SECRETS: Final = {
    "SANDBOX_API_KEY": "sandbox-api-key",
    "SANDBOX_CLIENT_ID": "sandbox-client",
    "SANDBOX_CLIENT_SECRET": "sandbox-secret",
}


def measure(bench: Bench) -> None:
    """`bench.inquiries` claims at one clearinghouse, then searches by date beside single questions."""
    number = bench.inquiries
    try:
        _pace(bench, number)
        counted = max(number // FEWER, FEWER)
        _spared(bench, counted)
    except Failed as error:
        bench.add(Row("claimsctl check-status", number, None, None, f"failed: {error}"))


def _pace(bench: Bench, number: int) -> None:
    with _payer(bench, number, "CIGNA", "62308", "stedi") as asking:
        took, told = asking(KEY)
    rate = (told["requests"] - 1) / told["seconds"]
    share = rate / ALLOWED
    refused = told["counts"].get("stedi throttled", 0)
    bench.facts["status"] = {"claims": number, "rate": rate, "share": share, "refused": refused}
    note = f"{rate:.1f} requests/s, {share:.1%} of {ALLOWED} allowed; {refused} refused as too many"
    bench.add(Row("check-status, 50 a second, 0.2 s latency", number, took, None, note))


def _spared(bench: Bench, number: int) -> None:
    """Requests by UnitedHealthcare's searches and by single questions, with and without details."""
    found: dict[str, int] = {}
    for name, details, at_least in (
        ("searches", "none", 4),
        ("single", "none", 10**6),
        ("full", "decided", 4),
    ):
        with _payer(bench, number, "UHC", "87726", "uhc", at_least) as asking:
            took, told = asking(TOKEN.replace("{details}", details))
        found[name] = told["requests"]
        bench.add(Row(f"check-status at UHC, {name}", number, took, None, f"{found[name]:,} requests"))
    share = found["searches"] / found["single"]
    bench.facts["status_requests"] = found
    bench.notes.append(
        f"{number:,} claims at UHC: {found['searches']:,} requests by searches, {found['single']:,} one by "
        f"one ({share:.1%}); with lines, adjustments and payments of decided claims {found['full']:,}."
    )


@contextmanager
def _payer(
    bench: Bench, number: int, payer: str, payer_id: str, route: str, at_least: int = 4
) -> Iterator[Any]:
    """A sandbox that knows the claims, and a function that asks it about all of them."""
    environment = bench.environment() | SECRETS
    workspace = Path(environment["CLAIMSCTL_WORKSPACE"])
    (workspace / "payers").mkdir(parents=True)
    if at_least != 4:
        shipped = (ROOT / "reference_data" / "payer_routes" / f"{route}.toml").read_text("utf-8")
        changed = shipped.replace("at_least = 4", f"at_least = {at_least}")
        (workspace / "payers" / f"{route}.toml").write_text(changed, "utf-8")
    source, out = bench.work / "status.csv", bench.work / "status-out"
    command = bench.module("status_payer", number, payer, source)
    served = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert served.stdin is not None
    assert served.stdout is not None
    try:
        url = served.stdout.readline().strip()

        def ask(more: str) -> tuple[Measure, dict[str, Any]]:
            text = SETTINGS.format(payer=payer, payer_id=payer_id, route=route, url=url, rate=ALLOWED)
            (workspace / "claimsctl.toml").write_text(text + more.replace("{url}", url), "utf-8")
            options = ["--practice", "oak", "--out", str(out), "--yes", "--quiet", "--fresh"]
            took = run([*bench.claimsctl, "check-status", str(source), *options], environment)
            counts, _ = served.communicate()
            told: dict[str, Any] = json.loads(counts)
            return took, told

        yield ask
    finally:
        served.kill()
        served.wait()
        shutil.rmtree(out, ignore_errors=True)
