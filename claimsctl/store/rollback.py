"""Taking back what a job added to the store: all of it or nothing, and what it replaced is in force again.

Order, as in a commit: (1) an intent in tmp/<rollback job>/rollback.json; (2) the DuckDB file is opened, so
that others wait; (3) lines that stay, because a later job saw them unchanged, are written as parts of that
job; (4) versions, statuses, patients and the registry of parts change in one transaction, which also marks
the commit of the job; (5) files that nothing names any more are removed. Killed before the end of (4) the
next start removes the new parts; killed after it, the next start finishes (5) and the records.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import UsageError
from claimsctl.security.access.opening import user_name
from claimsctl.security.files import write_private
from claimsctl.store.database import Notify, bring_up_to_date, open_store
from claimsctl.store.headers import files
from claimsctl.store.leaving import find_others
from claimsctl.store.lifecycle import SAME_CLAIM, Origin, transition
from claimsctl.store.remains import ROLLED_BACK, Remains, clear_up
from claimsctl.store.rescoring import count_restored, restore_risks
from claimsctl.store.schema import KEY
from claimsctl.store.totals import renew_totals
from claimsctl.store.workspace import ROLLBACK_FILE, Workspace

if TYPE_CHECKING:
    import duckdb

_KEYS: Final = ", ".join(KEY)
_OURS: Final = "('INVALID', 'VALIDATED', 'READY_FOR_SUBMISSION')"
"""Statuses of claims that nobody outside has seen."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback does. `claims` are versions that go, with so many `lines`; of their claims so many
    have another version come into force (`restored`), are and stay `deleted` in another version, had been
    `replaced_since` by later jobs, whose versions stay, or are in no version any more (`removed`).

    `kept` versions were seen unchanged by later jobs (`kept_for`) and become theirs. `statuses` of claims of
    other jobs that the job judged anew are set back, and the denial risks of claims of other jobs that it
    scored anew (`risks`). `repeated`: it was rolled back before.
    """

    claims: int = 0
    lines: int = 0
    restored: int = 0
    deleted: int = 0
    replaced_since: int = 0
    removed: int = 0
    kept: int = 0
    kept_for: tuple[str, ...] = ()
    statuses: int = 0
    risks: int = 0
    patients: int = 0
    repeated: bool = False


def plan_rollback(workspace: Workspace, job_id: str, *, notify: Notify | None = None) -> RolledBack:
    """What a rollback would do now; changes nothing but the version of an older store.

    UsageError where claims of the job have gone on to a payer.
    """
    if not bring_up_to_date(workspace, notify=notify):
        return RolledBack()
    with open_store(workspace, write=False, notify=notify) as connection:
        if _before(connection, job_id) is not None:
            return RolledBack(repeated=True)
        return _Rollback(connection, workspace, job_id).survey()


def roll_back(workspace: Workspace, job_id: str, by_job: str, *, notify: Notify | None = None) -> RolledBack:
    """Take back what a job added. `by_job` is the job that does so; a second rollback does nothing.

    Raises StoreError, and UsageError as `plan_rollback`; after any error `settle_rollback` finishes or undoes
    what was begun.
    """
    tmp = workspace.tmp_directory(by_job)
    intent: dict[str, object] = {"job": job_id, "targets": []}
    write_private(tmp / ROLLBACK_FILE, json.dumps(intent).encode())
    bring_up_to_date(workspace, notify=notify)
    with open_store(workspace, write=True, notify=notify) as connection:
        before = _before(connection, job_id)
        if before is not None:
            return RolledBack(repeated=True)
        connection.execute("BEGIN")
        rollback = _Rollback(connection, workspace, job_id)
        result = rollback.survey()
        intent["targets"] = list(result.kept_for)
        write_private(tmp / ROLLBACK_FILE, json.dumps(intent).encode())
        result = rollback.carry_out(result, by_job, tmp)
        connection.execute("COMMIT")
        clear_up(connection, workspace, job_id, result.kept_for)
    return result


def _before(connection: duckdb.DuckDBPyConnection, job_id: str) -> dict[str, Any] | None:
    """What an earlier rollback of the job did; UsageError for a job that stored nothing."""
    row = connection.execute("SELECT result FROM commits WHERE job_id = ?", [job_id]).fetchone()
    if row is None:
        raise UsageError(f"Job {job_id} stored nothing; there is nothing to roll back.")
    found: dict[str, Any] | None = json.loads(row[0]).get("rolled_back")
    return found


@dataclass
class _Rollback:
    connection: duckdb.DuckDBPyConnection
    workspace: Workspace
    job_id: str

    def survey(self) -> RolledBack:
        """Make the tables of what goes, what comes back and what stays; the numbers of it."""
        run = self.connection.execute
        run("CREATE TEMP TABLE mine AS SELECT * FROM claims WHERE job_id = $job", {"job": self.job_id})
        self._find_sightings()
        run("CREATE TEMP TABLE going AS SELECT * FROM mine ANTI JOIN staying USING (claim_id, version)")
        self._refuse_submitted()
        find_others(self.connection)
        run(
            f"""
            CREATE TEMP TABLE judged AS
            SELECT h.practice_id, h.claim_number, h.payer_sequence, h.version,
                h.to_status AS from_status, h.from_status AS to_status
            FROM claim_status_history h JOIN claims c
              ON {SAME_CLAIM.format(a="c", b="h")} AND c.version = h.version
            WHERE h.job_id = $job AND h.action = 'run' AND h.from_status <> h.to_status
              AND c.job_id <> $job AND c.is_current AND c.status = h.to_status
              AND NOT EXISTS (
                SELECT 1 FROM claim_status_history l WHERE {SAME_CLAIM.format(a="l", b="h")}
                AND l.version = h.version AND l.changed_at > h.changed_at)
            """,
            {"job": self.job_id},
        )
        replaced = self._number(
            f"SELECT count(*) FROM going g WHERE NOT g.is_current AND EXISTS (SELECT 1 FROM claims c "
            f"WHERE c.is_current AND {SAME_CLAIM.format(a='c', b='g')} AND c.version > g.version)"
        )
        jobs = run("SELECT DISTINCT job FROM staying ORDER BY job").fetchall()
        return RolledBack(
            claims=self._number("SELECT count(*) FROM going"),
            lines=self._number("SELECT coalesce(sum(line_count), 0) FROM going"),
            restored=self._number("SELECT count(*) FROM returning_"),
            deleted=self._number(
                f"SELECT count(DISTINCT ({_KEYS})) FROM others d WHERE d.deleted_at IS NOT NULL "
                f"AND NOT EXISTS (SELECT 1 FROM others o WHERE o.is_current "
                f"AND {SAME_CLAIM.format(a='o', b='d')}) "
                f"AND NOT EXISTS (SELECT 1 FROM returning_ r WHERE {SAME_CLAIM.format(a='r', b='d')})"
            ),
            replaced_since=replaced,
            removed=self._number(
                f"SELECT count(DISTINCT ({_KEYS})) FROM going g WHERE NOT EXISTS ("
                f"SELECT 1 FROM others o WHERE {SAME_CLAIM.format(a='o', b='g')})"
            ),
            kept=self._number("SELECT count(*) FROM staying"),
            kept_for=tuple(str(job) for (job,) in jobs),
            statuses=self._number("SELECT count(*) FROM judged"),
            risks=count_restored(self.connection, self.workspace, self.job_id),
            patients=self._number(
                "SELECT count(DISTINCT patient_key) FROM patients p "
                f"WHERE (job_id = $job OR job_id IN ({ROLLED_BACK})) AND NOT EXISTS ("
                "SELECT 1 FROM claims c ANTI JOIN going USING (claim_id, version) "
                "WHERE c.patient_key = p.patient_key)"
            ),
        )

    def _find_sightings(self) -> None:
        """`staying`: versions of the job that another job saw too, with the first such job."""
        self.connection.execute("CREATE TEMP TABLE staying (claim_id UBIGINT, version INTEGER, job VARCHAR)")
        jobs = self.connection.execute("SELECT job_id, result FROM commits WHERE job_id <> ?", [self.job_id])
        lists = [
            path
            for job, result in jobs.fetchall()
            if "rolled_back" not in json.loads(result)
            and (path := self.workspace.claim_ids_file(str(job))).exists()
        ]
        if not lists:
            return
        seen = f"SELECT * FROM read_parquet({files(lists)}, union_by_name = true, filename = true)"
        known = {row[0] for row in self.connection.execute(f"DESCRIBE {seen}").fetchall()}
        # Lists of older versions do not say which version a job saw: the one before it is meant.
        version = "s.version" if "version" in known else "NULL"
        self.connection.execute(
            f"""
            INSERT INTO staying
            SELECT m.claim_id, m.version, min(parse_filename(parse_dirpath(s.filename))) AS job
            FROM ({seen}) s JOIN mine m USING (claim_id)
            WHERE coalesce({version} = m.version, parse_filename(parse_dirpath(s.filename)) > m.job_id
                AND m.is_current)
            GROUP BY ALL
            """
        )

    def _refuse_submitted(self) -> None:
        rows = self.connection.execute(
            f"SELECT status, count(*) FROM going WHERE status NOT IN {_OURS} AND deleted_at IS NULL "
            "GROUP BY status ORDER BY status"
        ).fetchall()
        if rows:
            told = ", ".join(f"{count:,} {status}" for status, count in rows)
            raise UsageError(
                f"Claims of job {self.job_id} have gone on since: {told}.",
                hint="A rollback would lose that; take out the others with `claimsctl claims delete`.",
            )

    def carry_out(self, result: RolledBack, by_job: str, tmp: Path) -> RolledBack:
        """Make the changes, in the transaction at hand."""
        run, note = self.connection.execute, f"job {self.job_id} was rolled back"
        change = f"CREATE TEMP VIEW {{}} AS SELECT {_KEYS}, version, {{}} AS from_status, {{}} AS to_status, "
        change += f"'{note}' AS note, NULL::VARCHAR AS payer_reference FROM {{}}"
        there = "CASE WHEN deleted_at IS NULL THEN status END"
        run(change.format("leaves", there, "NULL::VARCHAR", "going"))
        run(change.format("stay_deleted", "NULL::VARCHAR", "NULL::VARCHAR", "deleted_with"))
        run(change.format("set_back", "from_status", "to_status", "judged"))
        run(
            f"CREATE TEMP TABLE back AS SELECT c.practice_id, c.claim_number, c.payer_sequence, c.version, "
            f"NULL::VARCHAR AS from_status, c.status AS to_status, '{note}' AS note, "
            f"NULL::VARCHAR AS payer_reference FROM claims c JOIN returning_ r "
            f"ON {SAME_CLAIM.format(a='c', b='r')} AND c.version = r.version"
        )
        transition(self.connection, "leaves", Origin.now("rollback", user_name(), by_job))
        transition(self.connection, "set_back", Origin.now("rollback", user_name(), by_job))
        transition(self.connection, "stay_deleted", Origin.now("rollback", user_name(), by_job))
        # Since when it is deleted: a patient's claims are known by that, and it is kept so long.
        run(
            "UPDATE claims SET deleted_at = x.deleted_at FROM deleted_with x "
            f"WHERE claims.version = x.version AND {SAME_CLAIM.format(a='claims', b='x')}"
        )
        run(
            "DELETE FROM claims USING going g WHERE claims.claim_id = g.claim_id "
            "AND claims.version = g.version AND claims.job_id = g.job_id"
        )
        transition(self.connection, "back", Origin.now("rollback", user_name(), by_job))
        restore_risks(self.connection, self.workspace, self.job_id)
        remains = Remains(self.connection, self.workspace, self.job_id, tmp)
        remains.move_lines()
        remains.keep_patients()
        for job in (self.job_id, *result.kept_for):  # lines went from the one to the others
            renew_totals(self.connection, self.workspace, job)
        row = run("SELECT result FROM commits WHERE job_id = ?", [self.job_id]).fetchone()
        assert row is not None
        marked = {**json.loads(row[0]), "rolled_back": {"by": by_job, **asdict(result)}}
        run("UPDATE commits SET result = ? WHERE job_id = ?", [json.dumps(marked), self.job_id])
        return result

    def _number(self, query: str) -> int:
        named = {"job": self.job_id} if "$job" in query else {}
        row = self.connection.execute(query, named).fetchone()
        return int(row[0]) if row is not None else 0
