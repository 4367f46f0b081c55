"""Making the claims of a run part of the store: all of them or none, once.

Order of a commit: (1) an intent in tmp/<job>/commit.json; (2) the DuckDB file is opened, so that other
runs wait; (3) line parts move to lines/<job>/; (4) headers, history, patients and the registry of parts
enter DuckDB in one transaction. Parts count only through the registry. Killed before the end of (4), the
next start removes the moved parts; killed after it, the next start finishes the job's record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.security.access.opening import user_name
from claimsctl.security.files import disk_errors, private_directory, write_private
from claimsctl.store.database import Notify, open_store
from claimsctl.store.headers import LINE_FACTS, RISK_FACTS, files, quoted, read_headers
from claimsctl.store.lifecycle import SAME_CLAIM, STAYS, Origin, transition
from claimsctl.store.placing import Placed
from claimsctl.store.recovery import is_committed
from claimsctl.store.rescoring import renew_risks
from claimsctl.store.schema import KEY, NUMBER_HASH, STATUS_ONLY
from claimsctl.store.totals import add_finding_totals, add_line_totals
from claimsctl.store.workspace import COMMIT_FILE, Workspace

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did. `repeated`: the job was committed before and nothing was done."""

    claims: int = 0
    stored: int = 0
    unchanged: int = 0
    replaced: int = 0
    lines: int = 0
    patients: int = 0
    repeated: bool = False


def commit_run(
    workspace: Workspace,
    job_id: str,
    *,
    digest_scheme: str,
    finish: Mapping[str, object] | None = None,
    notify: Notify | None = None,
    waiting: Callable[[], None] | None = None,
) -> Committed:
    """Store the claims of a run from its line parts in tmp/<job>/; a second call does nothing.

    Parts need the columns of `headers.NEEDED`; headers also take patient_key, history_key, payer_id,
    frequency_code, billing_npi, rendering_npi, service_date_from/_to, charge_amount, input and what
    `headers.line_facts` sums up, where given. Files
    `lines-N.sealed` move with their part, `patients-*.parquet` (see PatientWriter) are taken in.
    A claim whose content is stored already is not stored again; a rejected one never replaces a current
    claim that was accepted. Lines without claim_number belong to no claim. `finish` are the arguments of
    `JobStore.finish`, used when this process dies between the commit and that call. `waiting` is called
    again and again while another process has the store; it may raise.

    Raises StoreError; nothing is visible then and the parts are back in tmp/<job>/.
    """
    tmp = workspace.tmp_directory(job_id)
    sources = sorted(tmp.glob("lines-*.parquet"))
    intent = {"finish": dict(finish) if finish is not None else None}
    write_private(tmp / COMMIT_FILE, json.dumps(intent, default=str).encode())
    at = datetime.now(UTC).replace(tzinfo=None)
    placed = Placed(workspace.lines_directory(job_id), job_id)
    result, opened = Committed(), False
    try:
        with open_store(workspace, write=True, notify=notify, waiting=waiting) as connection:
            opened = True
            earlier = connection.execute("SELECT result FROM commits WHERE job_id = ?", [job_id]).fetchone()
            if earlier is not None:
                return Committed(**{**json.loads(earlier[0]), "repeated": True})
            connection.execute("BEGIN")
            result = _Commit(connection, workspace, job_id, tmp, digest_scheme, at, placed).run(sources)
            connection.execute("COMMIT")
    except BaseException:
        if opened and not _taken_back(workspace, job_id, placed):
            return result  # whatever came, it came too late: the claims are stored
        raise
    return result


def _taken_back(workspace: Workspace, job_id: str, placed: Placed) -> bool:
    """Undo a commit that failed; False when it did not fail but was disturbed after its end."""
    try:
        if is_committed(workspace, job_id):
            return False
    except StoreError:
        return True  # nobody can tell now; the parts stay where the next start looks for them
    placed.take_back()
    with suppress(OSError):
        workspace.claim_ids_file(job_id).unlink(missing_ok=True)
        workspace.risks_file(job_id).unlink(missing_ok=True)
    return True


@dataclass
class _Commit:
    connection: duckdb.DuckDBPyConnection
    workspace: Workspace
    job_id: str
    tmp: Path
    scheme: str
    at: datetime
    placed: Placed
    found: set[str] = field(default_factory=set)

    def run(self, sources: list[Path]) -> Committed:
        patients = self._add_patients()
        result = Committed(patients=patients)
        if sources:
            self.found = read_headers(self.connection, sources)
            self._require_patients()
            self._compare()
            self._sum_up()  # while the parts are where the view looks for them
            self._place(sources)
            result = Committed(
                claims=self._number("SELECT count(*) FROM headers"),
                stored=self._number("SELECT count(*) FROM headers WHERE NOT same"),
                unchanged=self._number("SELECT count(*) FROM headers WHERE same"),
                replaced=self._number(
                    "SELECT count(*) FROM headers WHERE NOT same AND takes_over AND before_status IS NOT NULL"
                ),
                lines=sum(rows for _, _, rows in self.placed.parts),
                patients=patients,
            )
            self._insert()
            self._keep_ids()
        self.connection.execute(
            "INSERT INTO commits VALUES (?, ?, ?)", [self.job_id, self.at, json.dumps(asdict(result))]
        )
        return result

    def _number(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0

    def _require_patients(self) -> None:
        """A run seals only patients it did not find stored; a rollback may have taken those out since."""
        rolled_back = "SELECT count(*) FROM commits WHERE result LIKE '%rolled_back%'"
        if self._number(rolled_back) and self._number(
            "SELECT count(*) FROM read r WHERE patient_key IS NOT NULL AND NOT EXISTS ("
            "SELECT 1 FROM patients p WHERE p.patient_key = r.patient_key)"
        ):
            raise StoreError(
                "Patients of this run were taken out by the rollback of another job while it ran.",
                hint="Run the same command again.",
            )

    def _compare(self) -> None:
        """What each claim meets in the store, and what becomes of it.

        By a hash of the number first, then by the whole key, then the rows: a fraction of one join by key.
        """
        self.connection.execute(f"""
            CREATE TEMP TABLE known AS
            WITH numbered AS MATERIALIZED (
                SELECT rowid AS place, {", ".join(KEY)} FROM claims
                WHERE number_hash IN (SELECT {NUMBER_HASH.format("claim_number")} FROM read)
            )
            SELECT * FROM claims WHERE rowid IN (
                SELECT c.place FROM numbered c
                WHERE EXISTS (SELECT 1 FROM read h WHERE {SAME_CLAIM.format(a="c", b="h")}))
        """)
        self.connection.execute(
            f"""
            CREATE TEMP TABLE headers AS
            WITH top AS (
                SELECT practice_id, claim_number, payer_sequence, max(version) AS version
                FROM known GROUP BY ALL
            ), met AS (
                SELECT h.claim_id, coalesce(max(k.version) FILTER (k.is_current), max(k.version)) AS version,
                    bool_or(k.is_current) AS in_force
                FROM read h JOIN known k ON {SAME_CLAIM.format(a="h", b="k")}
                WHERE k.digest = h.digest AND k.digest_scheme = $scheme
                  AND (k.is_current OR (h.rejected AND k.status = 'INVALID' AND k.deleted_at IS NULL))
                GROUP BY h.claim_id
            )
            SELECT h.*, CASE WHEN h.rejected THEN 'INVALID' WHEN now.origin = '{STATUS_ONLY}' THEN now.status
                    ELSE 'VALIDATED' END AS status,
                now.queried_at, now.payer_claim_number,
                coalesce(top.version, 0) + 1 AS version, now.status AS before_status,
                now.version AS before_version,
                -- Beside an accepted version the same mistake is stored once. Where none is in force, or a
                -- rejected one, the claim as it came now is to be in force.
                (met.claim_id IS NOT NULL AND coalesce(met.in_force OR now.status <> 'INVALID', false))
                    OR coalesce(h.flagged AND now.digest_scheme <> $scheme, false) AS same,
                coalesce(NOT h.rejected OR now.status IS NULL OR now.status = 'INVALID', true) AS takes_over,
                coalesce(now.digest = h.digest AND now.digest_scheme = $scheme, false)
                    OR coalesce(h.flagged AND now.digest_scheme <> $scheme, false) AS same_as_current,
                coalesce(now.digest_scheme <> $scheme, false) AS other_scheme,
                CASE WHEN same THEN coalesce(met.version, now.version) ELSE coalesce(top.version, 0) + 1 END
                    AS seen_version
            FROM read h LEFT JOIN met USING (claim_id)
            LEFT JOIN top ON {SAME_CLAIM.format(a="h", b="top")}
            LEFT JOIN known now ON now.is_current AND {SAME_CLAIM.format(a="h", b="now")}
            """,
            {"scheme": self.scheme},
        )

    def _sum_up(self) -> None:
        """Totals of what this job stores, for `claims stats`."""
        self.connection.execute("CREATE TEMP VIEW new AS SELECT claim_id FROM headers WHERE NOT same")
        add_line_totals(self.connection, self.job_id, "parts", "new", self.found)
        findings = self.workspace.findings_file(self.job_id)
        if findings.exists():
            relation = f"read_parquet({files([findings])})"
            add_finding_totals(self.connection, self.job_id, relation, "new")

    def _place(self, sources: list[Path]) -> None:
        """Move parts to lines/<job>/, without the lines of claims that are stored already."""
        same = self._number("SELECT count(*) FROM headers WHERE same")
        everything = self._number("SELECT count(*) FROM headers WHERE NOT same") == 0
        stored = pl.Series("claim_id", [], dtype=pl.UInt64)
        if same and not everything:
            listed = self.tmp / "stored.parquet"
            self.connection.execute(
                f"COPY (SELECT claim_id FROM headers WHERE same) TO {quoted(listed)} (FORMAT parquet)"
            )
            stored = pl.read_parquet(listed)["claim_id"]
        if everything:
            return
        self.placed.place(sources, stored)

    def _insert(self) -> None:
        run, job, at = self.connection.execute, self.job_id, self.at
        run(
            f"""
            UPDATE claims SET is_current = false FROM headers h
            WHERE claims.is_current AND NOT h.same AND h.takes_over AND h.before_status IS NOT NULL
              AND {SAME_CLAIM.format(a="claims", b="h")}
            """
        )
        run(
            f"""
            INSERT INTO claims BY NAME SELECT {", ".join(KEY)}, claim_id, version, takes_over AS is_current,
                status, $job AS job_id, patient_key, payer_id, frequency, billing_npi, rendering_npi,
                service_from, service_to, line_count, charge_total, digest, $scheme AS digest_scheme, input,
                $at AS recorded_at, history_key, {", ".join((*LINE_FACTS, *RISK_FACTS))}, held,
                {NUMBER_HASH.format("claim_number")} AS number_hash, queried_at, payer_claim_number
            FROM headers WHERE NOT same
            """,
            {"job": job, "scheme": self.scheme, "at": at},
        )
        self._write_history()
        run(
            f"""
            UPDATE claims SET digest = h.digest, digest_scheme = $scheme FROM headers h
            WHERE claims.is_current AND h.same AND h.other_scheme AND {SAME_CLAIM.format(a="claims", b="h")}
            """,
            {"scheme": self.scheme},
        )
        # Claims of a store that kept no key get it when their file is run again.
        run(
            f"""
            UPDATE claims SET history_key = h.history_key FROM headers h
            WHERE claims.is_current AND claims.history_key IS NULL AND h.history_key IS NOT NULL AND h.same
              AND h.same_as_current AND {SAME_CLAIM.format(a="claims", b="h")}
            """
        )
        if "denial_risk" in self.found:
            renew_risks(self.connection, self.workspace, job)
        for part in self.placed.parts:
            run("INSERT INTO job_parts VALUES (?, ?, ?, ?)", [job, *part])

    def _write_history(self) -> None:
        """Every new version, and the verdict of today where rules have changed since."""
        change = "CREATE TEMP VIEW {} AS SELECT " + ", ".join(KEY) + ", {}, before_status AS from_status, "
        change += "status AS to_status, {}::VARCHAR AS note, NULL::VARCHAR AS payer_reference FROM headers "
        stays = "CASE WHEN NOT takes_over THEN '" + STAYS + "' END"
        judged = "WHERE same_as_current AND before_status IN ('VALIDATED', 'INVALID') "
        judged += "AND before_status <> status"
        self.connection.execute(change.format("new_versions", "version", stays) + "WHERE NOT same")
        self.connection.execute(change.format("judged", "before_version AS version", "NULL") + judged)
        origin = Origin("run", user_name(), self.at.replace(tzinfo=UTC), self.job_id)
        transition(self.connection, "new_versions", origin, stored=True)
        transition(self.connection, "judged", origin)

    def _keep_ids(self) -> None:
        """The claims of the job, with the version that it stored or found unchanged; readable without opening
        the store."""
        target = self.workspace.claim_ids_file(self.job_id)
        private_directory(target.parent)
        aside = target.with_suffix(".aside")
        self.connection.execute(
            "COPY (SELECT claim_id, seen_version AS version FROM headers ORDER BY claim_id) "
            f"TO {quoted(aside)} (FORMAT parquet, COMPRESSION zstd)"
        )
        with disk_errors(target, "write"):
            aside.replace(target)

    def _add_patients(self) -> int:
        sources = sorted(self.tmp.glob("patients-*.parquet"))
        if not sources:
            return 0
        targets = self.placed.place_patients(sources)
        before = self._number("SELECT count(*) FROM patients")
        self.connection.execute(
            f"""
            INSERT INTO patients
            WITH new AS (
                SELECT DISTINCT ON (patient_key) patient_key::UUID AS patient_key, practice_id, record_hash,
                    member_hash, name_hash, ssn_hash, parse_filename(filename) AS file
                FROM read_parquet({files(targets)}, filename = true) n
                WHERE NOT EXISTS (
                    SELECT 1 FROM patients p
                    WHERE p.patient_key = n.patient_key::UUID AND p.record_hash = n.record_hash)
            ), top AS (
                SELECT patient_key, max(version) AS version FROM patients
                WHERE patient_key IN (SELECT patient_key FROM new) GROUP BY ALL
            )
            SELECT new.patient_key, coalesce(top.version, 0) + 1, new.practice_id, new.record_hash,
                new.member_hash, new.name_hash, new.ssn_hash, $job, 'lines/' || $job || '/' || new.file
            FROM new LEFT JOIN top USING (patient_key)
            """,
            {"job": self.job_id},
        )
        return self._number("SELECT count(*) FROM patients") - before
