"""What of the store a user may see: which claims, and which facts of them. Every query goes through it.

Without a registry of users there is nothing to leave out, and asking costs one look for a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claimsctl.security.roles import OWN_CLAIMS, WITHOUT_PERSONS, may

if TYPE_CHECKING:
    import duckdb

    from claimsctl.inquiry.filters import Filters
    from claimsctl.security.access.opening import Access
    from claimsctl.store.workspace import Workspace

AMOUNTS: Final = frozenset({
    "charge_amount", "expected_allowed_amount", "allowed_amount", "paid_amount", "work_rvu", "total_rvu",
    "diagnoses", "expected_loss", "risk_reasons",
})  # fmt: skip
"""Columns of `claims list` that a role without `amounts` does not see."""

_LINE: Final = frozenset({
    "line_number", "row_number", "service_date_from", "service_date_to", "procedure_code", "modifier_1",
    "modifier_2", "modifier_3", "modifier_4", "place_of_service", "units", "rendering_npi", "billing_npi",
    "payer_id", "payer_name",
})  # fmt: skip
_FINDING: Final = frozenset({"line_number", "code", "severity", "field"})
_ANSWER: Final = frozenset({
    "job_id", "asked_at", "route", "payer_id", "outcome", "status", "category_code", "category_text",
    "status_code", "status_text", "entity_code", "payer_claim_number", "processed_date", "effective_date",
    "error_type", "error_code", "trace_id", "matches", "partial",
})  # fmt: skip
_VERSION: Final = frozenset({"version", "status", "job_id", "recorded_at", "is_current", "deleted_at"})


@dataclass(frozen=True, slots=True)
class Scope:
    """`practices` None: all. `own`: only claims whose rendering provider is `npi`. `amounts`: amounts, RVUs
    and diagnoses are seen; `persons`: one claim or person may be looked for, and days of service are seen."""

    practices: frozenset[str] | None = None
    own: bool = False
    npi: str | None = None
    amounts: bool = True
    persons: bool = True
    access: Access | None = None

    @property
    def limited(self) -> bool:
        """Whether some claims of the store are not to be seen."""
        return self.practices is not None or self.own

    @property
    def hidden(self) -> frozenset[str]:
        """Columns of `claims list` that are not to be seen."""
        return frozenset() if self.amounts else AMOUNTS

    def terms(self, put: Callable[[Any], str]) -> list[str]:
        """Conditions on the table of claims; `put` takes a value and gives its parameter."""
        terms = []
        if self.practices is not None:
            named = ", ".join(put(practice) for practice in sorted(self.practices))
            terms.append(f"practice_id IN ({named})" if named else "false")
        if self.own:
            terms.append("false" if self.npi is None else f"rendering_npi = {put(self.npi)}")
        return terms

    def count(self, connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
        """How many claims in force, and versions of claims, the user sees."""
        values: list[Any] = []

        def put(value: Any) -> str:
            values.append(value)
            return f"${len(values)}"

        where = " AND ".join(self.terms(put)) or "true"
        query = f"SELECT count(*) FILTER (is_current), count(*) FROM claims WHERE {where}"
        current, versions = connection.execute(query, values).fetchall()[0]
        return int(current), int(versions)

    def check_filters(self, filters: Filters, workspace: Workspace) -> None:
        """PermissionDenied for a filter by what the user does not see, or a practice that is not theirs."""
        if self.access is None:
            return
        if filters.practice is not None:
            self.check_practice(filters.practice, workspace)
        if not self.amounts:
            asked = (("--min-amount", filters.min_amount), ("--max-amount", filters.max_amount),
                     ("--diagnosis", filters.diagnosis))  # fmt: skip
            self._refuse_amounts([option for option, value in asked if value], workspace)
        if not self.persons and (filters.search is not None or filters.claims):
            self._refuse_person(workspace, "counts claims and looks for none of them", "Leave --search out.")
        if not self.persons and not _whole_years(filters):
            self._refuse_person(
                workspace, "asks by whole years: a day would say by how much dates were shifted",
                "Such as --service-from 2026-01-01 --service-to 2026-12-31.",
            )  # fmt: skip

    def _refuse_person(self, workspace: Workspace, why: str, hint: str) -> None:
        from claimsctl.requiring import refuse

        assert self.access is not None
        refuse(workspace, self.access, "claims", f"The role {self.access.role} {why}.", hint)

    def check_practice(self, practice: str, workspace: Workspace) -> None:
        """PermissionDenied for a practice that is not the user's."""
        if self.access is not None:
            from claimsctl.requiring import require_practice

            require_practice(workspace, self.access, practice, "claims")

    def check_columns(self, columns: Collection[str], order: str, workspace: Workspace) -> None:
        """PermissionDenied for columns, or an order by them (store names), that the user does not see."""
        if self.amounts:
            return
        from claimsctl.inquiry.columns import COLUMNS

        parts = order.replace(",", " ").split()
        hidden = [name for name in COLUMNS if name in AMOUNTS and (name in columns or COLUMNS[name] in parts)]
        self._refuse_amounts(hidden, workspace)

    def _refuse_amounts(self, asked: Collection[str], workspace: Workspace) -> None:
        if asked:
            from claimsctl.requiring import refuse

            assert self.access is not None
            refuse(
                workspace, self.access, "amounts",
                f"The role {self.access.role} sees no amounts and no diagnoses, so {', '.join(asked)} is "
                "refused.",
                "Leave it out.",
            )  # fmt: skip

    def claim(self, claim: dict[str, Any]) -> dict[str, Any]:
        """The columns of a claim, those that the user does not see empty."""
        return claim if self.amounts else {n: None if n in AMOUNTS else v for n, v in claim.items()}

    def lines(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Lines of a claim, with what the user sees of them."""
        return self._kept(rows, _LINE)

    def findings(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Findings; their messages quote amounts and diagnoses."""
        return self._kept(rows, _FINDING)

    def answers(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answers of payers."""
        return self._kept(rows, _ANSWER)

    def versions(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Versions of a claim."""
        return self._kept(rows, _VERSION)

    def history(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Entries of history; what staff note may name an amount or a diagnosis."""
        return rows if self.amounts else [{**row, "note": None} for row in rows]

    def _kept(self, rows: list[dict[str, Any]], names: frozenset[str]) -> list[dict[str, Any]]:
        if self.amounts:
            return rows
        return [{name: value for name, value in row.items() if name in names} for row in rows]


def _whole_years(filters: Filters) -> bool:
    first, last = filters.service_from, filters.service_to
    return (
        (first is None or (first.month, first.day) == (1, 1))
        and (last is None or (last.month, last.day) == (12, 31))
        and filters.queried_after is None
    )


def scope_of(workspace: Workspace) -> Scope:
    """What the user at the keyboard may see; PermissionDenied for somebody unknown."""
    from claimsctl.security.access import opening

    access = opening.open_access(workspace)
    if not access.managed:
        return Scope()
    return Scope(
        access.practices,
        access.role in OWN_CLAIMS,
        access.npi,
        may(access.role, "amounts") or access.role in WITHOUT_PERSONS,
        access.role not in WITHOUT_PERSONS,
        access,
    )
