"""What staff change by hand: a status they learned by phone, claims taken out and put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimsctl.errors import UsageError
from claimsctl.inquiry.finding import Named, versions_of
from claimsctl.inquiry.notes import sealed_note
from claimsctl.inquiry.places import CLAIMS, places_of
from claimsctl.requiring import require
from claimsctl.security import audit
from claimsctl.security.access.opening import user_name
from claimsctl.store.database import Notify, open_store
from claimsctl.store.lifecycle import CHANGE_COLUMNS, Action, Origin, check_set, transition
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Changed:
    """A claim that was changed; None stands for not being there."""

    claim_number: str
    from_status: str | None
    to_status: str | None


def set_status(
    workspace: Workspace,
    named: Named,
    status: str,
    *,
    note: str | None = None,
    payer_reference: str | None = None,
    notify: Notify | None = None,
) -> Changed:
    """Give a claim the status that staff learned; UsageError where it cannot have it."""

    def change(versions: list[dict[str, Any]]) -> tuple[dict[str, Any], str | None, str | None]:
        claim = versions[0]
        if not claim["is_current"]:
            raise UsageError(
                f"The claim {claim['claim_number']} was deleted; its status stays as it is.",
                hint="Bring it back first: claimsctl claims restore",
            )
        after = check_set(claim["status"], status)
        if after == claim["status"] and not (note or payer_reference):
            raise UsageError(f"The claim {claim['claim_number']} is {after} already.")
        return claim, claim["status"], after

    return _change(workspace, [named], "set", change, note, payer_reference, notify)[0]


def delete_claims(
    workspace: Workspace, named: Sequence[Named], *, note: str | None = None, notify: Notify | None = None
) -> list[Changed]:
    """Take claims out of lists, counts and comparisons, all or none; they stay in the workspace."""

    def change(versions: list[dict[str, Any]]) -> tuple[dict[str, Any], str | None, str | None]:
        claim = versions[0]
        if not claim["is_current"]:
            raise UsageError(f"The claim {claim['claim_number']} is deleted already.")
        return claim, claim["status"], None

    return _change(workspace, named, "delete", change, note, None, notify)


def restore_claims(
    workspace: Workspace, named: Sequence[Named], *, note: str | None = None, notify: Notify | None = None
) -> list[Changed]:
    """Put deleted claims back as they were, all or none."""

    def change(versions: list[dict[str, Any]]) -> tuple[dict[str, Any], str | None, str | None]:
        number = versions[0]["claim_number"]
        if versions[0]["is_current"]:
            later = any(version["deleted_at"] for version in versions)
            more = "; it came again after it was deleted" if later else ""
            raise UsageError(f"The claim {number} is not deleted{more}.")
        gone = [version for version in versions if version["deleted_at"] is not None]
        if not gone:
            raise UsageError(f"The claim {number} was not deleted; no version of it can be restored.")
        last = max(gone, key=lambda version: (version["deleted_at"], version["version"]))
        return last, None, last["status"]

    return _change(workspace, named, "restore", change, note, None, notify)


def _change(
    workspace: Workspace,
    named: Sequence[Named],
    action: Action,
    change: Any,
    note: str | None,
    payer_reference: str | None,
    notify: Notify | None,
) -> list[Changed]:
    require(workspace, "change")
    if not workspace.claims_database.exists():
        raise UsageError("No claims are stored yet.", hint="Run `claimsctl process` first.")
    origin = Origin.now(action, user_name())
    changed: list[Changed] = []
    done: set[int] = set()
    with open_store(workspace, write=True, notify=notify) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "CREATE TEMP TABLE changes (practice_id VARCHAR, claim_number VARCHAR, payer_sequence VARCHAR, "
            "version INTEGER, from_status VARCHAR, to_status VARCHAR, note VARCHAR, payer_reference VARCHAR)"
        )
        for each in dict.fromkeys(named):
            places = places_of(each.number, connection, [CLAIMS])
            claim, before, after = change(versions_of(each, places, connection, workspace))
            if claim["claim_id"] in done:  # named twice
                continue
            done.add(claim["claim_id"])
            sealed = sealed_note(note, claim["claim_id"], workspace, claim["practice_id"])
            row = claim | {
                "from_status": before, "to_status": after, "note": sealed, "payer_reference": payer_reference
            }  # fmt: skip
            _insert(connection, [row[name] for name in CHANGE_COLUMNS])
            changed.append(Changed(claim["claim_number"], before, after))
        transition(connection, "changes", origin)
        connection.execute("COMMIT")
    # A claim number may lead to a person, so the audit file has the number of claims only.
    audit.record(workspace, f"claims {action}", notify=notify, count=len(changed))
    return changed


def _insert(connection: duckdb.DuckDBPyConnection, row: list[Any]) -> None:
    connection.execute(f"INSERT INTO changes VALUES ({', '.join('?' * len(row))})", row)
