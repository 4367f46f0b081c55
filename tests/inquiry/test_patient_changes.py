"""Patients: whom the claims are of, and taking one out with all claims and putting back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import UsageError
from claimsctl.inquiry.changing import delete_claims, restore_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.listing import list_claims
from claimsctl.inquiry.patients import delete_patients, list_patients, restore_patients
from claimsctl.inquiry.showing import claim_history, show_claim
from claimsctl.jobs.pruning import prune
from claimsctl.store import pruning
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace


@pytest.fixture
def quill(workspace: Workspace) -> str:
    """The key of a patient with two claims, A1 and A3."""
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "UPDATE claims SET patient_key = (SELECT patient_key FROM claims WHERE claim_number = 'A1') "
            "WHERE claim_number = 'A3'"
        )
    (found,), _ = list_patients(workspace, search="Quill, Zeb Ana")
    return found.patient_key


def come_again(workspace: Workspace) -> None:
    """A run has stored A1 anew."""
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "INSERT INTO claims SELECT * REPLACE (2 AS version, true AS is_current, NULL AS deleted_at) "
            "FROM claims WHERE claim_number = 'A1'"
        )


def in_force(workspace: Workspace) -> list[str]:
    page = list_claims(workspace, Filters(), columns=("claim_number",), order="claim_number", limit=None)
    return [str(row[0]) for row in page.rows]


def test_identifiers_are_masked_unless_asked_for(workspace: Workspace, quill: str) -> None:
    patients, total = list_patients(workspace)
    assert total == len(patients) == 3
    said = json.dumps([each.names for each in patients])
    for hidden in ("Quill", "Zeb", "XKW", "Sample"):
        assert hidden not in said
    (found,), _ = list_patients(workspace, search=quill[:12], show_phi=True)
    assert found.names["patient_last_name"] == "Quill"
    assert (found.claims, str(found.last_service)) == (2, "2026-05-04")


@pytest.mark.parametrize("text", ["Quill, Zeb Ana", "zeb ana QUILL", "xkw 7730915"])
def test_a_patient_is_found_by_name_and_number(workspace: Workspace, quill: str, text: str) -> None:
    assert [each.patient_key for each in list_patients(workspace, search=text)[0]] == [quill]
    assert list_patients(workspace, search="Nobody, Here") == ([], 0)


def test_pages(workspace: Workspace) -> None:
    whole = [each.patient_key for each in list_patients(workspace)[0]]
    pages = [list_patients(workspace, limit=2, page=page) for page in (1, 2)]
    assert [each.patient_key for found, _ in pages for each in found] == whole
    assert [total for _, total in pages] == [4, 4]


def test_a_patient_goes_with_all_claims_and_comes_back(workspace: Workspace, quill: str) -> None:
    (changed,) = delete_patients(workspace, ["Quill, Zeb Ana"])
    assert (changed.patient_key, changed.claims) == (quill, 2)
    assert in_force(workspace) == ["A2", "A4"]
    assert quill not in [each.patient_key for each in list_patients(workspace)[0]]
    (gone,), _ = list_patients(workspace, deleted=True)
    assert (gone.patient_key, gone.claims) == (quill, 0)
    assert gone.deleted_at is not None
    _, history = claim_history(workspace, Named("A1"))
    assert (history[-1]["action"], history[-1]["note"]) == ("delete", "the patient was deleted")
    (back,) = restore_patients(workspace, [quill[:12]])
    assert (back.claims, back.came_again) == (2, 0)
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]
    assert list_patients(workspace, deleted=True) == ([], 0)


def test_what_was_deleted_by_itself_stays_deleted(workspace: Workspace, quill: str) -> None:
    delete_claims(workspace, [Named("A3")])
    delete_patients(workspace, [quill])
    (back,) = restore_patients(workspace, [quill])
    assert back.claims == 1
    assert in_force(workspace) == ["A1", "A2", "A4"]


def test_a_claim_that_came_again_stays_as_it_came(workspace: Workspace, quill: str) -> None:
    delete_patients(workspace, [quill])
    come_again(workspace)
    (back,) = restore_patients(workspace, [quill])
    assert (back.claims, back.came_again) == (1, 1)
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]


def test_who_was_deleted_twice_comes_back_with_each_claim_once(workspace: Workspace, quill: str) -> None:
    delete_patients(workspace, [quill])
    come_again(workspace)
    delete_patients(workspace, [quill])
    (back,) = restore_patients(workspace, [quill])
    assert (back.claims, back.came_again) == (2, 0)
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]
    assert show_claim(workspace, Named("A1")).claim["version"] == 2


def test_what_came_again_and_was_deleted_by_itself_stays_deleted(workspace: Workspace, quill: str) -> None:
    delete_patients(workspace, [quill])
    come_again(workspace)
    delete_claims(workspace, [Named("A1")])
    (back,) = restore_patients(workspace, [quill])
    assert (back.claims, back.came_again) == (1, 0)
    assert in_force(workspace) == ["A2", "A3", "A4"]


def test_deleted_again_after_a_restore_of_claims_only(workspace: Workspace, quill: str) -> None:
    """Claims put back one by one leave the patient deleted, until the patient is put back."""
    delete_patients(workspace, [quill])
    restore_claims(workspace, [Named("A1")])
    (changed,) = delete_patients(workspace, [quill])
    assert changed.claims == 1
    (back,) = restore_patients(workspace, [quill])
    assert back.claims == 2


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        (delete_patients, ["Quill, Nobody"], "No patient of a stored claim"),
        (delete_patients, ["Sample, Pat"], "3 patients are meant"),
        (delete_patients, [" "], "No patient is named"),
        (restore_patients, ["Quill, Zeb Ana"], "is not deleted"),
    ],
)
def test_who_is_not_meant_is_told_without_names(
    workspace: Workspace, change: Any, named: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        change(workspace, named)
    assert "Quill" not in str(refused.value)
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]


def test_all_or_none(workspace: Workspace, quill: str) -> None:
    with pytest.raises(UsageError):
        delete_patients(workspace, [quill, "Quill, Nobody"])
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]
    delete_patients(workspace, [quill, "Quill, Zeb Ana"])  # twice the same
    with pytest.raises(UsageError, match="is deleted already"):
        delete_patients(workspace, [quill])
    record = json.loads(workspace.audit_log.read_text().splitlines()[-1])
    assert (record["action"], record["count"]) == ("patients delete", 2)


def sealed_of(workspace: Workspace) -> list[str]:
    """Keys of the patients of whom anything is sealed."""
    files = (workspace.root / "lines").rglob("patients-*.parquet")
    return sorted(key for file in files for key in pl.read_parquet(file)["patient_key"].to_list())


def purge(workspace: Workspace) -> int:
    """Remove what was deleted before tomorrow; how many patients that were."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    (removed,) = prune(workspace, tomorrow, ["history"], deleted_before=tomorrow)
    return removed.patients


def test_a_patient_goes_for_good_with_what_is_sealed(workspace: Workspace, quill: str) -> None:
    sealed = sealed_of(workspace)
    assert quill in sealed
    delete_patients(workspace, [quill])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    (removed,) = prune(workspace, yesterday, ["history"], deleted_before=yesterday)
    assert (removed.patients, removed.versions) == (0, 0)
    assert purge(workspace) == 1
    assert in_force(workspace) == ["A2", "A4"]
    assert sealed_of(workspace) == [key for key in sealed if key != quill]
    with pytest.raises(UsageError, match="No patient"):
        restore_patients(workspace, [quill])
    with pytest.raises(UsageError, match="no claim"):
        claim_history(workspace, Named("A1"))
    patients, _ = list_patients(workspace, show_phi=True)
    assert [each.names["patient_last_name"] for each in patients] == ["Sample", "Sample"]


def test_a_patient_who_came_again_stays(workspace: Workspace, quill: str) -> None:
    delete_patients(workspace, [quill])
    restore_claims(workspace, [Named("A1")])
    assert purge(workspace) == 0
    assert quill in sealed_of(workspace)
    assert in_force(workspace) == ["A1", "A2", "A4"]


def test_a_removal_that_fails_is_undone(
    workspace: Workspace, quill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_patients(workspace, [quill])
    files = sorted((workspace.root / "lines").rglob("*.*"))

    def fail(*_: object) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(pruning, "renew_totals", fail)
        with pytest.raises(OSError, match="full"):
            purge(workspace)
    assert sorted((workspace.root / "lines").rglob("*.*")) == files
    restore_patients(workspace, [quill])
    assert in_force(workspace) == ["A1", "A2", "A3", "A4"]
