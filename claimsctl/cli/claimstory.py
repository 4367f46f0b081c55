"""What `claims show` and `claims history` print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from claimsctl.cli.claimlist import shown
from claimsctl.cli.run import console, notifier, open_workspace
from claimsctl.cli.screen import Screen, count, new_table
from claimsctl.cli.state import State
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.listing import cell, plain
from claimsctl.inquiry.showing import Story, claim_history, show_claim
from claimsctl.security.audit_watch import access
from claimsctl.store.unread import mend
from claimsctl.store.warm import warm_answer

_WIDE: Final = 200
_LINE: Final = (
    "line_number", "service_date_from", "procedure_code", "modifier_1", "place_of_service", "units",
    "charge_amount", "expected_allowed_amount", "pricing_status",
)  # fmt: skip
_RIGHT: Final = frozenset({"line_number", "units", "charge_amount", "expected_allowed_amount"})
_ACTIONS: Final = {
    "run": "checked", "set": "set by hand", "delete": "deleted", "restore": "restored",
    "rollback": "rolled back", "query": "payer asked",
}  # fmt: skip


def print_claim(state: State, named: Named, *, show_phi: bool) -> None:
    """All that is known of a claim."""
    _, workspace = open_workspace(state)
    warm_answer(*(() if state.json else ("rich.console", "rich.table")))
    story = show_claim(workspace, named, show_phi=show_phi, notify=notifier(state))
    access(workspace, "claims show", count=1, notify=notifier(state), show_phi=show_phi)
    if state.json:
        document = {
            **story.claim, "state": story.state, "patient": story.patient, "line_items": story.lines,
            "findings": story.findings, "answers": story.answers, "history": story.history,
            "versions": story.versions,
        }  # fmt: skip
        print(json.dumps(document, indent=2, default=plain))
        return
    screen = _screen(state)
    _header(screen, story)
    _answer(screen, story)
    if story.claim["lines"] or story.lines is None:
        _lines(screen, story)
        _findings(screen, story)
    else:
        screen.heading("No lines")
        screen.line("Only what its payer says is known of this claim.", indent=2)
    screen.heading("History")
    _history(screen, story.history)


def print_history(state: State, named: Named) -> None:
    """What has become of a claim."""
    _, workspace = open_workspace(state)
    claim, history = claim_history(workspace, named, notifier(state))
    access(workspace, "claims history", count=1, notify=notifier(state))
    if state.json:
        document = {name: claim[name] for name in ("claim_number", "practice_id", "payer_sequence", "status")}
        print(json.dumps({**document, "history": history}, indent=2, default=plain))
        return
    screen = _screen(state)
    screen.line(f"{claim['claim_number']}  {claim['status']}", "bold")
    _history(screen, history)


def _screen(state: State) -> Screen:
    screen = console(state)
    if not screen.is_terminal:  # a pipe has no width
        screen.width = _WIDE
    return Screen(screen)


def _header(screen: Screen, story: Story) -> None:
    claim = story.claim
    state = "" if story.state == "in force" else f"  ({story.state})"
    screen.line(f"{claim['claim_number']}  {claim['status']}{state}", "bold")
    patient = ", ".join(story.patient[n] for n in ("patient_last_name", "patient_first_name")
                        if n in story.patient)  # fmt: skip
    member = story.patient.get("member_id")
    amounts = [f"{label} {shown(name, claim[name])}" for label, name in (
        ("billed", "charge_amount"), ("expected", "expected_allowed_amount"), ("allowed", "allowed_amount"),
        ("paid", "paid_amount")) if claim[name] is not None]  # fmt: skip
    services = str(claim["service_date_from"] or "")
    if claim["service_date_to"] not in (None, claim["service_date_from"]):
        services += f" to {claim['service_date_to']}"
    rvu = claim["total_rvu"] and f"{cell(claim['work_rvu'])} work, {cell(claim['total_rvu'])} in all"
    facts = {
        "patient": patient + (f", member {member}" if member else ""),
        "payer": " ".join(text for text in (claim["payer_id"], claim["payer_name"]) if text),
        "providers": ", ".join(
            f"{label} {claim[name]}"
            for label, name in (("rendering", "rendering_npi"), ("billing", "billing_npi"))
            if claim[name]
        ),
        "services": services,
        "diagnoses": cell(claim["diagnoses"]),
        "amounts": ", ".join(amounts),
        "RVUs": rvu or "",
        "risk": _risk(claim),
        "stored": f"{shown('recorded_at', claim['recorded_at'])} UTC by job {claim['job_id']}"
        f"{' from ' + claim['input'] if claim['input'] else ''}, "
        f"version {claim['version']} of {len(story.versions)}",
        "reference": next(
            (e["payer_reference"] for e in reversed(story.history) if e["payer_reference"]), ""
        ),
        "practice": claim["practice_id"] if claim["practice_id"] != "default" else "",
    }
    for label, text in facts.items():
        if text:
            screen.labelled(label, text)


def _risk(claim: dict[str, Any]) -> str:
    """ "0.36 medium (rules), $42.10 expected loss, held back, file by 2026-08-02: reasons"."""
    if claim["denial_risk"] is None:
        return ""
    parts = [f"{claim['denial_risk']:g} {claim['risk_band']} ({claim['risk_source']})"]
    if claim["expected_loss"] is not None:
        parts.append(f"${claim['expected_loss']:,} expected loss")
    if claim["held"] and claim["status"] == "VALIDATED":
        parts.append("held back")
    if claim["filing_deadline"] is not None:
        parts.append(f"file by {claim['filing_deadline']}")
    return ", ".join(parts) + (f": {claim['risk_reasons']}" if claim["risk_reasons"] else "")


def _answer(screen: Screen, story: Story) -> None:
    """What the payer said last."""
    if not story.answers:
        return
    last = story.answers[0]
    screen.heading("Payer")
    codes = " ".join(
        str(last[name]) for name in ("category_code", "status_code", "entity_code") if name in last
    )
    texts = "; ".join(str(last[name]) for name in ("category_text", "status_text") if last.get(name))
    amounts = [f"{label} {shown(name, last[name])}" for label, name in (
        ("charged", "charge_amount"), ("allowed", "allowed_amount"), ("paid", "paid_amount"),
        ("patient", "patient_responsibility_amount")) if name in last]  # fmt: skip
    paid = [str(last[name]) for name in ("payment_method", "check_number", "paid_date") if name in last]
    facts = {
        "asked": f"{shown('recorded_at', last['asked_at'])} UTC by {last['route']}, job {last['job_id']}",
        "answer": str(last.get("status") or f"error {last.get('error_type')} {last.get('error_code')}"),
        "codes": f"{codes}  {texts}".strip(),
        "amounts": ", ".join(amounts),
        "payment": " ".join(paid),
        "adjusted": str(last.get("adjustments", "")).replace(";", ", "),
        "number": str(last.get("payer_claim_number", "")),
        "marks": str(last.get("flags", "")).replace(";", ", "),
        "trace": str(last.get("trace_id", "")),
    }
    for label, text in facts.items():
        if text:
            screen.labelled(label, text, indent=2)
    if len(story.answers) > 1:
        screen.line(f"{len(story.answers) - 1} earlier answers: --json has them all.", "dim", indent=2)


def _lines(screen: Screen, story: Story) -> None:
    if story.lines is None:
        screen.heading("Lines")
        screen.line("They are no longer in the workspace.", indent=2)
        screen.wrapped(mend(story.claim["job_id"]), 2)
        return
    screen.heading(count(len(story.lines), "line"))
    names = [name for name in _LINE if any(name in line for line in story.lines)]
    table = new_table(*names)
    for column, name in zip(table.columns, names, strict=True):
        column.justify = "right" if name in _RIGHT else "left"
    for line in story.lines:
        table.add_row(*(screen.text(_line_cell(name, line.get(name))) for name in names))
    screen.block(table, least=80)


def _line_cell(name: str, value: Any) -> str:
    return f"{value.normalize():f}" if name == "units" and value is not None else shown(name, value)


def _findings(screen: Screen, story: Story) -> None:
    if story.findings is None:
        return
    screen.heading(count(len(story.findings), "finding") if story.findings else "No findings")
    for finding in story.findings:
        where = "claim" if finding["line_number"] is None else f"line {finding['line_number']}"
        severity = f"{finding['severity']} " if finding.get("severity") else ""
        message = f": {finding['message']}" if finding.get("message") else ""
        screen.wrapped(f"{severity}{finding['code']}  {where}{message}", 2)
    if story.findings:
        screen.line(f"claimsctl rules explain {story.findings[0]['code']} says more.", "dim", indent=2)


def _history(screen: Screen, history: Sequence[Mapping[str, Any]]) -> None:
    table = new_table("when (UTC)", "what", "from", "to", "by", "job", "reference", "note")
    for entry in history:
        cells = (
            shown("changed_at", entry["changed_at"]), _ACTIONS.get(entry["action"], entry["action"] or ""),
            entry["from_status"], entry["to_status"], entry["changed_by"], entry["job_id"],
            entry["payer_reference"], entry["note"],
        )  # fmt: skip
        table.add_row(*(screen.text(text or "") for text in cells))
    screen.block(table, least=100)
