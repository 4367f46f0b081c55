"""The workspace directory: private, named safely, cleared of what the dead left."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimsctl.errors import StoreError, UsageError
from claimsctl.store.owner import Owner
from claimsctl.store.workspace import Workspace


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_private(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "a" / "w")
    assert mode(workspace.root) == 0o700
    assert [mode(workspace.root / name) for name in ("lines", "jobs", "tmp")] == [0o700] * 3
    assert mode(workspace.root / "workspace.id") == 0o600
    job_id = workspace.new_job_id()
    assert mode(workspace.job_directory(job_id)) == 0o700
    assert mode(workspace.tmp_directory(job_id)) == 0o700


def test_a_directory_of_the_user_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Workspace.open(tmp_path)
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "lines") == 0o700


def test_identity_stays(tmp_path: Path) -> None:
    assert Workspace.open(tmp_path / "w") == Workspace.open(tmp_path / "w", create=False)
    assert Workspace.open(tmp_path / "w").id != Workspace.open(tmp_path / "v").id


def test_no_workspace_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no claimsctl workspace"):
        Workspace.open(tmp_path / "w", create=False)
    assert not (tmp_path / "w").exists()


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        Workspace.open(tmp_path / "w")
    with pytest.raises(StoreError, match="Cannot create the workspace") as caught:
        Workspace.open(tmp_path / "w" / "below")
    assert caught.value.exit_code == 4


def test_damaged_identity(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    (workspace.root / "workspace.id").write_text("nonsense")
    with pytest.raises(StoreError, match="damaged"):
        Workspace.open(tmp_path)


def test_job_ids_sort_by_time_and_never_repeat(workspace: Workspace) -> None:
    found = [workspace.new_job_id() for _ in range(50)]
    assert found == sorted(set(found))
    at = datetime(2026, 11, 22, 2, 45, 1, 700_000, tzinfo=UTC)
    assert workspace.new_job_id(at) == "20261122-024501-aae6"
    assert workspace.new_job_id(at) != "20261122-024501-aae6"


@pytest.mark.parametrize("job_id", ["../../etc", "", "20261122-024501-aae6/..", "20261122-024501-AAE6", "."])
def test_only_job_ids_become_paths(workspace: Workspace, job_id: str) -> None:
    for path in (workspace.job_directory, workspace.lines_directory, workspace.tmp_directory):
        with pytest.raises(UsageError, match="not a job id"):
            path(job_id)


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_stay(workspace: Workspace) -> None:
    code = (
        "import os; from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        f"w = Workspace.open(Path({str(workspace.root)!r})); job = w.new_job_id()\n"
        "(w.tmp_directory(job) / 'spill').write_text('Jane Doe'); print(job, flush=True)\n"
        "scratch = w.scratch(); scratch.__enter__(); os.kill(os.getpid(), 9)"
    )
    mine = workspace.tmp_directory(workspace.new_job_id())
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert len(list((workspace.root / "tmp").iterdir())) == 3
    Workspace.open(workspace.root)
    assert list((workspace.root / "tmp").iterdir()) == [mine]


def test_a_removal_cut_short_is_finished(workspace: Workspace) -> None:
    half = workspace.root / "tmp" / ".dead-20261122-024501-aae6"
    half.mkdir()
    (half / "spill").write_text("x")
    unnamed = workspace.root / "tmp" / ".scratch-1"
    unnamed.mkdir()
    Workspace.open(workspace.root)
    assert list((workspace.root / "tmp").iterdir()) == [unnamed], "it may be in the making"
    hours_ago = time.time() - 2 * 3600
    os.utime(unnamed, (hours_ago, hours_ago))
    Workspace.open(workspace.root)
    assert list((workspace.root / "tmp").iterdir()) == []


def test_owner_is_dead_when_its_number_is_reused_or_the_machine_restarted() -> None:
    me = Owner.current()
    assert not me.is_dead()
    assert not Owner.read(me.as_dict()).is_dead()
    assert Owner(me.pid, "1", me.boot, me.host).is_dead()
    assert Owner(me.pid, me.started, "another boot", me.host).is_dead()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert Owner(gone.pid, "", me.boot, me.host).is_dead()


def test_owner_on_another_host_is_dead_after_a_day_of_silence() -> None:
    other = Owner(1, "1", "b", "elsewhere")
    assert not other.is_dead()
    assert not other.is_dead(time.time() - 3600)
    assert other.is_dead(time.time() - 25 * 3600)


@pytest.mark.parametrize(
    "name", ["audit.log", "claims.duckdb", "jobs.sqlite", "lines", "tmp", "workspace.id"]
)
def test_a_workspace_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    root, elsewhere = tmp_path / "workspace", tmp_path / "elsewhere"
    Workspace.open(root)
    if (root / name).exists():
        (root / name).rename(elsewhere)
    (root / name).symlink_to(elsewhere)
    with pytest.raises(StoreError, match=f"{name} is a link"):
        Workspace.open(root)


def test_what_the_user_keeps_in_a_workspace_may_lie_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (tmp_path / "house").mkdir()
    (root / "rules").symlink_to(tmp_path / "house")
    (tmp_path / "link").symlink_to(root)
    assert Workspace.open(tmp_path / "link").id == Workspace.open(root).id
