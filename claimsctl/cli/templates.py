"""Writing a template where the user wants it."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.template import template_rows, write_template

if TYPE_CHECKING:
    from claimsctl.template import Format, Purpose


def download_template(
    state: State, payer: str | None, purpose: str, profile: str, file_format: str | None, output: Path | None
) -> None:
    """Write the template to a file, or as CSV to stdout; as JSON with --json."""
    file_format = _format_of(file_format, output)
    if output is None and file_format == "xlsx" and not state.json:
        raise UsageError(
            "An Excel file does not go to the terminal.", hint="Name it with --output FILE.xlsx."
        )
    registry_id, today = known_payer(state, payer), date.today()
    wanted = cast("Purpose", purpose)
    if output is not None or not state.json:
        write_template(
            output if output is not None else sys.stdout.buffer,
            cast("Format", file_format),
            payer=registry_id,
            purpose=wanted,
            profile=profile,
            today=today,
        )
    if state.json:
        headers, rows, comments = template_rows(registry_id, wanted, profile, today=today)
        written = str(output) if output is not None else None
        print(json.dumps({"output": written, "headers": headers, "rows": rows, "rules": comments}, indent=2))
    elif output is not None and not state.quiet:
        plan = "status" if purpose == "status" else profile
        asked = "" if plan == "professional" else f" --profile {plan}"
        command = f"claimsctl process {shlex.quote(str(output))}{asked}"
        print(f"Wrote {output}. Replace the example rows by yours, then: {command}")


def _format_of(given: str | None, output: Path | None) -> str:
    """The format that is asked for, else that of the file name; a file is never named as what it is not."""
    ending = output.suffix.lower() if output is not None else ""
    named = {".csv": "csv", ".xlsx": "xlsx"}.get(ending)
    if named is None and ending in (".xls", ".xlsm", ".parquet", ".json", ".tsv"):
        raise UsageError(f"A template is no {ending} file.", hint="Name it .csv or .xlsx.")
    if given is not None and named is not None and given != named:
        raise UsageError(
            f"--format {given} does not go with the name {output}.",
            hint=f"Name it .{given}, or leave one out.",
        )
    return given or named or "csv"


def known_payer(state: State, payer: str | None) -> str | None:
    """The id of a known payer given by id, alias or name; UsageError for an unknown one."""
    if payer is None:
        return None
    from claimsctl.facts.payers import PayerIndex, resolve_payer
    from claimsctl.reference.tables import Tables
    from claimsctl.settings import load_settings

    tables, own = Tables.shipped(), load_settings(state.workspace).payers
    if own:
        tables = tables.with_entries("payers", own)
    registry = tables["payers"].frame.select("payer_id", "name", "aliases", "type")
    index = PayerIndex.of(registry.iter_rows(named=True))
    found = resolve_payer(payer, None, index) or resolve_payer(None, payer, index)
    if found is None:
        raise UsageError(
            f"The payer {payer} is not in the registry.",
            hint="Use its payer id, or a name such as UHC or AETNA; your own payers stand in claimsctl.toml.",
        )
    return found
