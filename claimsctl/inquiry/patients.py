"""The patients of stored claims: listing them, and taking them out with all their claims and putting back.

Which patients are deleted stands in the table `meta` of the store. Their claims are deleted at the same
moment, by which a restore knows them from claims that were deleted by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from claimsctl.claim import BY_NAME
from claimsctl.errors import UsageError
from claimsctl.inquiry.opening import reading
from claimsctl.inquiry.people import patients_named
from claimsctl.inquiry.scope import scope_of
from claimsctl.requiring import require
from claimsctl.security import audit
from claimsctl.security.access.opening import user_name
from claimsctl.security.masking import mask_value
from claimsctl.store.database import Notify, open_store
from claimsctl.store.headers import quoted
from claimsctl.store.lifecycle import DELETED, SAME_CLAIM, Origin, transition
from claimsctl.store.schema import DELETED_PATIENT, KEY

if TYPE_CHECKING:
    from uuid import UUID

    import duckdb

    from claimsctl.store.workspace import Workspace

SHOWN: Final = ("patient_last_name", "patient_first_name", "member_id")
SHORT: Final = 12
"""Digits of a patient key that people see; so many tell patients apart."""
_LEAST: Final = 8
_NOTE: Final = "the patient was deleted"


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient. `patient_key` is 32 hex digits; `names` are masked unless asked for; `claims` are in force,
    `last_service` is of them; `deleted_at` (UTC) is None for one that is not deleted."""

    patient_key: str
    practice_id: str
    names: dict[str, str]
    claims: int
    last_service: date | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class PatientChange:
    """A patient that was deleted or restored, with how many claims; `came_again` stay as they came since."""

    patient_key: str
    claims: int
    came_again: int = 0


def list_patients(
    workspace: Workspace,
    *,
    search: str | None = None,
    practice: str | None = None,
    deleted: bool = False,
    limit: int | None = 50,
    page: int = 1,
    show_phi: bool = False,
    notify: Notify | None = None,
) -> tuple[list[Patient], int]:
    """A page of the patients with claims in force, or of the deleted ones, and how many there are in all.

    The latest service comes first. `search` is a name, a member id, an SSN, or how a patient key begins.
    """
    scope = scope_of(workspace)
    require(workspace, "identifiers" if show_phi else "claims", practice=practice)
    values: list[Any] = []

    def put(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    with workspace.scratch() as scratch, reading(workspace, notify) as connection:
        gone = _deleted(connection)
        terms = ["patient_key IS NOT NULL", *scope.terms(put)]
        terms.append(f"patient_key IN {_all(list(gone), put)}" if deleted else "is_current")
        if practice is not None:
            terms.append(f"practice_id = {put(practice)}")
        if search is not None:
            terms.append(f"patient_key IN {_all(_named(search, connection, workspace), put)}")
        found = connection.execute(
            "SELECT patient_key, practice_id, (count(*) FILTER (is_current))::BIGINT AS claims, "
            "max(service_to) FILTER (is_current) AS last_service, (count(*) OVER ())::BIGINT AS total "
            f"FROM claims WHERE {' AND '.join(terms)} GROUP BY patient_key, practice_id "
            "ORDER BY last_service DESC NULLS LAST, patient_key "
            + ("" if limit is None else f"LIMIT {limit} OFFSET {(page - 1) * limit}"),
            values,
        ).fetchall()
        names = _names([row[0] for row in found], connection, workspace, scratch)
    shown = [
        Patient(
            key.hex, owner, _as_seen(names.get(key.hex, {}), plain=show_phi), claims, last,
            max(gone.get(key, ()), default=None),
        )
        for key, owner, claims, last, _ in found
    ]  # fmt: skip
    return shown, found[0][4] if found else 0


def delete_patients(
    workspace: Workspace,
    named: Sequence[str],
    *,
    practice: str | None = None,
    notify: Notify | None = None,
) -> list[PatientChange]:
    """Take patients and all their claims out of lists, counts and comparisons, all or none.

    Each is named by a name, member id or SSN, or by how its key begins; UsageError where that means nobody
    or several. They can be restored until `jobs prune` removes them after `retention_days`.
    """
    origin = Origin.now("delete", user_name())
    at = origin.at.replace(tzinfo=None)

    def delete(key: UUID, connection: duckdb.DuckDBPyConnection) -> PatientChange:
        count = _changes(connection, "c.is_current", [], key, before="c.status", after="NULL", note=_NOTE)
        if not count and key in _deleted(connection):
            raise UsageError(f"The patient {key.hex[:SHORT]} is deleted already.")
        said = {"patient": key.hex, "at": at.isoformat(), "by": origin.by}
        connection.execute("INSERT INTO meta VALUES (?, ?)", [DELETED_PATIENT, json.dumps(said)])
        return PatientChange(key.hex, count)

    return _change(workspace, named, practice, origin, delete, notify)


def restore_patients(
    workspace: Workspace,
    named: Sequence[str],
    *,
    practice: str | None = None,
    notify: Notify | None = None,
) -> list[PatientChange]:
    """Put deleted patients back with the claims that were deleted with them, all or none.

    A claim that came again since stays as it came. Errors as of `delete_patients`.
    """
    origin = Origin.now("restore", user_name())

    def restore(key: UUID, connection: duckdb.DuckDBPyConnection) -> PatientChange:
        moments = _deleted(connection).get(key)
        if not moments:
            raise UsageError(
                f"The patient {key.hex[:SHORT]} is not deleted.",
                hint="`claimsctl patients list --deleted` shows those who are.",
            )
        with_them = "NOT c.is_current AND c.deleted_at IN (" + ", ".join("?" * len(moments)) + ")"
        deleted = DELETED.format(a="c")
        count = _changes(
            connection, f"{with_them} AND {deleted}", moments, key, before="NULL", after="c.status"
        )
        again = "SELECT 1 FROM claims o WHERE o.is_current AND " + SAME_CLAIM.format(a="o", b="c")
        row = connection.execute(
            f"SELECT count(DISTINCT ({', '.join(f'c.{name}' for name in KEY)})) FROM claims c "
            f"WHERE c.patient_key = ? AND {with_them} AND EXISTS ({again})",
            [key, *moments],
        ).fetchone()
        connection.execute(
            "DELETE FROM meta WHERE key = ? AND json_extract_string(value, '$.patient') = ?",
            [DELETED_PATIENT, key.hex],
        )
        return PatientChange(key.hex, count, 0 if row is None else int(row[0]))

    return _change(workspace, named, practice, origin, restore, notify)


def _change(
    workspace: Workspace,
    named: Sequence[str],
    practice: str | None,
    origin: Origin,
    change: Any,
    notify: Notify | None,
) -> list[PatientChange]:
    require(workspace, "change", practice=practice)
    if not workspace.claims_database.exists():
        raise UsageError("No claims are stored yet.", hint="Run `claimsctl process` first.")
    with open_store(workspace, write=True, notify=notify) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "CREATE TEMP TABLE changes (practice_id VARCHAR, claim_number VARCHAR, payer_sequence VARCHAR, "
            "version INTEGER, from_status VARCHAR, to_status VARCHAR, note VARCHAR, payer_reference VARCHAR)"
        )
        keys = dict.fromkeys(_the_one(text, practice, connection, workspace) for text in named)
        changed = [change(key, connection) for key in keys]
        transition(connection, "changes", origin)
        connection.execute("COMMIT")
    claims = sum(each.claims for each in changed)
    audit.record(workspace, f"patients {origin.action}", notify=notify, count=claims, patients=len(changed))
    return changed


def _changes(
    connection: duckdb.DuckDBPyConnection,
    term: str,
    values: Sequence[datetime],
    key: UUID,
    *,
    before: str,
    after: str,
    note: str | None = None,
) -> int:
    """Note the change of every claim of a patient that fits; how many there are."""
    row = connection.execute(
        "INSERT INTO changes SELECT c.practice_id, c.claim_number, c.payer_sequence, c.version, "
        f"{before}, {after}, ?, NULL FROM claims c WHERE c.patient_key = ? AND {term}",
        [note, key, *values],
    ).fetchone()
    return 0 if row is None else int(row[0])


def _the_one(
    text: str, practice: str | None, connection: duckdb.DuckDBPyConnection, workspace: Workspace
) -> UUID:
    """The patient that a text means, of those the user may see."""
    values: list[Any] = []

    def put(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    terms = scope_of(workspace).terms(put)
    if practice is not None:
        terms.append(f"practice_id = {put(practice)}")
    terms.append(f"patient_key IN {_all(_named(text, connection, workspace), put)}")
    rows = connection.execute(
        f"SELECT DISTINCT patient_key FROM claims WHERE {' AND '.join(terms)} ORDER BY ALL", values
    ).fetchall()
    if len(rows) == 1:
        found: UUID = rows[0][0]
        return found
    if not rows:
        # What was typed may be a name, so it is not repeated.
        raise UsageError("No patient of a stored claim is meant.", hint="Look: claimsctl patients list")
    keys = ", ".join(key.hex[:SHORT] for (key,) in rows[:5])
    raise UsageError(f"{len(rows)} patients are meant.", hint=f"Name one by its key, as {keys}.")


def _named(text: str, connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> list[UUID]:
    """Patients whose key begins so, else those who have that name or number."""
    start = text.strip().lower().replace("-", "")
    if not start:
        raise UsageError("No patient is named.", hint="Give a name, a member id, or how a key begins.")
    if len(start) >= _LEAST and all(c in "0123456789abcdef" for c in start):
        found = connection.execute(
            "SELECT DISTINCT patient_key FROM claims "
            "WHERE starts_with(replace(patient_key::VARCHAR, '-', ''), ?)",
            [start],
        ).fetchall()
        if found:
            return [row[0] for row in found]
    return patients_named(text, connection, workspace)


def _deleted(connection: duckdb.DuckDBPyConnection) -> dict[UUID, list[datetime]]:
    """Deleted patients, and when (UTC)."""
    from uuid import UUID

    found: dict[UUID, list[datetime]] = {}
    for (value,) in connection.execute("SELECT value FROM meta WHERE key = ?", [DELETED_PATIENT]).fetchall():
        said = json.loads(value)
        found.setdefault(UUID(said["patient"]), []).append(datetime.fromisoformat(said["at"]))
    return found


def _all(keys: Sequence[UUID], put: Any) -> str:
    return "(" + (", ".join(put(key) for key in keys) or "NULL") + ")"


def _names(
    keys: Sequence[UUID], connection: duckdb.DuckDBPyConnection, workspace: Workspace, scratch: Any
) -> dict[str, dict[str, str]]:
    """Names and member ids by patient key, unsealed."""
    if not keys:
        return {}
    from claimsctl.inquiry.unsealing import unsealed_patients

    chosen = scratch / "chosen.parquet"
    connection.execute(
        f"COPY (SELECT unnest(?::UUID[]) AS patient_key) TO {quoted(chosen)} (FORMAT parquet)",
        [[str(key) for key in keys]],
    )
    people = unsealed_patients(connection, workspace, chosen)
    return {
        str(row["patient_key"]).replace("-", ""): {name: row[name] for name in SHOWN if row[name]}
        for row in people.select("patient_key", *SHOWN).iter_rows(named=True)
    }


def _as_seen(names: dict[str, str], *, plain: bool) -> dict[str, str]:
    return names if plain else {name: mask_value(BY_NAME[name], value) for name, value in names.items()}
