"""Credentials by reference: where they are kept is said in settings, what they are is read when asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import SettingsError
from claimsctl.security.logs import hide

REFERENCES: Final = ("env:", "file:", "keyring:")
"""How a credential is named; the secret itself never stands in claimsctl.toml."""


def check_reference(said: str, value: str) -> None:
    """ValueError for a value that is no reference; it does not repeat the value, which may be a secret.

    `said` names the setting.
    """
    if not isinstance(value, str) or not value.startswith(REFERENCES) or len(value.split(":", 1)[1]) == 0:
        raise ValueError(
            f"{said} is not a reference; secrets do not belong into this file. Write "
            '"env:NAME", "file:PATH" or "keyring:service/user"'
        )
    if value.startswith("keyring:") and "/" not in value:
        raise ValueError(f'{said} needs a user: "keyring:service/user"')


def resolve(references: Mapping[str, str], place: str, workspace: Path) -> dict[str, str]:
    """The secrets behind references (env:, file:, keyring:). `place` names the settings table in errors.

    SettingsError for one that is not there, or stands in a file that others may read; it never holds a
    secret.
    """
    return {
        name: secret(f"{place} credentials.{name}", reference, workspace)
        for name, reference in references.items()
    }


def secret(said: str, reference: str, workspace: Path) -> str:
    """The secret behind one reference; `said` names the setting. SettingsError as of `resolve`."""
    return hide(_secret(said, reference, workspace))


def _secret(said: str, reference: str, workspace: Path) -> str:
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = os.environ.get(where, "").strip()
        if not value:
            raise SettingsError(
                f"{said}: the environment variable {where} is not set.", hint="Set it for this command."
            )
        return value
    return _of_file(said, where, workspace) if kind == "file" else _of_keyring(said, where)


def _of_file(said: str, where: str, workspace: Path) -> str:
    path = Path(where).expanduser()
    path = path if path.is_absolute() else workspace / path
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{said}: others may read {path}.", hint=f"chmod 600 '{path}'")
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{said}: cannot read {path}: {why}.") from None
    if not value:
        raise SettingsError(f"{said}: {path} is empty.")
    return value


def _of_keyring(said: str, where: str) -> str:
    service, _, user = where.rpartition("/")
    try:
        import keyring
    except ImportError:
        raise SettingsError(
            f"{said} is kept in a keyring, which needs a further package.",
            hint="pip install 'claimsctl[keyring]'",
        ) from None
    ring: Any = keyring
    try:
        value = ring.get_password(service, user)
    except Exception as error:  # every backend has its own errors
        raise SettingsError(f"{said}: the keyring refused ({type(error).__name__}).") from None
    if not value:
        raise SettingsError(
            f"{said}: the keyring has nothing for {where}.", hint=f"keyring set {service} {user}"
        )
    return str(value)
