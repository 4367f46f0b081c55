"""The payer map: which payer an insurance id means, and how it is asked; `[payer_map.<id>]` tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from claimsctl.configure.editing import edited, remove_table, set_table
from claimsctl.configure.practices import require_practice, shaped
from claimsctl.errors import UsageError
from claimsctl.settings import Settings, meant
from claimsctl.settings_payers import PayerMapSettings


def add_mapping(
    file: Path,
    settings: Settings,
    insurance: str,
    values: Mapping[str, Any],
    routes: Collection[str],
    *,
    replace: bool = False,
) -> None:
    """Write what an insurance id means; `routes` are those there are.

    UsageError where it is mapped already (unless `replace`), for an unknown route, practice or account.
    """
    if not insurance.strip():
        raise UsageError("The insurance id is blank.")
    if insurance in settings.payer_map and not replace:
        raise UsageError(
            f"{insurance} is mapped already.", hint="Add --yes to replace what it says, or remove it first."
        )
    given = {name: value for name, value in values.items() if value not in (None, {}, "")}
    if not given.keys() & {"payer_id", "route", "ids"}:
        raise UsageError(
            f"Say which payer {insurance} is, or by which route it is asked.",
            hint="As in: claimsctl payers map add INS001 --payer-id 87726 --route uhc",
        )
    for route in [given[name] for name in ("route",) if name in given] + list(given.get("ids", {})):
        if route not in routes:
            hint = meant(route, routes) or f"There are {', '.join(sorted(routes))}."
            raise UsageError(f"There is no payer route {route}.", hint=hint)
    if "practice" in given:
        require_practice(settings, given["practice"])
    if "account" in given and given["account"] not in settings.payer_account:
        raise UsageError(
            f"There is no [payer_account.{given['account']}] in the settings.",
            hint=meant(given["account"], settings.payer_account)
            or "Write that table first (docs/status.md).",
        )
    given |= {name: shaped(name, given[name]) for name in ("npi", "tax_id") if name in given}
    empty = {each.name: None for each in fields(PayerMapSettings)}
    with edited(file) as document:
        set_table(document, "payer_map", insurance, {**empty, **given})


def remove_mapping(file: Path, settings: Settings, insurance: str) -> None:
    """Take an insurance id out of the map; UsageError where it is not in it."""
    require_mapping(settings, insurance)
    with edited(file) as document:
        remove_table(document, "payer_map", insurance)


def require_mapping(settings: Settings, insurance: str) -> PayerMapSettings:
    """What an insurance id means; UsageError with the nearest one where the map does not have it."""
    found = settings.payer_map.get(insurance)
    if found is None:
        hint = meant(insurance, settings.payer_map) or "`claimsctl payers map list` shows the map."
        raise UsageError(f"{insurance} is not in the payer map.", hint=hint)
    return found


def mapping_document(insurance: str, entry: PayerMapSettings) -> dict[str, Any]:
    """An entry without what is not set. Credentials are references, which are no secrets."""
    given = asdict(entry)
    return {"insurance_id": insurance} | {
        name: value for name, value in given.items() if value not in (None, {}, "")
    }
