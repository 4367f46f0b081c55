"""The secret of a workspace: made once, private, apart from the workspace, never replaced."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from claimsctl.errors import PermissionDenied
from claimsctl.security.keys import Keys, load_keys, secret_path
from claimsctl.store.workspace import Workspace


def test_secret_is_made_once_and_private(workspace: Workspace) -> None:
    first = load_keys(workspace)
    path = secret_path(workspace)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_keys(workspace) == first
    assert len({first.lookup, first.sealing, first.digest}) == 3


def test_secret_is_not_in_the_workspace(workspace: Workspace) -> None:
    load_keys(workspace)
    secret = secret_path(workspace).read_text().split()[1]
    assert len(bytes.fromhex(secret)) == 32
    for file in workspace.root.rglob("*"):
        if file.is_file():
            assert secret not in file.read_text(errors="replace")


def test_loose_rights_are_taken_away(workspace: Workspace) -> None:
    load_keys(workspace)
    secret_path(workspace).chmod(0o644)
    load_keys(workspace)
    assert stat.S_IMODE(secret_path(workspace).stat().st_mode) == 0o600


def test_workspaces_have_different_secrets(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.open(tmp_path / "other")
    assert load_keys(workspace).key_id != load_keys(other).key_id


def test_missing_secret_is_never_replaced(workspace: Workspace) -> None:
    load_keys(workspace)
    secret_path(workspace).unlink()
    with pytest.raises(PermissionDenied, match="missing") as caught:
        load_keys(workspace)
    assert caught.value.exit_code == 5
    assert not secret_path(workspace).exists()


def test_secret_of_another_workspace_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.open(tmp_path / "other")
    load_keys(workspace)
    load_keys(other)
    shutil.copy(secret_path(other), secret_path(workspace))
    with pytest.raises(PermissionDenied, match="does not belong"):
        load_keys(workspace)


@pytest.mark.parametrize("text", ["", "claimsctl-secret-1 abcd\n", "claimsctl-secret-2 " + "00" * 32, "é"])
def test_damaged_secret_is_refused(workspace: Workspace, text: str) -> None:
    load_keys(workspace)
    secret_path(workspace).write_text(text)
    with pytest.raises(PermissionDenied, match="damaged"):
        load_keys(workspace)


def test_keys_do_not_show_themselves(keys: Keys) -> None:
    assert keys.sealing.hex() not in repr(keys)
    assert repr(keys.sealing) not in repr(keys)


def test_processes_that_start_together_agree(workspace: Workspace) -> None:
    code = (
        "from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.security.keys import load_keys\n"
        f"print(load_keys(Workspace.open(Path({str(workspace.root)!r}))).sealing.hex())"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
    found = {run.communicate(timeout=600)[0] for run in runs}
    assert len(found) == 1
    assert len(found.pop().strip()) == 64
