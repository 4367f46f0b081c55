"""What `sandbox` does: serve, say how to talk to it, and tell at the end what was asked."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from claimsctl.cli.run import console
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.errors import OutputError, UsageError
from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.claims import EXAMPLES, InventedClaim
from claimsctl.sandbox.inventing import invent_claims, write_status_file
from claimsctl.sandbox.scenarios import ROUTES, SCENARIOS, Scenario
from claimsctl.sandbox.server import Server
from claimsctl.sandbox.settings_lines import environment_lines, settings_lines


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of the command."""

    port: int
    payers: tuple[str, ...]
    scenarios: tuple[str, ...]
    seed: int
    latency: float
    requests_per_second: int | None
    token_life: float | None
    claims: int
    save_claims: Path | None


def list_all_scenarios(state: State) -> None:
    """Every scenario, by group; those that chaos draws bear a *."""
    if state.json:
        told = [{**asdict(each), "steps": sorted(each.steps)} for each in SCENARIOS.values()]
        print(json.dumps({"scenarios": told}, indent=2))
        return
    screen = Screen(console(state))
    for group, members in groupby(SCENARIOS.values(), key=lambda each: each.group):
        screen.heading(group.capitalize())
        table = new_table()
        for each in members:
            name = f"{each.name}{'*' if each.chance else ''}"
            table.add_row(
                screen.text(name), screen.text(_default(each)), screen.text(each.about + _where(each))
            )
        screen.block(table, 2)
    screen.gap()
    screen.line("Play one with --scenario [ROUTE:]NAME[=VALUE][@CLAIM], several with several --scenario.")
    screen.line("A claim is named by its number or the payer's; a tax id names all claims of a practice.")


def _default(scenario: Scenario) -> str:
    if not scenario.value:
        return ""
    unit = scenario.value if scenario.value.endswith("s") else ""
    return f"={scenario.default:g} {unit[:-1] if scenario.default == 1 else unit}".rstrip()


def _where(scenario: Scenario) -> str:
    missing = [route for route in ROUTES if route not in scenario.routes]
    if not missing:
        return ""
    return " (not stedi)" if missing == ["stedi"] else f" ({', '.join(scenario.routes)})"


def serve_sandbox(state: State, wanted: Wanted) -> None:
    """Serve until Ctrl-C; what to paste goes to stdout before, what was asked to stderr after."""
    for name in wanted.payers:
        if name not in ROUTES:
            raise UsageError(f"The sandbox has no route {name}.", hint=f"It has: {', '.join(ROUTES)}.")
    claims = _claims(wanted)
    box = Sandbox(
        claims, scenario=wanted.scenarios, seed=wanted.seed, latency=wanted.latency,
        requests_per_second=wanted.requests_per_second, token_life=wanted.token_life,
        payers=wanted.payers or ROUTES,
    )  # fmt: skip
    server = Server(box, wanted.port)
    if state.json:
        settings = {route: box.route_settings(route) for route in box.payers}
        on = [each.text for each in box.switches.on]
        told = {"url": box.url, "routes": settings, "scenario": on, "claims": len(claims)}
        print(json.dumps(told))  # on one line, which a program that started it can wait for
    else:
        _introduce(Screen(console(state)), box, quiet=state.quiet)
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):  # the usual end
        server.run()
    if not state.quiet:
        print(_told(box), file=sys.stderr)


def _claims(wanted: Wanted) -> list[InventedClaim]:
    claims = list(EXAMPLES)
    payers = ("UHC", "AETNA", "CIGNA", "BCBSMA")
    share, rest = divmod(wanted.claims, len(payers))
    first = 1
    for place, payer in enumerate(payers):
        many = share + (place < rest)
        claims += invent_claims(many, seed=wanted.seed, payer=payer, first=first)
        first += many
    if wanted.save_claims is not None:
        try:
            write_status_file(wanted.save_claims, claims[len(EXAMPLES) :] or claims)
        except OSError as error:
            raise OutputError(
                f"{wanted.save_claims} cannot be written: {error.strerror}.", hint="Name another place."
            ) from error
    return claims


def _introduce(screen: Screen, box: Sandbox, *, quiet: bool) -> None:
    if quiet:
        screen.line(box.url)
        return
    screen.line(f"Payers of the sandbox answer at {box.url} until Ctrl-C.", "bold green")
    screen.line(f"They know {count(len(box.claims), 'invented claim')}; examples/status.csv asks about them.")
    if box.switches.on:
        screen.line(f"Scenario: {', '.join(each.text for each in box.switches.on)}")
    screen.heading("To ask it about the examples")
    screen.line(f"claimsctl check-status examples/status.csv --sandbox {box.url}", indent=2)
    screen.heading("To use it like a payer, in claimsctl.toml")
    for line in settings_lines(box):
        screen.line(line, indent=2 if line else 0)
    screen.heading("and in the shell that asks")
    for line in environment_lines(box):
        screen.line(line, indent=2)
    screen.heading("To change the scenario while it runs")
    body = '{"scenario": ["error-500=2"]}'
    screen.line(f"curl {box.url}/_sandbox/scenario -d '{body}'", indent=2)


def _told(box: Sandbox) -> str:
    asked = sum(number for name, number in box.counts.items() if name.rpartition(" ")[2].isdigit())
    refused = sum(number for name, number in box.counts.items() if name.endswith(" throttled"))
    over = f", {refused:,} of them over --requests-per-second" if refused else ""
    return f"Answered {count(asked, 'request')}{over}."
