"""The one claim that a claim number means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimsctl.errors import UsageError
from claimsctl.inquiry.places import CLAIMS, Places
from claimsctl.inquiry.scope import Scope, scope_of

if TYPE_CHECKING:
    import duckdb

    from claimsctl.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Named:
    """What a person types to name a claim."""

    number: str
    practice: str | None = None
    payer_sequence: str | None = None


def versions_of(
    named: Named, places: Places, connection: duckdb.DuckDBPyConnection, workspace: Workspace
) -> list[dict[str, Any]]:
    """Every stored version of the claim, the newest first; before all others the one in force or, of a
    deleted claim, the one that it was in force in.

    `places` are those of its number.

    The number counts as written, or in other capitals where none is written so. Raises UsageError where
    there is no such claim, none that the user may see (which is told alike), or several have the number;
    PermissionDenied for a practice that is not the user's.
    """
    scope = scope_of(workspace)
    if named.practice is not None:
        scope.check_practice(named.practice.strip(), workspace)
    number = named.number.strip()
    rows: list[dict[str, Any]] = []
    for term in ("claim_number = $number", "upper(claim_number) = upper($number)"):
        rows = _rows(f"{places[CLAIMS]} AND {term}", number, named, scope, connection)
        if rows:
            break
    else:
        raise UsageError(
            f"There is no claim {number!r}{_where(named)} in this workspace.",
            hint=f"Look for it: claimsctl claims list --search {number!r}",
        )
    keys = sorted({(row["practice_id"], row["payer_sequence"] or "", row["claim_number"]) for row in rows})
    if len(keys) > 1:
        there = "; ".join(f"{claim}, practice {practice}, payer sequence {sequence or 'none'}"
                          for practice, sequence, claim in keys)  # fmt: skip
        raise UsageError(
            f"{len(keys)} claims have the number {number!r}: {there}.",
            hint="Say which with --practice or --payer-sequence.",
        )
    rows.sort(key=lambda row: row["version"], reverse=True)
    return sorted(rows, key=_in_force_or_deleted_last, reverse=True)


def _in_force_or_deleted_last(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["is_current"], row["deleted_at"] is not None, row["deleted_at"]


def _rows(
    term: str, number: str, named: Named, scope: Scope, connection: duckdb.DuckDBPyConnection
) -> list[dict[str, Any]]:
    terms, values = [term], {"number": number}
    for column, value in (("practice_id", named.practice), ("payer_sequence", named.payer_sequence)):
        if value is not None:
            terms.append(f"{column} = ${column}")
            values[column] = value.strip()

    def put(value: str) -> str:
        values[name := f"seen_{len(values)}"] = value
        return f"${name}"

    terms += scope.terms(put)
    found = connection.execute(f"SELECT * FROM claims WHERE {' AND '.join(terms)}", values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _where(named: Named) -> str:
    said = [f"practice {named.practice}" if named.practice else "",
            f"payer sequence {named.payer_sequence}" if named.payer_sequence else ""]  # fmt: skip
    known = " and ".join(part for part in said if part)
    return f" of {known}" if known else ""
