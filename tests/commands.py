"""Running command lines in tests: in this process, or in one of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
FEW_RULES = ("--only", "FIN-*", "--only", "PAT-*")
"""For runs in processes of their own where it does not matter what is found: all rules are half the work."""
_KEPT = 12
"""Rulebooks in memory at once; each takes some 50 MB."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Command = Callable[..., Ended]


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start `claimsctl` in a process of its own, with the environment of the test."""
    command = [sys.executable, "-m", "claimsctl.cli.app", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling everything anew takes a second of each start
    return subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a started command."""
    out, err = process.communicate(timeout=600)
    assert "Traceback" not in out + err
    return Ended(process.returncode, out, err)


def remembering(load: Callable[..., Any]) -> Callable[..., Any]:
    """`load_rulebook` that keeps what it read: reading every rule takes longer than most runs of tests."""
    kept: dict[str, Any] = {}

    def loaded(
        selection: Any, extra_packs: Any = (), payers: Any = None, editions: Any = None, **options: Any
    ) -> Any:
        packs = [(str(path), path.read_bytes() if path.is_file() else b"") for path in extra_packs]
        there = [e for table in editions.tables() for e in editions.editions(table)] if editions else []
        asked = repr((selection, packs, payers, there, sorted(options.items())))
        if asked not in kept:
            if len(kept) == _KEPT:
                del kept[next(iter(kept))]
            kept[asked] = load(selection, extra_packs, payers, editions, **options)
        return kept[asked]

    return loaded
