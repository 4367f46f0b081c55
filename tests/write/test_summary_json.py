"""summary.json: order, exact numbers, dates."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl.write.files import OutputDir
from claimsctl.write.summary import KEYS, summary_json, write_summary

SUMMARY = {
    "extra": 1,
    "rows": {"read": 3, "accepted": 2},
    "started_at": dt.datetime(2026, 6, 30, 12, 0, tzinfo=dt.UTC),
    "job_id": "job-1",
    "pricing": {"expected": Decimal("0.10"), "as_of": dt.date(2026, 6, 30)},
    "rules": {"packs": {"b", "a"}, "not_run": ({"code": "X"},)},
    "rows_per_second": float("inf"),
    "outputs": {"errors": Path("out") / "errors.csv"},
    "mapping": {"ignored": {3: "Größe"}},
}


def test_document() -> None:
    text = summary_json(SUMMARY)
    document = json.loads(text)
    assert list(document) == [*(key for key in KEYS if key in SUMMARY), "extra"]
    assert document["started_at"] == "2026-06-30T12:00:00+00:00"
    assert document["pricing"] == {"expected": "0.10", "as_of": "2026-06-30"}
    assert document["rules"] == {"packs": ["a", "b"], "not_run": [{"code": "X"}]}
    assert document["rows_per_second"] is None
    assert document["outputs"] == {"errors": "out/errors.csv"}
    assert document["mapping"] == {"ignored": {"3": "Größe"}}
    assert text.endswith("}\n")


def test_the_documented_keys_come_first_in_their_order() -> None:
    shuffled = dict.fromkeys(reversed(KEYS), 0) | {"later": 0}
    assert list(json.loads(summary_json(shuffled))) == [*KEYS, "later"]


def test_what_json_cannot_hold_is_a_defect() -> None:
    with pytest.raises(TypeError, match="object"):
        summary_json({"rows": object()})


def test_file(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        assert write_summary(out, {"job_id": "job-1"}) == tmp_path / "summary.json"
        out.commit()
    assert json.loads((tmp_path / "summary.json").read_text()) == {"job_id": "job-1"}
