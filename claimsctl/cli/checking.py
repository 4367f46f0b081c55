"""From the options of `check-status` and `claims refresh` to a job, and from its summary to the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.asking.asker import ConnectorAsker, sandbox_accounts
from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.run import Again, check_status
from claimsctl.cli.checkprogress import StatusProgress
from claimsctl.cli.checkscreen import show_summary
from claimsctl.cli.confirming import can_ask
from claimsctl.cli.run import notifier, open_workspace, stop_on_signals
from claimsctl.cli.state import State
from claimsctl.cli.targets import targets
from claimsctl.errors import Interrupted, UsageError
from claimsctl.inquiry.filters import Filters
from claimsctl.store.lifecycle import OPEN

if TYPE_CHECKING:
    from claimsctl.cli.checkstatus import Answering
    from claimsctl.settings import Settings
    from claimsctl.store.workspace import Workspace

_AGE: Final = re.compile(r"(\d{1,5})\s*(d|h)")
_CONFIRM_ABOVE: Final = 1_000
_REFRESHED: Final = (*OPEN, "NOT_FOUND", "UNKNOWN")
"""Statuses that a payer may still change."""


@dataclass(frozen=True)
class Chosen:
    """Which claims, as typed after `check-status`."""

    inputs: tuple[str, ...] = ()
    stale: str | None = None
    status: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    payer: str | None = None
    practice: str | None = None
    mapping: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    sheet: str | None = None


def run_check(state: State, chosen: Chosen, answering: Answering) -> int:
    """`check-status`; the exit status."""
    settings, workspace = open_workspace(state)
    filters = _filters(chosen)
    if bool(chosen.inputs) == (filters is not None):
        raise UsageError(
            "Give files, or say which stored claims to ask about with --stale, --status or --claim.",
            hint="As in: claimsctl check-status claims.csv",
        )
    request = _request(chosen, answering, settings, filters)
    return _run(state, settings, workspace, request, dry_run=answering.dry_run)


def run_refresh(state: State, filters: Filters, stale: str, answering: Answering) -> int:
    """`claims refresh`; the exit status. Without --status those of claims that a payer may still change."""
    settings, workspace = open_workspace(state)
    filters = replace(filters, status=filters.status or _REFRESHED, not_queried_since=since(stale, "--stale"))
    chosen = Chosen(practice=filters.practice)
    request = _request(chosen, answering, settings, filters)
    return _run(state, settings, workspace, request, dry_run=answering.dry_run)


def go_on(state: State, request: StatusRequest, again: Again) -> int:
    """A job that resumes or retries another; the exit status."""
    settings, workspace = open_workspace(state)
    return _run(state, settings, workspace, request, again=again)


def since(text: str, option: str) -> datetime:
    """The moment (UTC, without zone) that an age as 7d or 12h means."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"{option} {text!r} is no age.", hint="Write days or hours: 7d, 12h.")
    number, unit = int(found[1]), found[2]
    age = timedelta(days=number) if unit == "d" else timedelta(hours=number)
    return (datetime.now(UTC) - age).replace(tzinfo=None)


def _filters(chosen: Chosen) -> Filters | None:
    if not (chosen.stale or chosen.status or chosen.claims):
        return None
    status = tuple(part for text in chosen.status for part in text.split(",") if part.strip())
    return Filters(
        status=status or (_REFRESHED if chosen.stale and not chosen.claims else ()),
        claims=chosen.claims,
        not_queried_since=since(chosen.stale, "--stale") if chosen.stale else None,
        payer=(chosen.payer,) if chosen.payer else (),
        practice=chosen.practice,
    )


def _request(
    chosen: Chosen, answering: Answering, settings: Settings, filters: Filters | None
) -> StatusRequest:
    from claimsctl.ingest.mapping import parse_map, parse_set

    practice, kept = chosen.practice or "default", dict[str, str]()
    if filters is None or chosen.practice:  # a stored claim knows its practice
        from claimsctl.process.house_terms import house_terms

        terms = house_terms(
            settings, practice_id=chosen.practice, profile="status", payer=chosen.payer,
            constants=parse_set(chosen.constants),
        )  # fmt: skip
        practice = terms.practice_id
        kept = {name: value for name, value in terms.constants.items() if name != "practice_type"}
    return StatusRequest(
        run_date=answering.as_of.date() if answering.as_of else date.today(),
        inputs=chosen.inputs,
        filters=filters,
        out=answering.out or (Path(settings.process.out) if settings.process.out else None),
        format=answering.output_format.value if answering.output_format else "csv",
        practice_id=practice,
        mapping=parse_map(chosen.mapping),
        constants=kept if filters is None else {},
        sheet=chosen.sheet,
        limit=answering.limit,
        fresh=answering.fresh,
        sandbox=answering.sandbox,
        to=tuple(answering.to or ()),
    )


def _run(
    state: State,
    settings: Settings,
    workspace: Workspace,
    request: StatusRequest,
    *,
    dry_run: bool = False,
    again: Again | None = None,
) -> int:
    stop_on_signals()
    if request.to and request.sandbox is not None:
        raise UsageError(
            "--to does not go with --sandbox: what invented payers say is not kept.", hint="Leave one out."
        )
    databases = targets(state, settings, request.to, asks=not dry_run)
    with _place(state, settings, workspace, request) as place:
        if dry_run:
            from claimsctl.cli.checkdry import show_questions

            show_questions(state, request, place)
            return 0
        with StatusProgress(quiet=state.quiet or state.json, verbose=state.verbose) as progress:
            watched = replace(place, progress=progress, told=progress.heard, databases=databases)
            summary = check_status(request, watched, again)
    show_summary(state, summary)
    return exit_code(summary)


@contextmanager
def _place(state: State, settings: Settings, workspace: Workspace, request: StatusRequest) -> Iterator[Place]:
    def confirm(claims: int) -> None:
        if claims > _CONFIRM_ABOVE and can_ask(state):
            import typer

            if not typer.confirm(f"Ask payers about {claims:,} claims?", default=True, err=True):
                raise Interrupted("Nobody was asked.", hint="With --yes this is not a question.")

    place = Place(
        workspace, settings, ConnectorAsker(workspace.root), notify=notifier(state), confirm=confirm
    )
    if request.sandbox is None:
        yield place
        return
    with sandbox_accounts(request.sandbox) as accounts:
        yield replace(place, accounts=accounts, settings=with_practice(settings, request.practice_id))


def with_practice(settings: Settings, practice: str) -> Settings:
    """The settings, with an invented practice (examples/claimsctl.toml) where the request's is not set up."""
    from claimsctl.settings_tables import PracticeSettings

    if practice in settings.practice:
        return settings
    invented = PracticeSettings(name="Maple Street Health, PLLC", npi="1330200654", tax_id="044410275")
    return replace(settings, practice={**settings.practice, practice: invented})


def exit_code(summary: Mapping[str, Any]) -> int:
    """4 where a payer could not be reached (design 3.3); errors of single claims are no failure."""
    return 4 if any(each["unreachable"] for each in summary["routes"]) else 0
