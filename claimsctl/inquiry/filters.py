"""Which claims are asked for, as a condition on the table of claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import UsageError
from claimsctl.inquiry.payers import payers_named
from claimsctl.inquiry.people import patients_named
from claimsctl.inquiry.scope import scope_of
from claimsctl.score.names import HIGH, LOW, MEDIUM
from claimsctl.store.lifecycle import DELETED, STATUSES
from claimsctl.store.schema import NUMBER_HASH

if TYPE_CHECKING:
    import duckdb

    from claimsctl.inquiry.scope import Scope
    from claimsctl.store.workspace import Workspace

_JOB: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What claims must be; None and empty ask for nothing. Amounts are dollars billed.

    `service_from` and `service_to` are the ends of a period in which a service falls. `not_queried_since`
    (UTC) asks for claims whose payer has not answered since. `deleted` asks for deleted claims instead of
    those in force. A code or diagnosis may end in `*`.
    """

    status: Sequence[str] = ()
    payer: Sequence[str] = ()
    practice: str | None = None
    provider: Sequence[str] = ()
    code: Sequence[str] = ()
    diagnosis: Sequence[str] = ()
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    service_from: date | None = None
    service_to: date | None = None
    queried_after: date | None = None
    not_queried_since: datetime | None = None
    job: str | None = None
    risk_above: float | None = None
    band: Sequence[str] = ()
    held: bool = False
    search: str | None = None
    claims: Sequence[str] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A WHERE without the word, and its parameters by number."""

    sql: str
    parameters: Sequence[Any]


def condition(filters: Filters, connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> Condition:
    """What `filters` ask of the claims that the user may see; payers and persons are looked up first.

    Raises UsageError for what no claim can be, and for what nothing in this store says yet; PermissionDenied
    for what the user may not ask.
    """
    built = _Building()
    scope = scope_of(workspace)
    scope.check_filters(filters, workspace)
    for term in scope.terms(built.put):
        built.add(term)
    if filters.deleted:
        built.add(DELETED.format(a="claims"))
    else:
        built.add("is_current")
    if filters.risk_above is not None:
        if connection.execute("SELECT 1 FROM claims WHERE denial_risk > 0 LIMIT 1").fetchone() is None:
            raise UsageError(
                "No claim has a denial risk yet.",
                hint="Run their files again with `claimsctl process`, without --no-score.",
            )
        built.add(f"denial_risk > {built.put(filters.risk_above)}")
    if filters.band:
        built.one_of("risk_band", [_band(text) for text in filters.band])
    if filters.held:
        built.add("held AND status = 'VALIDATED'")
    if filters.status:
        built.one_of("status", [_status(text) for text in filters.status])
    if filters.practice is not None:
        built.add(f"practice_id = {built.put(filters.practice)}")
    if filters.provider:
        npis = [text.strip() for text in filters.provider]
        built.add(f"(rendering_npi IN {built.all(npis)} OR billing_npi IN {built.all(npis)})")
    if filters.payer:
        built.add(_payers(filters.payer, connection, scope, built))
    for column, option, texts in (("codes", "--code", filters.code),
                                  ("diagnoses", "--diagnosis", filters.diagnosis)):  # fmt: skip
        if texts:
            built.add("(" + " OR ".join(_listed(column, option, text, built) for text in texts) + ")")
    _amounts_and_dates(filters, built)
    if filters.job is not None:
        built.add(f"job_id = {built.put(_job(filters.job, connection))}")
    if filters.queried_after is not None:
        built.add(_queried(filters.queried_after, connection, built))
    if filters.not_queried_since is not None:
        since = built.put(filters.not_queried_since)
        built.add(f"(queried_at IS NULL OR queried_at < {since})")
    if filters.claims:
        built.add(_numbered(filters.claims, built))
    if filters.search is not None:
        built.add(_search(filters.search, connection, workspace, built))
    return Condition(" AND ".join(built.terms), built.values)


class _Building:
    def __init__(self) -> None:
        self.terms: list[str] = []
        self.values: list[Any] = []

    def add(self, term: str) -> None:
        self.terms.append(term)

    def put(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def all(self, values: Sequence[object]) -> str:
        return "(" + ", ".join(self.put(value) for value in values) + ")"

    def one_of(self, column: str, values: Sequence[object]) -> None:
        self.add(f"{column} IN {self.all(values)}")


def _status(text: str) -> str:
    wanted = text.strip().upper().replace("-", "_").replace(" ", "_")
    if wanted not in STATUSES:
        raise UsageError(f"{text!r} is no status of a claim.", hint=f"There are {', '.join(STATUSES)}.")
    return wanted


def _band(text: str) -> str:
    wanted = text.strip().lower()
    if wanted not in (LOW, MEDIUM, HIGH):
        raise UsageError(f"{text!r} is no band of a risk.", hint=f"There are {LOW}, {MEDIUM} and {HIGH}.")
    return wanted


def _payers(
    texts: Sequence[str], connection: duckdb.DuckDBPyConnection, scope: Scope, built: _Building
) -> str:
    seen = _Building()
    where = " AND ".join(scope.terms(seen.put)) or "true"
    there = connection.execute(
        f"SELECT DISTINCT payer_id, payer_name FROM claims WHERE {where}", seen.values
    ).fetchall()
    terms = []
    for payer, name in payers_named(texts, there):
        ids = "payer_id IS NULL" if payer is None else f"payer_id = {built.put(payer)}"
        names = "payer_name IS NULL" if name is None else f"payer_name = {built.put(name)}"
        terms.append(f"({ids} AND {names})")
    return "(" + " OR ".join(terms) + ")" if terms else "false"


def _listed(column: str, option: str, text: str, built: _Building) -> str:
    """Whether a list has a code, or one that begins so."""
    code = text.strip().upper()
    bare = code.rstrip("*").replace(".", "")
    if not bare.isalnum():
        raise UsageError(
            f"{option} {text!r} is no code.", hint="Write 99213, or 9921* for all that begin so."
        )
    if code.endswith("*"):
        start = built.put(bare)
        return f"len(list_filter({column}, lambda c: starts_with(c, {start}))) > 0"
    # As typed cells are stored: in capitals, diagnoses without their dot.
    return f"list_contains({column}, {built.put(bare if column == 'diagnoses' else code)})"


def _amounts_and_dates(filters: Filters, built: _Building) -> None:
    low, high = filters.min_amount, filters.max_amount
    if low is not None and high is not None and low > high:
        raise UsageError(f"--min-amount {low} is more than --max-amount {high}.")
    first, last = filters.service_from, filters.service_to
    if first is not None and last is not None and first > last:
        raise UsageError(f"--service-from {first} is later than --service-to {last}.")
    for value, term in ((low, "charge_total >="), (high, "charge_total <="),
                        (first, "service_to >="), (last, "service_from <=")):  # fmt: skip
        if value is not None:
            built.add(f"{term} {built.put(value)}")


def _job(text: str, connection: duckdb.DuckDBPyConnection) -> str:
    wanted = text.strip()
    found = connection.execute(
        "SELECT job_id FROM commits WHERE starts_with(job_id, ?) ORDER BY job_id LIMIT 3", [wanted]
    ).fetchall()
    if not found or not wanted:
        wrong = "" if _JOB.fullmatch(wanted) else " Job ids look like 20260630-141503-ab12."
        raise UsageError(f"No job {text!r} has stored claims.{wrong}")
    if len(found) > 1 and (wanted,) not in found:
        raise UsageError(f"Several jobs begin with {text!r}.", hint="Give more of the id.")
    return str(found[0][0])


def _queried(after: date, connection: duckdb.DuckDBPyConnection, built: _Building) -> str:
    """Claims that a payer was asked about on or after a day."""
    asked = connection.execute("SELECT 1 FROM claim_status_history WHERE action = 'query' LIMIT 1").fetchone()
    if asked is None:
        raise UsageError(
            "No payer was asked about a claim of this store yet, so --queried-after finds nothing.",
            hint="Leave it out; --status finds claims by what is known of them.",
        )
    return (
        "(practice_id, claim_number, coalesce(payer_sequence, '')) IN (SELECT practice_id, claim_number, "
        "coalesce(payer_sequence, '') FROM claim_status_history WHERE action = 'query' "
        f"AND changed_at >= {built.put(after)})"
    )


def _numbered(numbers: Sequence[str], built: _Building) -> str:
    """Claims of these numbers, in any capitals."""
    wanted = [number.strip().upper() for number in numbers]
    hashes = ", ".join(NUMBER_HASH.format(built.put(number)) for number in wanted)
    return f"(number_hash IN ({hashes}) AND upper(claim_number) IN {built.all(wanted)})"


def _search(text: str, connection: duckdb.DuckDBPyConnection, workspace: Workspace, built: _Building) -> str:
    wanted = text.strip()
    if not wanted:
        raise UsageError(
            "--search has no text.", hint="Give a claim number, a member id or a patient's name."
        )
    # Rows are found by one column at a time, and once: DuckDB reads all of both for an OR, in each query.
    asked = _Building()
    number = asked.put(wanted.upper())
    ways = [f"number_hash = {NUMBER_HASH.format(number)} AND upper(claim_number) = {number}"]
    people = patients_named(wanted, connection, workspace)
    if people:
        ways.append(f"patient_key IN {asked.all(people)}")
    query = " UNION ALL ".join(f"SELECT rowid FROM claims WHERE {way}" for way in ways)
    found = connection.execute(query, asked.values).fetchall()
    return f"rowid IN (SELECT unnest({built.put([row[0] for row in found])}::BIGINT[]))"
