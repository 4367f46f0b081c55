"""What changed between two packs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claimsctl.validate.diffing import KEYS, compare_packs
from claimsctl.validate.pack import Pack, load_pack

RULE = {
    "code": '"HOUSE-001"', "name": '"units_small"', "severity": '"warning"', "fields": '["units"]',
    "rule_expression": '"units <= 20"', "error_message": '"units is {units}"', "suggestion": '"Check."',
}  # fmt: skip


def pack(path: Path, *rules: dict[str, str], name: str = "house") -> Pack:
    texts = ["[[rule]]\n" + "\n".join(f"{k} = {v}" for k, v in {**RULE, **rule}.items()) for rule in rules]
    path.write_text(f'[pack]\nname = "{name}"\n' + "\n".join(texts) + "\n")
    return load_pack(path)


def test_rules_come_and_go(tmp_path: Path) -> None:
    two = {"code": '"HOUSE-002"', "name": '"two"'}
    before = pack(tmp_path / "a.toml", {}, two)
    after = pack(tmp_path / "b.toml", {"code": '"HOUSE-003"', "name": '"three"'}, two)
    changes = compare_packs([before], [after])
    assert [rule.code for rule in changes.added] == ["HOUSE-003"]
    assert [rule.code for rule in changes.removed] == ["HOUSE-001"]
    assert changes.changed == ()
    assert changes


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("severity", '"error"', "warning", "error"),
        ("rule_expression", '"units <= 9"', "units <= 20", "units <= 9"),
        ("when", '"charge_amount > 5"', None, "charge_amount > 5"),
        ("error_message", '"many: {units}"', "units is {units}", "many: {units}"),
        ("name", '"units_few"', "units_small", "units_few"),
        ("valid_from", "2026-10-01", None, "2026-10-01"),
        ("valid_to", "2026-12-31", None, "2026-12-31"),
        ("fields", '["units", "charge_amount"]', ["units"], ["units", "charge_amount"]),
        ("level", '"claim"', "line", "claim"),
        ("each", "true", False, True),
        ("passes", '[{ units = "3" }]', [], [[{"units": "3"}]]),
        ("fails", '[{ units = "30", as_of = 2026-01-01 }]', [], [[{"units": "30"}, {"as_of": "2026-01-01"}]]),
    ],
)
def test_keys_that_change(tmp_path: Path, key: str, value: str, old: object, new: object) -> None:
    before, after = pack(tmp_path / "a.toml", {}), pack(tmp_path / "b.toml", {key: value})
    changes = compare_packs([before], [after])
    (change,) = changes.changed
    assert change.rule.code == "HOUSE-001"
    assert change.keys == {key: (old, new)}
    assert json.loads(json.dumps(change.keys)) == {key: [old, new]}


def test_where_a_rule_stands_is_no_change(tmp_path: Path) -> None:
    before = pack(tmp_path / "a.toml", {})
    moved = pack(tmp_path / "b.toml", {"code": '"HOUSE-002"', "name": '"two"'}, {}, name="other")
    changes = compare_packs([before], [moved])
    assert changes.changed == changes.removed == ()
    assert not compare_packs([before], [before])
    assert {"file", "line", "lines"}.isdisjoint(KEYS)
