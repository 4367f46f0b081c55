"""What in a workspace is only ever ours, by name; claimsctl.toml, rules and inboxes are the user's."""

from __future__ import annotations

from typing import Final

IDENTITY: Final = "workspace.id"
"""The file by which a directory is known as a workspace."""

KEPT: Final = frozenset(
    {IDENTITY}
    | set("claims.duckdb jobs.sqlite answers.sqlite audit.log key.id access.json".split())
    | set("lines jobs tmp reference sending crashes".split())
)
