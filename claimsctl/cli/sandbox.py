"""`claimsctl sandbox`: payers on this machine, to rehearse with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def sandbox(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    payer: Annotated[
        list[str] | None, typer.Option(help="Only these routes: uhc, optum-real, availity, ...")
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Faults to play: [ROUTE:]NAME[=VALUE][@CLAIM], as in uhc:slow=5.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn: chaos and invented claims.")] = 0,
    latency: Annotated[float, typer.Option(min=0, max=3600, help="Seconds that every answer takes.")] = 0,
    requests_per_second: Annotated[
        int | None,
        typer.Option(min=1, max=given.MOST, help="Answer more of them with 429, counted per route."),
    ] = None,
    token_life: Annotated[
        float | None, typer.Option(min=0.1, max=given.MOST, help="Seconds that tokens live.")
    ] = None,
    claims: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Invent so many claims beside the examples.")
    ] = 0,
    save_claims: Annotated[
        Path | None, typer.Option(help="Write the claims as a file for claimsctl check-status.")
    ] = None,
    list_scenarios: Annotated[
        bool, typer.Option("--list-scenarios", help="Show every fault that can be played.")
    ] = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Serve invented payers on this machine: five interfaces with tokens, pages, polling, and faults.

    It knows the claims of examples/status.csv, prints the settings to paste into claimsctl.toml, and runs
    until Ctrl-C. No claim leaves the machine.

    Example: claimsctl sandbox --list-scenarios
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.sandboxes import Wanted, list_all_scenarios, serve_sandbox

    if list_scenarios:
        list_all_scenarios(state)
        return
    wanted = Wanted(
        port, tuple(payer or ()), tuple(scenario or ()), seed, latency, requests_per_second, token_life,
        claims, save_claims,
    )  # fmt: skip
    serve_sandbox(state, wanted)
