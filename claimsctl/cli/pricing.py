"""From the options of `price` to one call, and from prices to the screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from claimsctl import __version__
from claimsctl.cli.progress import Progress
from claimsctl.cli.render_prices import show_file, show_line
from claimsctl.cli.run import Options, console, open_workspace, requested, stop_on_signals
from claimsctl.cli.screen import Screen
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.price.line import OUTPUT
from claimsctl.price.names import MODIFIERS
from claimsctl.price.status import SENTENCES
from claimsctl.process.house_terms import house_pricing
from claimsctl.process.price_file import price_files

if TYPE_CHECKING:
    from claimsctl.process.price_line import LinePricing
    from claimsctl.process.request import Request
    from claimsctl.settings import Settings

_STAGES: Final = {"reading": 0.5, "pricing": 0.5}


@dataclass(frozen=True)
class Line:
    """One line as it was typed; None where nothing was given."""

    code: str | None = None
    modifiers: tuple[str, ...] = ()
    pos: str | None = None
    zip_code: str | None = None
    day: date | None = None
    units: str | None = None
    minutes: str | None = None
    charge: str | None = None

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        flags = {"modifiers": "--modifier", "zip_code": "--zip", "day": "--date"}
        return [flags.get(f.name, f"--{f.name}") for f in fields(self) if getattr(self, f.name)]

    def cells(self, request: Request) -> dict[str, str]:
        """The line as canonical columns; UsageError for more modifiers than a line has."""
        modifiers = [part for text in self.modifiers for part in text.replace(",", " ").split()]
        if len(modifiers) > len(MODIFIERS):
            raise UsageError(
                f"{len(modifiers)} modifiers were given.", hint=f"A line has at most {len(MODIFIERS)}."
            )
        named = {
            "procedure_code": self.code,
            "place_of_service": self.pos,
            "facility_zip": self.zip_code,
            "service_date_from": (self.day or request.run_date).isoformat(),
            "units": self.units or "1",
            "minutes": self.minutes,
            "charge_amount": self.charge,
            **dict(zip(MODIFIERS, modifiers, strict=False)),
        }
        return {**request.constants, **{name: text for name, text in named.items() if text}}


def run_price(state: State, options: Options, line: Line, *, replaces: bool) -> None:
    """Price files or one line, and print what came out."""
    _require_one(options, line)
    stop_on_signals()
    settings, workspace = open_workspace(state)
    request = requested(options, settings)
    if line.code is not None:
        _price_line(state, _pricing(settings, request, options), line.cells(request), options)
        return
    pricing = _pricing(settings, request, options)
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose, stages=_STAGES) as progress:
        done = price_files(
            request, pricing, workspace, house=settings.mapping, replaces=replaces, progress=progress
        )
    if state.json:
        print(json.dumps(done, indent=2))
    elif not state.quiet:
        show_file(done, Screen(console(state)))


def _require_one(options: Options, line: Line) -> None:
    """UsageError unless there are either files or one line, with options that go with it."""
    if not options.inputs and line.code is None:
        alone = f"{', '.join(line.given)} without --code says no line. " if line.given else ""
        raise UsageError(
            f"{alone}Nothing to price was given.", hint="Name a file, or one line with --code 99213."
        )
    if options.inputs and line.given:
        raise UsageError(
            f"A file and one line ({', '.join(line.given)}) were given.",
            hint="Price either files or a line; a value for every line of a file is given with --set.",
        )
    if line.code is not None and (options.out or options.mapping):
        raise UsageError("--out and --map are for files, not for --code.", hint="Leave them out.")


def _pricing(
    settings: Settings, request: Request, options: Options, edition: str | None = None
) -> LinePricing:
    return house_pricing(
        settings, practice_id=request.practice_id, run_date=request.run_date, locality=options.locality,
        edition=edition,
    )  # fmt: skip


def _price_line(state: State, pricing: LinePricing, cells: Mapping[str, str], options: Options) -> None:
    found = pricing.one(cells)
    values = {name: None if found[name] is None else str(found[name]) for name in OUTPUT}
    done: dict[str, Any] = {
        "command": "price",
        "version": __version__,
        "line": dict(cells),
        "price": values,
        "sentence": SENTENCES[str(values["pricing_status"])],
    }
    if state.json:
        print(json.dumps(done, indent=2))
    elif not state.quiet:
        show_line(done, Screen(console(state)))
