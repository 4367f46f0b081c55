"""The databases that `--to` names, with what they may know of patients settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from claimsctl.cli.state import State
from claimsctl.errors import UsageError

if TYPE_CHECKING:
    from claimsctl.settings import Settings
    from claimsctl.sql.database import Database


def targets(
    state: State, settings: Settings, names: Sequence[str], *, asks: bool = True
) -> tuple[Database, ...]:
    """The databases, which can be reached and have our tables.

    UsageError for one named twice or whose PHI policy nobody says, OutsideError where one is not ready:
    better told now than when everything has been checked. `asks` not: nothing is asked of anybody.
    """
    if not names:
        return ()
    from claimsctl.databases import named_database

    found = [named_database(settings, name) for name in names]
    known = [database.name for database in found]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise UsageError(f"--to names {twice[0]} twice.", hint="Name each database once.")
    return tuple(_ready(state, database) if asks else database for database in found)


def _ready(state: State, database: Database) -> Database:
    from claimsctl.cli.sqlphi import with_phi
    from claimsctl.sql.connect import connect
    from claimsctl.sql.init import require_tables

    settled = with_phi(state, database)
    assert settled.phi is not None
    with connect(settled, read_only=True) as connection:
        require_tables(connection, settled.phi)
    return settled
