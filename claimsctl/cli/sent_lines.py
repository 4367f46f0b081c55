"""What came into which database, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimsctl.cli.screen import count


def sent_lines(sent: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Label and text for each database."""
    return [("Sent", f"to {name}: {_told(each)}") for name, each in sent.items()]


def _told(each: Mapping[str, Any]) -> str:
    kinds = [f"{each[kind]:,} {word}" for kind, word in _KINDS if each.get(kind)]
    claims = count(each["claims"], "claim") + (f" ({', '.join(kinds)})" if kinds else "")
    tried = f"; {each['retried']:,} tries repeated" if each.get("retried") else ""
    if each["statuses"]:
        return f"the status of {count(each['statuses'], 'claim')}{tried}"
    return f"{claims}, {count(each['lines'], 'line')}, {count(each['findings'], 'finding')}{tried}"


_KINDS = (("inserted", "new"), ("updated", "changed"), ("unchanged", "unchanged"))
