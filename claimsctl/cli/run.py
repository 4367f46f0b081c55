"""From the options of `process` to one call of the pipeline, and from its summary to the screen."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.claim import BY_NAME
from claimsctl.cli.state import State
from claimsctl.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from claimsctl.cli.options import Choosing, FromSql, Reading
    from claimsctl.process.fetched import FromDatabase
    from claimsctl.process.progress import Progress
    from claimsctl.process.request import Request
    from claimsctl.process.rulebook import Rulebook
    from claimsctl.process.setting import Setting
    from claimsctl.settings import Settings
    from claimsctl.sql.database import Database
    from claimsctl.store.workspace import Workspace


@dataclass(frozen=True)
class Options:
    """What the user typed after `process` or `preview`; None means: as the settings say."""

    inputs: tuple[str, ...]
    out: Path | None = None
    output_format: str | None = None
    payer: str | None = None
    practice: str | None = None
    profile: str | None = None
    practice_type: str | None = None
    mapping: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    sheet: str | None = None
    locality: str | None = None
    as_of: date | None = None
    duplicates: str | None = None
    batch_size: int | None = None
    dry_run: bool = False
    fix: bool = False
    fail_on: str | None = None
    limit: int | None = None
    safe_csv: bool = False
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    move_to: Path | None = None
    on_error: Path | None = None
    priority: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    where: str | None = None
    since: str | None = None
    table: str | None = None
    query: str | None = None
    to: tuple[str, ...] = ()
    score: bool = True
    hold_above: float | None = None

    @property
    def is_inbox(self) -> bool:
        """Whether the input is a directory whose files are processed one by one."""
        return self.move_to is not None or self.on_error is not None

    @staticmethod
    def of(
        state: State,
        inputs: Sequence[str] | None,
        reading: Reading,
        choosing: Choosing,
        databases: FromSql | None = None,
        **more: Any,
    ) -> Options:
        """From the options that commands share, and `more` of this class's fields."""
        asked: dict[str, Any] = {} if databases is None else dict(vars(databases))
        sources = tuple(asked.pop("sources", None) or ())
        if databases is not None and not inputs and not sources:
            raise UsageError(
                "No input was given.", hint="Name a file, a directory, a glob, - or a database (--from)."
            )
        return Options(
            inputs=tuple(inputs or ()),
            sources=sources,
            **asked,
            payer=reading.payer,
            practice=reading.practice or state.practice,
            profile=reading.profile,
            practice_type=reading.practice_type,
            mapping=tuple(reading.mapping or ()),
            constants=tuple(reading.constants or ()),
            sheet=reading.sheet,
            locality=reading.locality,
            as_of=reading.as_of.date() if reading.as_of else None,
            rules=tuple(choosing.rules or ()),
            only=tuple(choosing.only or ()),
            without=tuple(choosing.without or ()),
            **more,
        )


def run_process(state: State, options: Options) -> int:
    """Run the main job; the exit status."""
    from claimsctl.store.warm import warm

    warm()
    from claimsctl.cli.confirming import confirm_size
    from claimsctl.cli.progress import Progress
    from claimsctl.cli.targets import targets
    from claimsctl.pipeline import process

    stop_on_signals()
    settings, workspace = open_workspace(state)
    asked = requested(options, settings)
    if options.since is not None:
        from claimsctl.cli.reading_sql import only_what_is_new

        asked, done = only_what_is_new(state, asked, settings)
        if done:
            return 0
    request, rulebook, fail_on = settle(options, settings)
    request = replace(request, sources=asked.sources)
    databases = targets(state, settings, request.to, asks=not request.dry_run)
    confirm_size(state, request.inputs, settings.process.confirm_above)
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose) as progress:
        setting = setting_of(state, settings, workspace, progress, databases)
        summary = process(request, rulebook, setting)
    show(state, summary, options)
    return exit_status(summary, fail_on)


def setting_of(
    state: State, settings: Settings, workspace: Workspace, progress: Progress, databases: Sequence[Database]
) -> Setting:
    """Where a run happens: in the workspace, with what its settings say of headers, scores and sealing."""
    from claimsctl.process.setting import Setting

    return Setting(
        workspace, settings.mapping, notifier(state), progress, databases=databases,
        scoring=settings.scoring, seal=settings.security.seal,
    )  # fmt: skip


def stop_on_signals() -> None:
    """Have Ctrl-C and a polite kill end the run in order, as an interrupt."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        # Polars installs a handler of its own, which interrupts the query and then the whole process.
        if signal.getsignal(stop) is not signal.SIG_IGN:  # `nohup ... &` asked to be left alone
            signal.signal(stop, signal.default_int_handler)


def open_workspace(state: State) -> tuple[Settings, Workspace]:
    """Settings and workspace in force, which is made where there is none."""
    from claimsctl.store.workspace import Workspace

    settings = settings_in_force(state)
    return settings, Workspace.open(settings.workspace)


def settings_in_force(state: State) -> Settings:
    """The settings; what is recorded in the audit file of the workspace goes by them."""
    from claimsctl.security import audit
    from claimsctl.settings import load_settings

    settings = load_settings(state.workspace)
    security = settings.security
    audit.follow(replace(security, purpose=state.purpose or security.purpose), notifier(state))
    return settings


def settle(options: Options, settings: Settings) -> tuple[Request, Rulebook, str | None]:
    """Flags over environment and file: the request, its rules, and what makes it exit with 1."""
    from claimsctl.process.house_terms import house_rulebook

    request = requested(options, settings)
    rulebook = house_rulebook(
        settings,
        request.selection,
        options.rules,
        practice_id=request.practice_id,
        run_date=request.run_date,
        locality=options.locality,
    )
    return request, rulebook, options.fail_on or settings.process.fail_on


def requested(options: Options, settings: Settings) -> Request:
    """What the user asks for: flags over environment and file."""
    from claimsctl.cli.priorities import parse_priorities
    from claimsctl.ingest.mapping import parse_map, parse_set
    from claimsctl.process.house_terms import house_terms
    from claimsctl.process.request import Request
    from claimsctl.validate.ruleset import Selection

    terms = house_terms(
        settings,
        practice_id=options.practice,
        profile=options.profile,
        payer=options.payer,
        practice_type=options.practice_type,
        constants=parse_set(options.constants),
        selection=Selection(frozenset(options.only), frozenset(options.without)),
    )
    given: Mapping[str, object] = {
        "output_format": options.output_format or settings.process.output_format,
        "duplicates": options.duplicates or settings.process.duplicates,
        "batch_size": options.batch_size or settings.process.batch_size,
    }
    return Request(
        inputs=options.inputs,
        run_date=options.as_of or date.today(),
        out=options.out or (Path(settings.process.out) if settings.process.out else None),
        profile=terms.profile,
        practice_id=terms.practice_id,
        mapping=parse_map(options.mapping),
        constants=terms.constants,
        rule_packs=(*settings.rule_packs(), *options.rules),
        selection=terms.selection,
        limit=options.limit,
        safe_csv=options.safe_csv or settings.process.safe_csv,
        dry_run=options.dry_run,
        fix=options.fix,
        priority=parse_priorities(options.priority, inbox=options.is_inbox)[0],
        sheet=options.sheet,
        locality=options.locality,
        sources=_sources(options, settings),
        to=options.to,
        phi=settings.output.phi,
        dates=settings.output.dates,
        score=options.score and settings.scoring.enabled,
        hold_above=settings.scoring.hold_above if options.hold_above is None else options.hold_above,
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )


def _sources(options: Options, settings: Settings) -> tuple[FromDatabase, ...]:
    if not options.sources and not (options.where or options.since or options.table or options.query):
        return ()
    from claimsctl.cli.reading_sql import from_databases

    return from_databases(options, settings)


def notifier(state: State) -> Callable[[str], None]:
    """Tells the user something on stderr, unless they asked for quiet."""

    def tell(text: str) -> None:
        if not state.quiet:
            print(f"claimsctl: {text}", file=sys.stderr)

    return tell


def console(state: State) -> Console:
    """A Rich console on stdout that honours --no-color, NO_COLOR and pipes."""
    from rich.console import Console

    plain = state.no_color or "NO_COLOR" in os.environ
    return Console(no_color=plain or None, highlight=False, soft_wrap=False)


def show(state: State, summary: Mapping[str, object], options: Options) -> None:
    """The summary as text for people, or as one JSON document."""
    if state.json:
        from claimsctl.write.summary import summary_json

        print(summary_json(summary), end="")
        return
    if state.quiet:
        return
    from claimsctl.cli.render import render_summary
    from claimsctl.cli.render_preview import render_preview

    screen = console(state)
    if state.verbose:
        render_preview({"inputs": summary["inputs"], "mapping": summary["mapping"]}, screen)
        _show_rules(summary, screen)
    repeated = [f"--map={entry}" for entry in options.mapping]
    repeated += [f"--set={_without_identifiers(entry)}" for entry in options.constants]
    repeated += [f"--rules={pack}" for pack in options.rules]
    repeated += [f"--to={name}" for name in options.to]
    repeated += ["--fix"] if options.fix else []
    repeated += [] if options.score else ["--no-score"]
    for name in ("profile", "practice", "practice_type", "payer"):
        value = getattr(options, name)
        repeated += [f"--{name.replace('_', '-')}={value}"] if value else []
    render_summary(summary, screen, next_command=("claimsctl", "process", *repeated))


def _without_identifiers(entry: str) -> str:
    """A --set entry as it may be shown again."""
    column = entry.partition("=")[0].strip()
    known = BY_NAME.get(column.lower())
    return entry if known is not None and known.phi == "none" else f"{column}=..."


def _show_rules(summary: Mapping[str, object], screen: Console) -> None:
    """Every rule that did not run, with the reason."""
    rules: Mapping[str, Any] = summary["rules"]  # type: ignore[assignment]
    screen.print(f"\nRules  {rules['active']} active, {len(rules['not_run'])} not run")
    for each in rules["not_run"]:
        screen.print(f"  {each['code']}  {each['reason']}", markup=False)
    screen.print()


def exit_status(summary: Mapping[str, object], fail_on: str | None) -> int:
    """0, or 1 where --fail-on asks for it (design 3.3)."""
    found: Mapping[str, int] = summary["findings"]  # type: ignore[assignment]
    if fail_on is None:
        return 0
    severities = ("error",) if fail_on == "error" else ("error", "warning")
    return int(any(found[severity] for severity in severities))
