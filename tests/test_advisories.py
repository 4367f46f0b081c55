"""The check of advisories never passes for want of an answer."""

from __future__ import annotations

import json

import pytest

from tests.advisories import judged

SOUND = {"name": "polars", "version": "2.1.0", "vulns": []}
SKIPPED = {"name": "duckdb", "skip_reason": "Dependency not found"}
WEAK = {
    "name": "lark", "version": "1.2.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.2.1"]}, {"id": "PYSEC-2026-2", "fix_versions": []}],
}  # fmt: skip


@pytest.mark.parametrize("said", ["", "no JSON", "[]", json.dumps({"dependencies": [SKIPPED, SKIPPED]})])
def test_nothing_looked_up_is_said(said: str) -> None:
    (line,), code = judged(said)
    assert "NOT CHECKED" in line
    assert code == 0


def test_what_was_left_out_is_named() -> None:
    lines, code = judged(json.dumps({"dependencies": [SOUND, SKIPPED]}))
    assert lines == ["Advisories: 1 of 2 packages looked up, 0 known weaknesses.", "NOT CHECKED: duckdb"]
    assert code == 0


def test_weaknesses_fail() -> None:
    lines, code = judged(json.dumps({"dependencies": [SOUND, WEAK]}))
    assert code == 1
    assert lines[1:] == [
        "  lark 1.2.0: PYSEC-2026-1, mended in 1.2.1",
        "  lark 1.2.0: PYSEC-2026-2, mended in no version yet",
    ]
