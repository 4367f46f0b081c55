"""Which process owns a job or a temporary directory, and whether it still lives."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_FOREIGN_SILENCE = 24 * 3600.0
"""Seconds without a sign of life after which an owner on another host counts as dead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its number, when it started, and the boot and host on which both mean something."""

    pid: int
    started: str
    boot: str
    host: str

    @staticmethod
    def current() -> Owner:
        """This process."""
        pid = os.getpid()
        return Owner(pid, _started(pid) or "", _boot(), _host())

    @staticmethod
    def read(values: Mapping[str, object]) -> Owner:
        """From `as_dict`; raises KeyError or ValueError when it is something else."""
        return Owner(
            int(str(values["pid"])), str(values["started"]), str(values["boot"]), str(values["host"])
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def ended(self) -> Owner:
        """The owner of what this process leaves behind: it counts as dead while the process lives on."""
        return replace(self, boot="ended")

    def is_dead(self, last_sign: float | None = None) -> bool:
        """Whether the process has gone. `last_sign` (epoch seconds) decides for another host's process."""
        if self.host != _host():
            return last_sign is not None and time.time() - last_sign > _FOREIGN_SILENCE
        if self.boot != _boot():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # it lives, under another account
        started = _started(self.pid)
        # The number may have been given to a new process; its start time tells.
        return started is not None and bool(self.started) and started != self.started


@cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@cache
def _host() -> str:
    """Host name, and the process namespace where containers have their own."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{os.uname().nodename} {space}".strip()


def _started(pid: int) -> str | None:
    """Start of a process in clock ticks since boot; None where the system does not tell."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()  # the name before it may hold spaces and parentheses
    return fields[19].decode() if len(fields) > 19 and fields[0] != b"Z" else ""
