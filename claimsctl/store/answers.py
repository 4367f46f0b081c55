"""What payers answered becomes part of the store: all answers of a job or none, once.

A claim is found by its number, else by the number that the payer gave it. One that the store does not have
becomes a claim of which only the status is known (`origin` STATUS_ONLY): it has no lines, and neither rules
nor `--duplicates` take notice of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.security.access.opening import user_name
from claimsctl.store.database import MEMORY, Notify, open_store
from claimsctl.store.headers import files
from claimsctl.store.lifecycle import SAME_CLAIM, Origin, transition
from claimsctl.store.schema import KEY, NUMBER_HASH, STATUS_ONLY
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_AMOUNT: Final = pl.Decimal(14, 2)

_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "key": pl.Int64, "practice_id": pl.String, "claim_number": pl.String, "payer_sequence": pl.String,
    "known_claim_number": pl.String, "known_payer_number": pl.String, "asked_at": pl.Datetime("us"),
    "route": pl.String, "payer_id": pl.String, "outcome": pl.String, "status": pl.String,
    "category_code": pl.String, "category_text": pl.String, "status_code": pl.String,
    "status_text": pl.String, "entity_code": pl.String, "payer_claim_number": pl.String,
    "charge_amount": _AMOUNT, "allowed_amount": _AMOUNT, "paid_amount": _AMOUNT,
    "patient_responsibility_amount": _AMOUNT, "processed_date": pl.Date, "effective_date": pl.Date,
    "paid_date": pl.Date, "check_number": pl.String, "payment_method": pl.String,
    "adjustments": pl.String, "flags": pl.String, "matches": pl.Int32, "partial": pl.Boolean,
    "error_type": pl.String, "error_code": pl.String, "trace_id": pl.String, "raw": pl.String,
    "service_from": pl.Date, "service_to": pl.Date, "charged": _AMOUNT, "asked_payer": pl.String,
    "asked": pl.Binary,
}  # fmt: skip
ANSWER: Final = pl.Schema(_COLUMNS)
"""An answer, by the claim that was asked about: `known_...` are numbers that the payer told, `asked` the
sealed question, `service_from`, `service_to`, `charged` and `asked_payer` what the question says."""

_KEPT: Final = tuple(
    name for name in ANSWER
    if name not in ("key", *KEY, "known_claim_number", "known_payer_number", "service_from", "service_to",
                    "charged", "asked_payer", "asked")
)  # fmt: skip
_LITTLE: Final = "32MB"
"""Answers are few beside claims, and asking needs little itself: the rest goes to the scratch directory."""
_OPEN_ENDED: Final = (
    "VALIDATED", "READY_FOR_SUBMISSION", "SUBMITTED", "PENDING", "ACTION_REQUIRED", "NOT_FOUND", "UNKNOWN",
)  # fmt: skip
"""A payer that does not find a claim, or says what nobody understands, changes these only: what was paid
once does not cease to be by being archived."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What answers changed: so many claims of the store were `found`, `new` ones have only a status; of so
    many the status `changed`. `unnamed` answers belong to no claim that has a number."""

    found: int = 0
    new: int = 0
    changed: int = 0
    unnamed: int = 0
    repeated: bool = False


def commit_answers(
    workspace: Workspace, job_id: str, parts: Sequence[Path], notify: Notify | None = None
) -> Stored:
    """Store the answers of a job from Parquet files with the columns ANSWER; a second call does nothing.

    Raises StoreError; nothing has changed then.
    """
    if not parts:
        return Stored()
    with open_store(workspace, write=True, notify=notify) as connection:
        connection.execute("SET threads = 1")  # it is short, and each thread holds buffers
        row = connection.execute("SELECT count(*) FROM claim_answers WHERE job_id = ?", [job_id]).fetchone()
        if row is not None and row[0]:
            return Stored(repeated=True)
        return _within(connection, _LITTLE, job_id, parts) or _store(connection, MEMORY, job_id, parts)


def _within(
    connection: duckdb.DuckDBPyConnection, memory: str, job_id: str, parts: Sequence[Path]
) -> Stored | None:
    """Store them with little memory; None where it is not enough, and nothing has changed then."""
    from claimsctl.store.engine import duckdb

    try:
        return _store(connection, memory, job_id, parts)
    except duckdb.OutOfMemoryException:
        with suppress(duckdb.TransactionException):  # the commit itself has ended it
            connection.execute("ROLLBACK")
        return None


def _store(connection: duckdb.DuckDBPyConnection, memory: str, job_id: str, parts: Sequence[Path]) -> Stored:
    connection.execute("BEGIN")
    connection.execute(f"SET memory_limit = '{memory}'")
    stored = _Answers(connection, job_id).store(parts)
    connection.execute("COMMIT")
    return stored


@dataclass
class _Answers:
    connection: duckdb.DuckDBPyConnection
    job_id: str

    def store(self, parts: Sequence[Path]) -> Stored:
        self.connection.execute(f"CREATE TEMP VIEW said AS SELECT * FROM read_parquet({files(parts)})")
        self._find()
        new = self._add_headers()
        self._keep()
        changed = self._change()
        found = self._number("SELECT count(DISTINCT key) FROM met WHERE NOT is_new")
        unnamed = self._number("SELECT count(*) FROM said WHERE key NOT IN (SELECT key FROM met)")
        return Stored(found, new, changed, unnamed)

    def _find(self) -> None:
        """The claim of the store that each answer is about: `met`, by the best way it was found."""
        self.connection.execute(
            f"""
            CREATE TEMP TABLE met AS
            WITH tried AS (
                SELECT key, practice_id, payer_sequence, claim_number AS number, 1 AS rank FROM said
                UNION ALL
                SELECT key, practice_id, payer_sequence, known_claim_number, 2 FROM said
                WHERE claim_number IS NULL
            ), by_number AS (
                SELECT t.key, t.rank, c.rowid AS place
                FROM tried t JOIN claims c ON c.number_hash = {NUMBER_HASH.format("t.number")}
                  AND upper(c.claim_number) = upper(t.number) AND c.practice_id = t.practice_id
                  AND coalesce(c.payer_sequence, 'P') = coalesce(t.payer_sequence, 'P')
                WHERE c.is_current
            ), by_payers AS (
                -- Not `IN (one, other)`: DuckDB would hold each answer against every claim.
                SELECT key, practice_id, claim_number AS number FROM said
                UNION SELECT key, practice_id, known_payer_number FROM said
            ), by_payer AS (
                SELECT b.key, 3 AS rank, c.rowid AS place
                FROM by_payers b JOIN claims c
                  ON c.payer_claim_number = b.number AND c.practice_id = b.practice_id
                WHERE c.is_current AND b.key NOT IN (SELECT key FROM by_number)
            )
            SELECT key, arg_min(place, rank) AS place, false AS is_new
            FROM (SELECT * FROM by_number UNION ALL SELECT * FROM by_payer) GROUP BY key
            """
        )

    def _add_headers(self) -> int:
        """Claims that only their payer told of, one for each number; none for errors."""
        self.connection.execute(
            f"""
            CREATE TEMP TABLE headers AS
            WITH named AS (
                SELECT *, coalesce(claim_number, known_claim_number, known_payer_number) AS number
                FROM said WHERE outcome <> 'error' AND key NOT IN (SELECT key FROM met)
            )
            SELECT DISTINCT ON (practice_id, upper(number), coalesce(payer_sequence, 'P'))
                practice_id, number AS claim_number, coalesce(payer_sequence, 'P') AS payer_sequence,
                hash(practice_id, upper(number), payer_sequence, '{STATUS_ONLY}') AS claim_id,
                asked_payer, service_from, service_to, charged
            FROM named n WHERE number IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM claims c WHERE c.number_hash = {NUMBER_HASH.format("n.number")}
                  AND upper(c.claim_number) = upper(n.number) AND c.practice_id = n.practice_id
                  AND coalesce(c.payer_sequence, 'P') = coalesce(n.payer_sequence, 'P'))
            ORDER BY practice_id, upper(number), coalesce(payer_sequence, 'P'), key
            """
        )
        at = Origin.now("query", user_name(), self.job_id).at.replace(tzinfo=None)
        self.connection.execute(
            f"""
            INSERT INTO claims BY NAME
            SELECT {", ".join(KEY)}, claim_id, 1 AS version, true AS is_current, 'UNKNOWN' AS status,
                $job AS job_id, asked_payer AS payer_id, service_from, service_to, 0 AS line_count,
                charged::DECIMAL(12, 2) AS charge_total, $at AS recorded_at,
                {NUMBER_HASH.format("claim_number")} AS number_hash, '{STATUS_ONLY}' AS origin
            FROM headers
            """,
            {"job": self.job_id, "at": at},
        )
        self.connection.execute(
            f"""
            INSERT INTO met
            SELECT s.key, any_value(c.rowid), true FROM said s JOIN claims c
              ON upper(c.claim_number) = upper(coalesce(s.claim_number, s.known_claim_number,
                                                        s.known_payer_number))
              AND c.practice_id = s.practice_id
              AND c.payer_sequence = coalesce(s.payer_sequence, 'P')
            WHERE c.is_current AND c.job_id = $job AND c.origin = '{STATUS_ONLY}' AND s.outcome <> 'error'
              AND s.key NOT IN (SELECT key FROM met) GROUP BY s.key
            """,
            {"job": self.job_id},
        )
        return self._number("SELECT count(*) FROM headers")

    def _change(self) -> int:
        """Statuses and history, through the lifecycle; of several answers about a claim the best counts."""
        openly = ", ".join(f"'{status}'" for status in _OPEN_ENDED)
        self.connection.execute(
            f"""
            CREATE TEMP TABLE changes AS
            WITH best AS (
                SELECT DISTINCT ON (m.place) m.place, m.is_new, s.key, s.outcome, s.status, s.category_code,
                    s.status_code, s.known_payer_number, s.asked_at, s.allowed_amount, s.paid_amount
                FROM met m JOIN said s USING (key) WHERE s.outcome <> 'error'
                ORDER BY m.place, (s.outcome = 'found') DESC, s.key
            )
            SELECT c.practice_id, c.claim_number, c.payer_sequence, c.version,
                CASE WHEN NOT b.is_new THEN c.status END AS from_status,
                CASE WHEN b.outcome = 'found' AND b.status <> 'UNKNOWN' OR c.status IN ({openly})
                    THEN b.status ELSE c.status END AS to_status,
                nullif(concat_ws(' ', b.category_code, b.status_code), '') AS note,
                b.known_payer_number AS payer_reference, b.is_new, b.asked_at AS asked_at_,
                b.allowed_amount, b.paid_amount
            FROM best b JOIN claims c ON c.rowid = b.place
            """
        )
        origin = Origin.now("query", user_name(), self.job_id)
        self.connection.execute(
            f"""
            UPDATE claims SET queried_at = x.asked_at_,
                payer_claim_number = coalesce(x.payer_reference, claims.payer_claim_number),
                allowed_amount = coalesce(x.allowed_amount::DECIMAL(12, 2), claims.allowed_amount),
                paid_amount = coalesce(x.paid_amount::DECIMAL(12, 2), claims.paid_amount)
            FROM changes x WHERE claims.version = x.version AND {SAME_CLAIM.format(a="claims", b="x")}
            """
        )
        transition(self.connection, "changes", origin)
        return self._number("SELECT count(*) FROM changes WHERE from_status IS DISTINCT FROM to_status")

    def _keep(self) -> None:
        """The answers themselves, by the key of their claim; the question only where no lines say it."""
        self.connection.execute(
            f"""
            INSERT INTO claim_answers BY NAME
            SELECT {", ".join(f"c.{name}" for name in KEY)}, c.number_hash, $job AS job_id,
                {", ".join(f"s.{name}" for name in _KEPT)},
                CASE WHEN c.origin = '{STATUS_ONLY}' THEN s.asked END AS asked
            FROM said s JOIN met m USING (key) JOIN claims c ON c.rowid = m.place
            """,
            {"job": self.job_id},
        )

    def _number(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0
