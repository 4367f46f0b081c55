"""The test server as tests use it: started in a process of its own, its switches as methods."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

USER, PASSWORD = "loader", "Not-a-real-1"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Log:
    """What the server was asked: statements in order, messages, logins."""

    statements: list[str]
    round_trips: int
    logins: int

    def count(self, matching: str) -> int:
        return sum(1 for text in self.statements if re.search(matching, text, re.I | re.S))


class RemoteServer:
    """A server on a port of this machine with the database `claims`; the data is in `directory`."""

    user, password = USER, PASSWORD

    def __init__(
        self,
        directory: Path,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        required: bool = False,
    ) -> None:
        self.port = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tds"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        files = {"certificate": str(certificate or ""), "key": str(key or "")}
        self._do("open", directory=str(directory), required=required, **files)

    def _do(self, order: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([order, arguments]) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["answer"]

    def start(self) -> RemoteServer:
        """Listen; again on the same port after `stop`."""
        self.port = self._do("start")
        return self

    def stop(self) -> None:
        """Listen no longer and cut every connection; the data stays."""
        self._do("stop")

    def clean(self, *, kept: str = "") -> None:
        """No tables (or those kept under that name), no faults, an empty log."""
        self._do("drop_all")
        self._do("reset")
        self._do("clean", kept=kept)
        self.start()

    def keep(self, name: str) -> None:
        """Keep the tables as they are for `clean(kept=name)`."""
        self._do("keep", name=name)

    def reset(self) -> None:
        """No faults, an empty log; tables stay."""
        self._do("reset")

    def drop_all(self) -> None:
        """Cut every connection."""
        self._do("drop_all")

    def error(self, number: int, *, matching: str, nth: int = 1, times: int = 1, message: str = "") -> None:
        """Answer the nth statement that matches with this error, and `times` - 1 after it."""
        self._do("error", number=number, matching=matching, nth=nth, times=times, message=message)

    def drop(self, *, matching: str, nth: int = 1, times: int = 1, after: bool = False) -> None:
        """Cut the connection at the nth statement that matches; `after` it was carried out, or before."""
        self._do("drop", matching=matching, nth=nth, times=times, after=after)

    def slow(self, seconds: float, *, matching: str, nth: int = 1, times: int = 1) -> None:
        """Wait before statements that match."""
        self._do("slow", seconds=seconds, matching=matching, nth=nth, times=times)

    def deny(self, permission: str, table: str = "") -> None:
        """Take a right away: INSERT on a table (229), CREATE TABLE (262)."""
        self._do("deny", permission=permission, table=table)

    def login(self, user: str, password: str) -> None:
        """Let one more user in, or change a password."""
        self._do("login", user=user, password=password)

    @property
    def log(self) -> Log:
        return Log(**self._do("log"))

    @property
    def encrypted(self) -> list[bool]:
        """Of every login, whether it came over TLS."""
        answer: list[bool] = self._do("encrypted")
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def __enter__(self) -> RemoteServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
