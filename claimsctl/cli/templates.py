"""Writing a template where the user wants it."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from claimsctl.errors import UsageError
from claimsctl.template import write_template


def write(payer: str | None, purpose: str, profile: str, file_format: str, output: Path | None) -> None:
    """Write the template to a file, or as CSV to stdout."""
    if output is None and file_format == "xlsx":
        raise UsageError("An Excel file does not go to the terminal.", hint="Name it with --output FILE.xlsx.")
    write_template(
        output if output is not None else sys.stdout.buffer,
        file_format,  # type: ignore[arg-type]
        payer=known_payer(payer),
        purpose=purpose,  # type: ignore[arg-type]
        profile=profile,
        today=date.today(),
    )
    if output is not None:
        print(f"Wrote {output}. Replace the example rows by yours, then: claimsctl process {output}")


def known_payer(payer: str | None) -> str | None:
    """The registry id of a payer given by id, alias or name; UsageError for an unknown one."""
    if payer is None:
        return None
    from claimsctl.facts.payers import PayerIndex, resolve_payer
    from claimsctl.reference.tables import Tables

    registry = Tables.shipped()["payers"].frame.select("payer_id", "name", "aliases", "type")
    found = resolve_payer(payer, None, PayerIndex.of(registry.iter_rows(named=True)))
    if found is None:
        raise UsageError(
            f"The payer {payer} is not in the registry.", hint="Use its payer id, or a name such as UHC or AETNA."
        )
    return found
