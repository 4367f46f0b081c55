"""What staff change, and what a claim shows of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from claimsctl.errors import UsageError
from claimsctl.inquiry.changing import Changed, delete_claims, restore_claims, set_status
from claimsctl.inquiry.columns import ordering
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.listing import list_claims
from claimsctl.inquiry.showing import claim_history, show_claim
from claimsctl.security import audit_verifying
from claimsctl.security.access.opening import user_name
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace

NOTE = "spoke with Zebulonia Quill"


def numbers(workspace: Workspace, **asked: Any) -> list[str]:
    page = list_claims(
        workspace, Filters(**asked), columns=("claim_number",), order=ordering("claim_number"), limit=None
    )
    return [row[0] for row in page.rows]


def test_a_status_that_staff_learned(workspace: Workspace) -> None:
    changed = set_status(workspace, Named("a1"), "pending", note=NOTE, payer_reference="REF-7")
    assert changed == Changed("A1", "VALIDATED", "PENDING")
    assert numbers(workspace, status=("PENDING",)) == ["A1"]
    claim, history = claim_history(workspace, Named("A1"))
    assert claim["status"] == "PENDING"
    last = history[-1]
    assert (last["action"], last["from_status"], last["to_status"]) == ("set", "VALIDATED", "PENDING")
    assert (last["note"], last["payer_reference"], last["changed_by"]) == (NOTE, "REF-7", user_name())
    assert audit_verifying.verify(workspace).problems == ()


def test_a_note_is_sealed_in_the_store(workspace: Workspace) -> None:
    set_status(workspace, Named("A1"), "PENDING", note=NOTE)
    with open_store(workspace, write=False) as connection:
        notes = connection.execute("SELECT note FROM claim_status_history WHERE action = 'set'").fetchall()
    assert notes[0][0].startswith("sealed:")
    assert b"Quill" not in workspace.claims_database.read_bytes()
    assert b"Quill" not in workspace.audit_log.read_bytes()
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "UPDATE claim_status_history SET claim_number = 'A2', number_hash = "
            "(SELECT number_hash FROM claims WHERE claim_number = 'A2') WHERE action = 'set'"
        )
    assert claim_history(workspace, Named("A2"))[1][-1]["note"] == "\u2039masked\u203a"


def test_the_same_status_again_needs_a_reason(workspace: Workspace) -> None:
    set_status(workspace, Named("A1"), "PAID")
    with pytest.raises(UsageError, match="The claim A1 is PAID already"):
        set_status(workspace, Named("A1"), "PAID")
    set_status(workspace, Named("A1"), "PAID", payer_reference="CHECK 12")
    assert len(claim_history(workspace, Named("A1"))[1]) == 3


def test_a_refused_change_changes_nothing(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="rules reject"):
        set_status(workspace, Named("A4"), "READY_FOR_SUBMISSION")
    with pytest.raises(UsageError, match="no claim 'A9'"):
        delete_claims(workspace, [Named("A1"), Named("A9")])
    assert numbers(workspace) == ["A1", "A2", "A3", "A4"]
    assert numbers(workspace, status=("INVALID",)) == ["A4"]


def test_delete_and_restore(workspace: Workspace) -> None:
    set_status(workspace, Named("A1"), "DENIED")
    done = delete_claims(workspace, [Named("A1"), Named("a1"), Named("A3")], note="entered twice")
    assert done == [Changed("A1", "DENIED", None), Changed("A3", "VALIDATED", None)]
    assert numbers(workspace) == ["A2", "A4"]
    assert numbers(workspace, deleted=True) == ["A1", "A3"]
    assert show_claim(workspace, Named("A1")).state == "deleted"
    with pytest.raises(UsageError, match="A1 is deleted already"):
        delete_claims(workspace, [Named("A1")])
    with pytest.raises(UsageError, match="Bring it back first"):
        set_status(workspace, Named("A1"), "PAID")
    assert restore_claims(workspace, [Named("A1")]) == [Changed("A1", None, "DENIED")]
    assert numbers(workspace) == ["A1", "A2", "A4"]
    assert show_claim(workspace, Named("A1")).claim["status"] == "DENIED"
    with pytest.raises(UsageError, match="A1 is not deleted"):
        restore_claims(workspace, [Named("A1")])
    actions = [entry["action"] for entry in claim_history(workspace, Named("A1"))[1]]
    assert actions == ["run", "set", "delete", "restore"]


def add_version(workspace: Workspace, *, status: str, in_force: bool) -> None:
    """A run has stored a second version of A1."""
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "INSERT INTO claims SELECT * REPLACE (2 AS version, ? AS is_current, ? AS status, "
            "NULL AS deleted_at) FROM claims WHERE claim_number = 'A1'",
            [in_force, status],
        )


def test_a_claim_that_comes_again_is_deleted_no_more_and_can_be_deleted_again(workspace: Workspace) -> None:
    delete_claims(workspace, [Named("A1")])
    add_version(workspace, status="VALIDATED", in_force=True)
    assert numbers(workspace, deleted=True) == []
    delete_claims(workspace, [Named("A1")])
    assert numbers(workspace, deleted=True) == ["A1"]
    restore_claims(workspace, [Named("A1")])
    assert show_claim(workspace, Named("A1")).claim["version"] == 2
    assert numbers(workspace, deleted=True) == []


def test_a_deleted_claim_shows_the_version_that_was_in_force(workspace: Workspace) -> None:
    """Not a rejected one that stood beside it, which nothing could restore."""
    add_version(workspace, status="INVALID", in_force=False)
    delete_claims(workspace, [Named("A1")])
    story = show_claim(workspace, Named("A1"))
    assert (story.state, story.claim["version"], story.claim["status"]) == ("deleted", 1, "VALIDATED")
    assert [version["version"] for version in story.versions] == [1, 2]
    assert numbers(workspace, deleted=True) == ["A1"]


def test_a_claim_shows_its_lines_findings_and_patient(workspace: Workspace) -> None:
    story = show_claim(workspace, Named("A2"))
    assert story.lines is not None
    assert [line["procedure_code"] for line in story.lines] == ["90834", "99214"]
    assert [line["line_number"] for line in story.lines] == [1, 2]
    assert not {"claim_id", "patient_key", "content_digest"} & set(story.lines[0])
    assert story.patient.pop("member_id").startswith("***")
    assert story.patient == {"patient_last_name": "S.", "patient_first_name": "P."}
    assert show_claim(workspace, Named("A1"), show_phi=True).patient == {
        "patient_last_name": "Quill", "patient_first_name": "Zeb Ana", "member_id": "XKW-7730915",
    }  # fmt: skip
    births = [
        {line["patient_dob"] for line in show_claim(workspace, Named("A2"), show_phi=show).lines or ()}
        for show in (False, True)
    ]
    assert births == [{"1980-**-**"}, {date(1980, 5, 17)}]
    rejected = show_claim(workspace, Named("A4"))
    assert rejected.findings
    assert {"error"} <= {finding["severity"] for finding in rejected.findings}
    assert all(finding["message"] for finding in rejected.findings)
    for detail in workspace.root.rglob("details/*.parquet"):
        detail.unlink()
    bare = show_claim(workspace, Named("A4")).findings
    assert bare is not None
    assert {finding["code"] for finding in bare} == {finding["code"] for finding in rejected.findings}
    assert rejected.claim["status"] == "INVALID"
    assert len(rejected.versions) == 1


def test_a_number_counts_as_typed_and_is_told_from_others_with_its_hash(workspace: Workspace) -> None:
    before = show_claim(workspace, Named("A1"))
    with open_store(workspace, write=True) as connection:
        for table in ("claims", "claim_status_history"):
            connection.execute(
                f"UPDATE {table} SET number_hash = "
                "(SELECT number_hash FROM claims WHERE claim_number = 'A1') WHERE claim_number = 'A2'"
            )
    assert show_claim(workspace, Named(" a1 ")) == show_claim(workspace, Named("A1")) == before


def test_lines_that_were_removed_are_said_to_be(workspace: Workspace) -> None:
    for part in (workspace.root / "lines").rglob("part-*.parquet"):
        part.unlink()
    assert show_claim(workspace, Named("A2")).lines is None


def test_a_number_of_several_claims(workspace: Workspace) -> None:
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "INSERT INTO claims SELECT * REPLACE ('S' AS payer_sequence) FROM claims "
            "WHERE claim_number = 'A1'"
        )
    with pytest.raises(
        UsageError, match="2 claims have the number 'A1': A1, practice default, payer sequence P"
    ):
        show_claim(workspace, Named("A1"))
    assert show_claim(workspace, Named("A1", payer_sequence="S")).claim["payer_sequence"] == "S"
    with pytest.raises(UsageError, match="no claim 'A1' of practice north in this workspace"):
        show_claim(workspace, Named("A1", practice="north"))
