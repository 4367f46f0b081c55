"""Everything that is known of one claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claimsctl.claim import BY_NAME
from claimsctl.inquiry.columns import COLUMNS
from claimsctl.inquiry.finding import Named, versions_of
from claimsctl.inquiry.notes import read_note
from claimsctl.inquiry.opening import reading
from claimsctl.inquiry.places import ANSWERS, CLAIMS, HISTORY, Places, places_of
from claimsctl.inquiry.scope import scope_of
from claimsctl.requiring import require
from claimsctl.settings_security import SEALABLE
from claimsctl.store.database import Notify
from claimsctl.store.headers import RISK_FACTS, files
from claimsctl.store.schema import KEY, STATUS_ONLY
from claimsctl.store.unread import readable
from claimsctl.store.workspace import DETAILS, Workspace

if TYPE_CHECKING:
    import duckdb

_INTERNAL: Final = frozenset(
    {"claim_id", "content_digest", "history_key", "patient_key", "unchanged", "verdict", "practice_id"}
    | {"claim_number", "payer_sequence", "input", *RISK_FACTS}
)
_HISTORY: Final = (
    "changed_at", "action", "version", "from_status", "to_status", "changed_by", "job_id", "note",
    "payer_reference",
)  # fmt: skip
_SAME: Final = " AND ".join(f"{name} IS NOT DISTINCT FROM ?" for name in KEY)
_FINDING: Final = ("line_number", "code", "severity", "field", "message", "suggestion")
_PATIENT: Final = ("patient_last_name", "patient_first_name", "member_id")
_BIRTHS: Final = ("patient_dob", "subscriber_dob")
"""Of a patient's sealed columns, those of which a part may be seen."""


@dataclass(frozen=True, slots=True)
class Story:
    """A claim: its columns as in `claims list`, lines, findings, patient and history.

    `lines` have only cells that are filled; None where they were removed from the workspace. `findings`
    are of the run that judged the claim last; None where they were removed. The patient and birth dates
    are masked. A claim
    of which only its payer told has neither. `answers` are what payers said, the newest first.
    `versions` are all that are stored, the newest first.
    """

    claim: dict[str, Any]
    state: str
    patient: dict[str, str]
    lines: list[dict[str, Any]] | None
    findings: list[dict[str, Any]] | None
    history: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    versions: list[dict[str, Any]]


def show_claim(
    workspace: Workspace, named: Named, *, show_phi: bool = False, notify: Notify | None = None
) -> Story:
    """The claim that `named` means; UsageError where none or several do. `show_phi`: names as they are.

    Of a role that sees no amounts and diagnoses, the columns, lines and answers are without them.
    PermissionDenied for a practice that is not the user's.
    """
    if show_phi:
        require(workspace, "identifiers")
    with reading(workspace, notify) as connection:
        places = places_of(named.number, connection)
        versions = versions_of(named, places, connection, workspace)
        claim = versions[0]
        history = _history(claim, places, connection, workspace)
        answers = _answers(claim, places, connection)
        told_only = claim["origin"] == STATUS_ONLY
        lines = [] if told_only else _lines(claim, connection, workspace, show_phi=show_phi)
        findings = [] if told_only else _findings(claim, history, connection, workspace)
        patient = _patient(claim, connection, workspace, show_phi=show_phi)
    state = "in force" if claim["is_current"] else "deleted" if claim["deleted_at"] else "replaced"
    kept = ("version", "status", "job_id", "recorded_at", "is_current", "deleted_at", "charge_total")
    scope = scope_of(workspace)
    return Story(
        scope.claim({name: claim[column] for name, column in COLUMNS.items()}),
        state,
        patient,
        None if lines is None else scope.lines(lines),
        None if findings is None else scope.findings(findings),
        scope.history(history),
        scope.answers(answers),
        scope.versions([{name: version[name] for name in kept} for version in versions]),
    )


def claim_history(
    workspace: Workspace, named: Named, notify: Notify | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The claim and what has become of it, the oldest first."""
    with reading(workspace, notify) as connection:
        places = places_of(named.number, connection, [CLAIMS, HISTORY])
        claim = versions_of(named, places, connection, workspace)[0]
        scope = scope_of(workspace)
        return claim, scope.history(_history(claim, places, connection, workspace))


def _history(
    claim: dict[str, Any], places: Places, connection: duckdb.DuckDBPyConnection, workspace: Workspace
) -> list[dict[str, Any]]:
    found = connection.execute(
        f"SELECT {', '.join(_HISTORY)} FROM {HISTORY} WHERE {places[HISTORY]} AND {_SAME} "
        "ORDER BY changed_at, version, rowid",
        [claim[name] for name in KEY],
    ).fetchall()
    entries = [dict(zip(_HISTORY, row, strict=True)) for row in found]
    return [entry | {"note": read_note(entry["note"], claim["claim_id"], workspace)} for entry in entries]


def _answers(
    claim: dict[str, Any], places: Places, connection: duckdb.DuckDBPyConnection
) -> list[dict[str, Any]]:
    """What its payer answered, the newest first."""
    found = connection.execute(
        "SELECT * EXCLUDE (practice_id, claim_number, payer_sequence, number_hash, asked) "
        f"FROM {ANSWERS} WHERE {places[ANSWERS]} AND {_SAME} ORDER BY asked_at DESC, job_id DESC",
        [claim[name] for name in KEY],
    )
    names = [column[0] for column in found.description or ()]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in found.fetchall()
    ]


def _lines(
    claim: dict[str, Any], connection: duckdb.DuckDBPyConnection, workspace: Workspace, *, show_phi: bool
) -> list[dict[str, Any]] | None:
    """Lines of the version, from the parts that hold them."""
    first, last = claim["first_part"], claim["last_part"]
    within = "" if first is None else f"AND part BETWEEN {int(first)} AND {int(last)}"
    parts = connection.execute(
        f"SELECT file FROM job_parts WHERE job_id = ? {within} ORDER BY part", [claim["job_id"]]
    ).fetchall()
    paths = [path for (file,) in parts if (path := workspace.root / str(file)).exists()]
    if len(paths) < len(parts) or not paths:
        return None
    with readable(paths):
        found = connection.execute(
            f"SELECT * FROM read_parquet({files(paths)}, union_by_name = true) WHERE claim_id = ? "
            "ORDER BY line_number, row_number",
            [claim["claim_id"]],
        )
        rows = found.fetchall()
    names = [column[0] for column in found.description or ()]
    order = {name: at for at, name in enumerate(("line_number", "row_number", *BY_NAME))}
    wanted = sorted((n for n in names if n not in _INTERNAL), key=lambda n: order.get(n, len(order)))
    return [
        {name: _shown(name, row[name], show_phi=show_phi) for name in wanted if row[name] is not None}
        for row in (dict(zip(names, row, strict=True)) for row in rows)
    ]


def _shown(name: str, value: Any, *, show_phi: bool) -> Any:
    """A birth date as its year; lines hold no other values that are masked."""
    from claimsctl.security.masking import mask_value

    return value if show_phi or not name.endswith("_dob") else mask_value(BY_NAME[name], value.isoformat())


def _findings(
    claim: dict[str, Any],
    history: list[dict[str, Any]],
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
) -> list[dict[str, Any]] | None:
    """What the last run that judged this version found, in full where the run still keeps that."""
    judged = [entry["job_id"] for entry in history
              if entry["action"] == "run" and entry["version"] == claim["version"]]  # fmt: skip
    job = judged[-1] if judged else claim["job_id"]
    details = sorted((workspace.job_directory(job) / DETAILS).glob("found-*.parquet"))
    if details:
        with readable(details):
            found = connection.execute(
                f"SELECT {', '.join(_FINDING)} FROM read_parquet({files(details)}, union_by_name = true) "
                "WHERE claim_id = ? ORDER BY line_number NULLS FIRST, code",
                [claim["claim_id"]],
            ).fetchall()
        return [dict(zip(_FINDING, row, strict=True)) for row in found]
    path = workspace.findings_file(job)
    if not path.exists():
        return None
    with readable([path]):
        found = connection.execute(
            f"SELECT line_number, code FROM read_parquet({files([path])}) WHERE claim_id = ? ORDER BY ALL",
            [claim["claim_id"]],
        ).fetchall()
    return [{"line_number": line, "code": code} for line, code in found]


def _patient(
    claim: dict[str, Any], connection: duckdb.DuckDBPyConnection, workspace: Workspace, *, show_phi: bool
) -> dict[str, str]:
    """Name and member id, masked unless `show_phi`; nothing where the claim names nobody."""
    if claim["patient_key"] is None:
        return {}
    key = claim["patient_key"].hex
    row = connection.execute(
        "SELECT file, record_hash FROM patients WHERE patient_key = ? ORDER BY version DESC LIMIT 1",
        [claim["patient_key"]],
    ).fetchone()
    path = None if row is None else workspace.root / str(row[0])
    if row is None or path is None or not path.exists():
        return {}
    with readable([path]):
        sealed = connection.execute(
            f"SELECT sealed FROM read_parquet({files([path])}) WHERE patient_key = ? AND record_hash = ?",
            [key, row[1]],
        ).fetchone()
    if sealed is None:
        return {}
    from claimsctl.security.keys import load_keys
    from claimsctl.security.masking import mask_value
    from claimsctl.store.records import unseal_patient

    record = unseal_patient(bytes(sealed[0]), key, load_keys(workspace, None))
    shown = (*_PATIENT, *SEALABLE) if show_phi else (*_PATIENT, *_BIRTHS)
    there = {name: record[name] for name in shown if record.get(name)}
    return there if show_phi else {name: mask_value(BY_NAME[name], value) for name, value in there.items()}
