"""How long the kill and fuzz loops go on, and what must hold of a workspace whatever happened in it."""

from __future__ import annotations

import os
from pathlib import Path

from claimsctl.store.database import open_store
from claimsctl.store.workspace import OWNER_FILE, Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import command, prepared
from tests.cli.conftest import read_few as read_once

__all__ = ["command", "prepared", "read_once"]  # fixtures

AS_OF = ("--as-of", "2026-06-30")


def rounds(usual: int) -> int:
    """Rounds of a loop: `usual` in the tests, SOAK_ROUNDS in `make soak`."""
    return int(os.environ.get("SOAK_ROUNDS", usual))


def claims_file(path: Path, name: str, claims: int, lines: int = 2) -> Path:
    """A file of claims of their own, about one in twelve with an error."""
    return write_csv(
        path,
        [
            claim(
                f"{name}-{n}",
                line_number=str(line),
                procedure_code=("99213", "93000")[line % 2],
                charge_amount="-1" if n % 12 == 5 else f"{80 + line}.00",
                diagnosis_1="R00.2",
            )
            for n in range(claims)
            for line in range(1, lines + 1)
        ],
    )


def stored(workspace: Path) -> dict[str, int]:
    """Current claims in the store by number, with how many lines of them are kept.

    Checks on the way that the store opens, that parts and registry agree, and that nothing is left over but
    a directory that a kill left before its owner was written into it: such a one stays for an hour, since
    nobody can tell yet whether it is being made.
    """
    opened = Workspace.open(workspace)
    left = list((workspace / "tmp").iterdir())
    assert [path.name for path in left if path.name[0] != "." or (path / OWNER_FILE).exists()] == []
    on_disk = {str(path.relative_to(workspace)) for path in (workspace / "lines").rglob("part-*.parquet")}
    if not opened.claims_database.exists():
        assert on_disk == set()
        return {}
    with open_store(opened, write=False) as connection:
        named = {row[0] for row in connection.execute("SELECT file FROM job_parts").fetchall()}
        assert named == on_disk, "no part without its entry, no entry without its part"
        twice = "SELECT claim_number FROM claims WHERE is_current GROUP BY ALL HAVING count(*) > 1"
        assert connection.execute(twice).fetchall() == []
        rows = connection.execute("SELECT claim_number, line_count FROM claims WHERE is_current").fetchall()
        held = connection.execute("SELECT coalesce(sum(rows), 0) FROM job_parts").fetchone()
        every = connection.execute("SELECT coalesce(sum(line_count), 0) FROM claims").fetchone()
    assert held == every, "every stored claim has its lines once"
    return dict(rows)


def whole(out: Path) -> bool:
    """Whether an output directory holds a finished run; False for none. Anything between fails."""
    if not out.exists():
        return False
    seen = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    if not seen:
        return False
    assert "summary.json" in seen, f"{seen} without a summary"
    return True
