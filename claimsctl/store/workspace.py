"""The directory in which claimsctl keeps what it knows, and the names of everything in it.

- claims.duckdb: claims, history, patients (identifiers sealed)
- jobs.sqlite: jobs and their progress
- lines/<job>/: part-*.parquet, lines as stored; part-*.sealed, notes and unmapped columns
- jobs/<job>/: findings.parquet, claims.parquet and other files of a job; details/ its findings in full,
  masked; rejects/ its rejected rows, sealed
- tmp/<job>/: private spill of a running job; leftovers of dead processes are removed
- reference/<table>/<edition>/: loaded editions of reference tables
- audit.log: append-only
- crashes/: reports of internal errors, without values
- claimsctl.toml: settings
- workspace.id, key.id: its random identity, and which secret it was made with
- access.json: users, roles and their wrapped keys, where there are any
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from claimsctl.errors import StoreError, UsageError
from claimsctl.security.files import (
    DIRECTORY_MODE,
    create_private,
    disk_errors,
    private_directory,
    write_private,
)
from claimsctl.security.kept import IDENTITY, KEPT
from claimsctl.store.owner import Owner

SETTINGS_FILE = "claimsctl.toml"
OWNER_FILE = "owner.json"
COMMIT_FILE = "commit.json"
ROLLBACK_FILE = "rollback.json"
REFERENCE_DIRECTORY = "reference"
DETAILS = "details"
"""Directory of a job with its findings in full: found-*.parquet."""
_JOB_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_UNNAMED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace. `root` is absolute; `id` is random and names its secret."""

    root: Path
    id: str

    @staticmethod
    def open(path: Path, *, create: bool = True) -> Workspace:
        """Open the workspace at `path`, making it first when `create`; clears up after dead processes.

        Raises UsageError when there is no workspace or a file is in its place, StoreError when it
        cannot be used.
        """
        root = path.expanduser().absolute()
        if root.exists() and not root.is_dir():
            raise UsageError(f"The workspace {root} is a file.", hint="Name a directory with --workspace.")
        _refuse_links(root)
        identity = root / IDENTITY
        if not identity.exists():
            if not create:
                raise UsageError(
                    f"There is no claimsctl workspace in {root}.",
                    hint="Run `claimsctl process` first, or name the workspace with --workspace.",
                )
            _make(root, identity)
        with disk_errors(identity, "read"):
            text = identity.read_text("ascii", errors="replace").strip()
        try:
            name = str(uuid.UUID(text))
        except ValueError:
            raise StoreError(f"{identity} is damaged.", hint="Restore it from a backup.") from None
        workspace = Workspace(root, name)
        workspace.sweep()
        return workspace

    @staticmethod
    def is_missing(path: Path) -> bool:
        """Whether there is no workspace at `path`, but one could be made."""
        return not (path / IDENTITY).exists() and (path.is_dir() or not path.exists())

    @property
    def claims_database(self) -> Path:
        """DuckDB file of claims, history and patients."""
        return self.root / "claims.duckdb"

    @property
    def jobs_database(self) -> Path:
        """SQLite file of jobs."""
        return self.root / "jobs.sqlite"

    @property
    def audit_log(self) -> Path:
        """The audit file."""
        return self.root / "audit.log"

    @property
    def settings_file(self) -> Path:
        """claimsctl.toml of the workspace; it need not exist."""
        return self.root / SETTINGS_FILE

    @property
    def key_id_file(self) -> Path:
        """Which secret the workspace was made with."""
        return self.root / "key.id"

    @property
    def access_file(self) -> Path:
        """Registry of users, roles and wrapped keys; it need not exist."""
        return self.root / "access.json"

    def new_job_id(self, now: datetime | None = None) -> str:
        """A fresh job id, sorted by time (UTC) to 16 microseconds; reserves `jobs/<job>/`."""
        while True:
            at = now or datetime.now(UTC)
            job_id = f"{at:%Y%m%d-%H%M%S}-{at.microsecond // 16:04x}"
            try:
                with disk_errors(self.root / "jobs", "create a directory in"):
                    (self.root / "jobs" / job_id).mkdir(mode=DIRECTORY_MODE)
            except StoreError as error:
                if not isinstance(error.__cause__, FileExistsError):
                    raise
                now = None
                time.sleep(0.001)
            else:
                return job_id

    def job_directory(self, job_id: str) -> Path:
        """Files kept with a job."""
        return self.root / "jobs" / _checked(job_id)

    def findings_file(self, job_id: str) -> Path:
        """Findings of a job: claim_id, line_number, code."""
        return self.job_directory(job_id) / "findings.parquet"

    def claim_ids_file(self, job_id: str) -> Path:
        """Which claims a committed job saw: claim_id."""
        return self.job_directory(job_id) / "claims.parquet"

    def risks_file(self, job_id: str) -> Path:
        """What stored claims said of their risk before a committed job said something else."""
        return self.job_directory(job_id) / "risks.parquet"

    @property
    def reference_directory(self) -> Path:
        """Loaded editions of reference tables."""
        return self.root / REFERENCE_DIRECTORY

    def lines_directory(self, job_id: str) -> Path:
        """Stored line parts of a job."""
        return self.root / "lines" / _checked(job_id)

    @property
    def sending_directory(self) -> Path:
        """What jobs have still to write into databases; not outbox/, which may be an inbox's output."""
        return self.root / "sending"

    def outbox_directory(self, job_id: str) -> Path:
        """What of a job is still to be written into databases; it need not exist."""
        return self.sending_directory / _checked(job_id)

    def tmp_directory(self, job_id: str) -> Path:
        """Private spill directory of a job this process runs; made on first call."""
        return self._owned(_checked(job_id))

    def remove_tmp(self, job_id: str, *, settle_later: bool = False) -> None:
        """Remove the spill directory of a finished job; `settle_later`: but leave what tells the next start
        that its commit is to be settled."""
        path = self.root / "tmp" / _checked(job_id)
        if not settle_later:
            _remove(path)
            return
        for left in path.iterdir() if path.is_dir() else ():
            if left.name not in (OWNER_FILE, COMMIT_FILE, ROLLBACK_FILE):
                with suppress(OSError):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
        with suppress(StoreError):  # should it be refused, this waits for the end of the process
            write_private(path / OWNER_FILE, json.dumps(Owner.current().ended().as_dict()).encode())

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private directory for the block."""
        path = self._owned(f"scratch-{secrets.token_hex(6)}")
        try:
            yield path
        finally:
            _remove(path)

    def sweep(self) -> None:
        """Remove what dead processes left in tmp/, first settling a commit they were in the middle of."""
        try:
            found = sorted((self.root / "tmp").iterdir())
        except OSError:
            return
        for path in found:
            owner = owner_of(path)
            if owner is None:
                with suppress(OSError):
                    if path.name.startswith(".dead-") or _age(path) > _UNNAMED_SECONDS:
                        _remove(path)
            elif owner.is_dead(_last_change(path)) and self._settle(path):
                _remove(path)

    def _settle(self, path: Path) -> bool:
        """False when the unfinished commit in `path` cannot be settled now; its files stay then."""
        from claimsctl.store.recovery import settle, settle_rollback

        if (path / ROLLBACK_FILE).exists():
            return settle_rollback(self, path.name)
        if not (path / COMMIT_FILE).exists():
            if _JOB_ID.fullmatch(path.name):  # what a job meant to send waits only for what is stored
                shutil.rmtree(self.outbox_directory(path.name), ignore_errors=True)
            return True
        return settle(self, path.name)

    def _owned(self, name: str) -> Path:
        path = self.root / "tmp" / name
        if path.is_dir():
            return path
        # Made aside and renamed, so that a directory under its final name always names its owner.
        aside = path.with_name(f".{name}-{secrets.token_hex(3)}")
        private_directory(aside)
        write_private(aside / OWNER_FILE, json.dumps(Owner.current().as_dict()).encode())
        with disk_errors(path, "create the directory"):
            aside.rename(path)
        return path


def _refuse_links(root: Path) -> None:
    """A workspace that came from elsewhere could lead us to write, or remove, what is not in it."""
    if not root.is_dir():
        return
    with disk_errors(root, "read"), os.scandir(root) as entries:
        found = sorted(each.name for each in entries if each.name in KEPT and each.is_symlink())
    if found:
        raise StoreError(
            f"{root / found[0]} is a link; what a workspace keeps lies in it.",
            hint="Put back what it leads to. To keep all of it elsewhere, name that place with --workspace.",
        )


def _make(root: Path, identity: Path) -> None:
    if not root.exists():
        with disk_errors(root, "create the workspace"):
            root.parent.mkdir(parents=True, exist_ok=True)
            root.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    for name in ("lines", "jobs", "tmp"):
        private_directory(root / name)
    create_private(identity, f"{uuid.uuid4()}\n".encode())


def _checked(job_id: str) -> str:
    if not _JOB_ID.fullmatch(job_id):
        raise UsageError(f"{job_id!r} is not a job id.", hint="Job ids look like 20260630-141503-ab12.")
    return job_id


def owner_of(path: Path) -> Owner | None:
    """Whose a directory of tmp/ is; None where it does not say."""
    try:
        return Owner.read(json.loads((path / OWNER_FILE).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _last_change(path: Path) -> float | None:
    try:
        return max(entry.stat().st_mtime for entry in (path, *path.iterdir()))
    except OSError:
        return None


def _remove(path: Path) -> None:
    """Remove a directory; a removal that is cut short is finished by the next sweep."""
    dead = path if path.name.startswith(".dead-") else path.with_name(f".dead-{path.name.lstrip('.')}")
    with suppress(OSError):
        if dead != path:
            path.rename(dead)
        shutil.rmtree(dead, ignore_errors=True)
