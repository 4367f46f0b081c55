"""Options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Sequence

from claimsctl.errors import UsageError


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE texts as a table; UsageError, which does not repeat the text, where one is none."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"{option} takes NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found
