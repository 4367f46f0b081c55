"""PostgreSQL: COPY of CSV bytes, which was measured faster than ADBC and than any INSERT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimsctl.sql.dialects.grammar import LOCK_SECONDS, Grammar, Stage
from claimsctl.sql.dialects.rows import staged_frame

if TYPE_CHECKING:
    from claimsctl.sql.connection import Connection


class PostgreSQL(Grammar):
    """PostgreSQL 12 and later."""

    name = "postgresql"
    stages_beside = True

    def opening(self) -> str:
        """Each statement sees what was committed before it, and waits for a lock so long only."""
        isolation = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
        return f"{isolation}; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"

    def lock(self, connection: Connection, *names: str) -> None:
        """Advisory locks; lock_timeout counts for them as well."""
        for name in names:
            connection.rows("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", {"name": name})

    def prepare(self, stage: Stage) -> tuple[str, memoryview]:
        """Columns, and CSV: an unquoted empty cell is NULL, a quoted one the empty text."""
        import io

        frame = staged_frame(stage)
        buffer = io.BytesIO()
        frame.write_csv(buffer, include_header=False)
        return ", ".join(stage.columns[name] for name in frame.columns), buffer.getbuffer()

    def put(self, connection: Connection, stage: Stage, rows: tuple[str, memoryview]) -> None:
        """COPY."""
        columns, csv = rows
        # Staged rows that a crash of the server loses are staged again: no need to wait for the disk.
        connection.execute("SET LOCAL synchronous_commit = off")
        with (
            connection.raw.cursor() as cursor,
            cursor.copy(f"COPY {stage.name} ({columns}) FROM STDIN (FORMAT csv)") as copy,
        ):
            copy.write(csv)
        # Without a look at it the planner takes a batch for one row, and a target that was empty is read
        # anew for each. Who does not own the table gets a warning, and the plan of before.
        connection.execute(f"ANALYZE {stage.name} (stage_job, stage_batch)")
