"""From the options of `price` to one call, and from prices to the screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from claimsctl import __version__
from claimsctl.cli.progress import Progress
from claimsctl.cli.render_prices import show_file, show_line
from claimsctl.cli.run import Options, console, notifier, open_workspace, requested, stop_on_signals
from claimsctl.cli.screen import Screen
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.price.explain import Step
from claimsctl.price.line import OUTPUT
from claimsctl.price.names import MODIFIERS
from claimsctl.price.schedule import STARTER
from claimsctl.price.status import SENTENCES
from claimsctl.process.house_terms import house_pricing
from claimsctl.process.price_file import explain_row, price_files
from claimsctl.security import audit

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.process.request import Request

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

    def cells(self, request: Request, locality: str | None) -> dict[str, str]:
        """The line as canonical columns; UsageError for more modifiers than a line has."""
        constants = dict(request.constants)
        if self.zip_code:  # what was typed counts, before what the house says of all lines
            constants.pop("medicare_locality", None)
        modifiers = [part for text in self.modifiers for part in text.replace(",", " ").split()]
        if len(modifiers) > len(MODIFIERS):
            raise UsageError(
                f"{len(modifiers)} modifiers were given.", hint=f"A line has at most {len(MODIFIERS)}."
            )
        named = {
            "procedure_code": self.code,
            "place_of_service": self.pos,
            "facility_zip": self.zip_code,
            "medicare_locality": locality,
            "service_date_from": (self.day or request.run_date).isoformat(),
            "units": self.units or "1",
            "minutes": self.minutes,
            "charge_amount": self.charge,
            **dict(zip(MODIFIERS, modifiers, strict=False)),
        }
        return {**constants, **{name: text for name, text in named.items() if text}}


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the prices themselves."""

    compare: str | None = None
    explain: bool = False
    row: int | None = None
    by_claim: bool = False


def run_price(state: State, options: Options, line: Line, asked: Asked, *, replaces: bool) -> None:
    """Price files or one line, and print what came out."""
    _require_one(options, line, asked)
    stop_on_signals()
    settings, workspace = open_workspace(state)
    if line.zip_code:
        settings = replace(settings, pricing=replace(settings.pricing, locality=None))
    request = requested(options, settings)
    pricing = house_pricing(
        settings, practice_id=request.practice_id, run_date=request.run_date, locality=options.locality
    )
    other = None
    if asked.compare is not None:
        other = asked.compare.strip().removesuffix(STARTER), pricing.by_release(asked.compare.strip())
    if line.code is not None:
        cells = line.cells(request, options.locality)
        frame = pricing.line(cells)
        steps = pricing.steps(frame) if asked.explain else None
        _tell(state, _one(pricing.priced(frame), steps, {"line": cells}), show_line)
    elif asked.row is not None:
        frame, steps = explain_row(request, pricing, workspace, house=settings.mapping, row=asked.row)
        audit.record(workspace, "price", notify=notifier(state), count=1)
        _tell(state, _one(frame, steps, {"row": asked.row}), show_line)
    else:
        with Progress(quiet=state.quiet or state.json, verbose=state.verbose, stages=_STAGES) as progress:
            done = price_files(
                request, pricing, workspace, house=settings.mapping, other=other, by_claim=asked.by_claim,
                replaces=replaces, progress=progress,
            )  # fmt: skip
        _tell(state, done, show_file)


def _tell(state: State, done: Mapping[str, Any], show: Callable[[Mapping[str, Any], Screen], None]) -> None:
    if state.json:
        print(json.dumps(done, indent=2))
    elif not state.quiet:
        show(done, Screen(console(state)))


def _require_one(options: Options, line: Line, asked: Asked) -> None:
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
    of_files = {
        "--out": options.out, "--map": options.mapping, "--sheet": options.sheet, "--compare": asked.compare,
        "--row": asked.row, "--by-claim": asked.by_claim,
    }  # fmt: skip
    wrong = [name for name, value in of_files.items() if value]
    verb = "is" if len(wrong) == 1 else "are"
    if line.code is not None and wrong:
        raise UsageError(f"{' and '.join(wrong)} {verb} for files, not for --code.", hint="Leave it out.")
    if options.inputs and asked.explain != (asked.row is not None):
        raise UsageError(
            "--explain and --row go together for a file.", hint="Write --explain --row 5 for its row 5."
        )
    if asked.row is not None and (options.out or asked.compare or asked.by_claim):
        raise UsageError(
            "--explain writes and compares nothing.", hint="Leave --out, --compare and --by-claim out."
        )
    if asked.by_claim and options.out is None:
        raise UsageError("--by-claim writes a file beside --out.", hint="Add --out priced.csv.")


def _one(priced: pl.DataFrame, steps: Sequence[Step] | None, which: Mapping[str, object]) -> dict[str, Any]:
    """The price of one line as a document."""
    found = priced.row(0, named=True)
    values = {name: None if found[name] is None else str(found[name]) for name in OUTPUT}
    return {
        "command": "price",
        "version": __version__,
        **which,
        "price": values,
        "sentence": SENTENCES[str(values["pricing_status"])],
        **({} if steps is None else {"steps": [asdict(step) for step in steps]}),
    }
