"""Whatever is done to the audit file shows: bits, lines, ends, signatures; and what anchors add to that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from claimsctl.errors import InputError, UsageError
from claimsctl.security import audit
from claimsctl.security.audit_lines import START, digest, written
from claimsctl.security.audit_memory import memory_of
from claimsctl.security.audit_verifying import anchor_text, make_anchor, read_anchor, verify
from claimsctl.security.keys import secret_path
from claimsctl.store.workspace import Workspace
from tests.managed import managed


def fill(workspace: Workspace, count: int = 5) -> list[bytes]:
    """Records, as their lines; what the account remembers of them is forgotten."""
    for number in range(count):
        audit.record(workspace, "claims list", count=number, job=f"job {number}", show_phi=True)
    memory_of(workspace).unlink()
    return lines_of(workspace)


def lines_of(workspace: Workspace) -> list[bytes]:
    return workspace.audit_log.read_bytes().splitlines(keepends=True)


def put(workspace: Workspace, *lines: bytes) -> None:
    workspace.audit_log.write_bytes(b"".join(lines))


def old_records(count: int) -> list[bytes]:
    """As the first version wrote them: without signature, purpose and count."""
    lines, previous = [], START
    for number in range(1, count + 1):
        entry = {"seq": number, "at": "2026-01-05T09:00:00.000+00:00", "user": "kim", "pid": 7,
                 "action": "process", "facts": {"rows": number}, "prev": previous}  # fmt: skip
        entry["hash"] = previous = digest(entry)
        lines.append(written(entry) + b"\n")
    return lines


def test_a_record_says_who_what_when_how_many_and_for_what(workspace: Workspace) -> None:
    (entry,) = map(json.loads, fill(workspace, 1))
    assert entry.keys() == {"seq", "at", "user", "account", "pid", "action", "count", "purpose", "facts",
                            "prev", "hash", "sig"}  # fmt: skip
    assert entry["purpose"] == "payment"
    assert entry["facts"] == {"job": "job 0", "show_phi": True}


def test_any_flipped_bit_is_found(workspace: Workspace) -> None:
    lines = fill(workspace, 3)
    whole = b"".join(lines)
    assert verify(workspace).problems == ()
    unseen = []
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at * 5 + at // 8) % 8
        workspace.audit_log.write_bytes(flipped)
        if not verify(workspace).problems:
            unseen.append(at)
    assert unseen == []


def test_a_record_written_otherwise_is_altered(workspace: Workspace) -> None:
    lines = fill(workspace, 2)
    upper = json.loads(lines[1])
    upper["sig"] = upper["sig"].upper()
    put(workspace, lines[0], written(upper) + b"\n")
    assert verify(workspace).problems == (f"line 2: the signature is not that of {upper['user']}",)
    put(workspace, lines[0], lines[1].replace(b',"', b', "'))
    assert verify(workspace).problems == ("line 2: the record was altered",)


@pytest.mark.parametrize("kept", [slice(1, None), slice(0, -1, 2), slice(None, None, -1)])
def test_removed_and_reordered_records_are_found(workspace: Workspace, kept: slice) -> None:
    put(workspace, *fill(workspace)[kept])
    assert "records before it were removed, added or reordered" in verify(workspace).problems[0]


def test_a_record_cut_off_is_found(workspace: Workspace) -> None:
    lines = fill(workspace)
    put(workspace, *lines[:4], lines[4][:-30])
    assert verify(workspace).problems == ("line 5 is unreadable",)
    put(workspace, *lines[:2], lines[2][:-30] + b"\n", *lines[3:])
    assert "line 3 is unreadable" in verify(workspace).problems


def test_a_rewritten_chain_lacks_signatures(workspace: Workspace) -> None:
    lines, previous = [], START
    for line in fill(workspace):
        entry = json.loads(line) | {"count": 1, "prev": previous}
        entry["hash"] = previous = digest(entry)
        lines.append(written(entry) + b"\n")
    put(workspace, *lines)
    assert [problem.split(": ")[1] for problem in verify(workspace).problems] == [
        f"the signature is not that of {entry['user']}"
    ] * 5


def test_old_records_are_good_up_to_the_first_signed_one(workspace: Workspace) -> None:
    old = old_records(3)
    put(workspace, *old)
    assert (verify(workspace).problems, verify(workspace).signed) == ((), 0)
    signed = fill(workspace, 2)[3:]
    found = verify(workspace)
    assert (found.records, found.problems, found.signed) == (5, (), 2)
    put(workspace, *old_records(2), *signed)
    assert verify(workspace).problems
    entry = json.loads(signed[1]) | {"seq": 6, "prev": json.loads(signed[1])["hash"]}
    del entry["sig"]
    entry["hash"] = digest(entry)
    put(workspace, *old, *signed, written(entry) + b"\n")
    assert verify(workspace).problems == ("line 6: the record is not signed",)


def test_the_account_remembers_its_last_record(workspace: Workspace) -> None:
    for number in range(3):
        audit.record(workspace, "process", count=number)
    lines = lines_of(workspace)
    put(workspace, *lines[:2])
    (problem,) = verify(workspace).problems
    assert (
        problem == "record 3 of what this account remembers is not there: records were removed from the end"
    )
    put(workspace, *old_records(3))
    (problem,) = verify(workspace).problems
    assert problem == "line 3: the record is another one than in what this account remembers"


@pytest.mark.parametrize("cut", [1, 3], ids=["the last record", "half of the file"])
def test_records_after_a_cut_do_not_hide_it(workspace: Workspace, cut: int) -> None:
    """Also where half of a line was left, as a power failure would leave it."""
    for number in range(5):
        audit.record(workspace, "process", count=number)
    whole = lines_of(workspace)
    workspace.audit_log.write_bytes(b"".join([*whole[:-cut], whole[-cut][:40]]))
    for number in range(8):
        audit.record(workspace, "process", count=number)
        (problem,) = verify(workspace).problems
        assert problem.endswith("the record is another one than in what this account remembers") or (
            number + 1 < cut and "records were removed from the end" in problem
        )


def test_a_refusal_may_be_unsigned_and_nothing_else(workspace: Workspace) -> None:
    fill(workspace, 1)
    secret_path(workspace).unlink()
    audit.record(workspace, "refused", what="claims list")
    audit.record(workspace, "claims list", count=1)
    entries = list(map(json.loads, lines_of(workspace)))
    assert ["sig" in entry for entry in entries] == [True, False, False]
    (told,) = verify(workspace).problems
    assert told.startswith("no signature can be checked: The secret of this workspace")


def test_unsigned_records_are_told(workspace: Workspace) -> None:
    fill(workspace, 1)
    secret = secret_path(workspace).read_bytes()
    secret_path(workspace).unlink()
    audit.record(workspace, "refused", what="claims list")
    audit.record(workspace, "claims list", count=1)
    secret_path(workspace).write_bytes(secret)
    assert verify(workspace).problems == ("line 3: the record is not signed",)


def test_refusals_of_a_stranger_stay_good_when_they_become_many(workspace: Workspace) -> None:
    fill(workspace, 1)
    secret = secret_path(workspace).read_bytes()
    secret_path(workspace).unlink()
    for _ in range(3):
        audit.record(workspace, "refused", what="claims list")
    secret_path(workspace).write_bytes(secret)
    audit.record(workspace, "claims list", count=1)
    actions = [json.loads(line)["action"] for line in lines_of(workspace)]
    assert actions.count("unusual") == 1
    assert verify(workspace).problems == ()


def test_an_anchor_of_a_user_leaves_records_of_before_users_good(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, 2)
    managed(workspace, monkeypatch, with_data=("default",)).be("root")
    audit.record(workspace, "claims list", count=1)
    assert verify(workspace, [make_anchor(workspace)]).problems == ()


def test_an_anchor_finds_removed_records_at_the_end(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace)
    file = tmp_path / "anchor.json"
    file.write_text(anchor_text(make_anchor(workspace)))
    anchor = read_anchor(file)
    fill(workspace, 1)
    lines = lines_of(workspace)
    assert json.loads(lines[5])["action"] == "audit anchor"
    assert verify(workspace, [anchor]).problems == ()
    put(workspace, *lines[:5])
    assert verify(workspace).problems == ()
    (problem,) = verify(workspace, [anchor]).problems
    assert problem.startswith("record 6 of the anchor of 20")
    fill(workspace, 2)
    assert "is another one than in the anchor" in verify(workspace, [anchor]).problems[0]


def test_an_anchor_that_was_changed_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace)
    anchor = make_anchor(workspace)
    memory_of(workspace).unlink()
    (problem,) = verify(workspace, [replace(anchor, at="2020-01-01")]).problems
    assert problem == f"the anchor of 2020-01-01 is not signed by {anchor.user}"
    with pytest.raises(UsageError, match="another workspace"):
        verify(workspace, [replace(anchor, workspace="other")])
    for text in ("", "[]", "{}", json.dumps({"form": "claimsctl audit anchor 1", "seq": "x"})):
        (tmp_path / "anchor.json").write_text(text)
        with pytest.raises(InputError, match="is no anchor"):
            read_anchor(tmp_path / "anchor.json")
