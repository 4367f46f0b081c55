"""Whose access a group of claims is asked with: settings of the route, over them those of the payer map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claimsctl.errors import SettingsError
from claimsctl.payers.account import Account
from claimsctl.security.credentials import resolve
from claimsctl.settings import Settings, meant
from claimsctl.settings_payers import RouteSettings


def ready_routes(settings: Settings) -> frozenset[str]:
    """Routes whose credentials the settings name."""
    named = {route for route, said in settings.payer_route.items() if said.credentials}
    return frozenset(
        named | {entry.route for entry in settings.payer_map.values() if entry.route and _own(entry)}
    )


def account_of(settings: Settings, route: str, entry: str | None, *, secrets: bool = True) -> Account:
    """The access for claims of a route whose payer the map names `entry` (None: it does not); without
    `secrets` everything but the credentials.

    SettingsError for a credential that is not where the settings say, and for an account there is not.
    """
    root = settings.workspace
    said = settings.payer_route.get(route, RouteSettings())
    credentials = resolve(said.credentials, f"[payer_route.{route}]", root) if secrets else {}
    mapped = settings.payer_map.get(entry) if entry is not None and secrets else None
    if mapped is not None:
        if mapped.account is not None:
            shared = settings.payer_account.get(mapped.account)
            if shared is None:
                raise SettingsError(
                    f"[payer_map.{entry}] account: there is no [payer_account.{mapped.account}].",
                    hint=meant(mapped.account, settings.payer_account) or None,
                )
            credentials |= resolve(shared.credentials, f"[payer_account.{mapped.account}]", root)
        credentials |= resolve(mapped.credentials, f"[payer_map.{entry}]", root)
    return Account(
        credentials=credentials,
        environment=said.environment or "production",
        settings=said.settings,
        base_url=said.base_url,
        token_url=said.token_url,
        requests_per_second=said.requests_per_second,
        requests_per_day=said.requests_per_day,
        concurrency=said.concurrency,
        timeout_seconds=said.timeout_seconds,
        claim_timeout_seconds=said.claim_timeout_seconds,
        proxy=said.proxy,
        ca_file=_path(said.ca_file, root),
        client_certificate=_path(said.client_certificate, root),
    )


def account_from(said: Mapping[str, Any]) -> Account:
    """The access that a sandbox tells of itself."""
    return Account(
        credentials=said["credentials"],
        environment=said["environment"],
        base_url=said["base_url"],
        token_url=said.get("token_url"),
    )


def _own(entry: Any) -> bool:
    return bool(entry.credentials or entry.account)


def _path(text: str | None, root: Path) -> Path | None:
    if text is None:
        return None
    path = Path(text).expanduser()
    return path if path.is_absolute() else root / path
