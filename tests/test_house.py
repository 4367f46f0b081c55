"""What a house decides about rules, as claimsctl.toml says it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import SettingsError
from claimsctl.house import Suppression, severities_of
from claimsctl.settings import load_settings

SUPPRESS = {"code": '"PRV-0*"', "reason": '"Ticket 17"', "until": "2026-12-31"}


def settings(tmp_path: Path, text: str) -> Any:
    (tmp_path / "claimsctl.toml").write_text(text, "utf-8")
    return load_settings(tmp_path, {})


def suppress(**keys: str) -> str:
    return "[[rules.suppress]]\n" + "".join(f"{k} = {v}\n" for k, v in {**SUPPRESS, **keys}.items() if v)


def test_suppressions_are_read(tmp_path: Path) -> None:
    more = suppress(code='"mod-001"', payer_id='"NSTAR"', practice='"main"', procedure_code='["j3420"]',
                    **{"from": "2026-07-01"})  # fmt: skip
    first, second = settings(tmp_path, suppress() + more).rules.suppressions()
    assert first == Suppression("PRV-0*", "Ticket 17", date(2026, 12, 31))
    assert second == Suppression(
        "MOD-001", "Ticket 17", date(2026, 12, 31), date(2026, 7, 1), "NSTAR", "main", frozenset({"J3420"})
    )


def test_one_procedure_needs_no_list_and_dates_may_be_texts(tmp_path: Path) -> None:
    (found,) = settings(
        tmp_path, suppress(procedure_code='"90837"', until='"2026-12-31"')
    ).rules.suppressions()
    assert (found.procedures, found.until) == (frozenset({"90837"}), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"reason": ""}, "reason is missing"),
        ({"until": ""}, "until is missing"),
        ({"code": ""}, "code is missing"),
        ({"reason": '" "'}, "reason should be text"),
        ({"code": "8"}, "code should be text"),
        ({"payer_id": "60054"}, "payer_id should be text"),
        ({"until": '"soon"'}, "until should be a date"),
        ({"until": "2026-12-31T00:00:00"}, "until should be a date"),
        ({"from": "2027-01-01"}, "from is after until"),
        ({"procedure_code": "90837"}, "list of codes"),
        ({"procedure_code": "[]"}, "list of codes"),
        ({"procedure": '"90837"'}, "procedure is not a setting; perhaps procedure_code is meant"),
    ],
)
def test_mistakes_in_a_suppression_are_named(tmp_path: Path, keys: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, suppress() + suppress(**keys))
    assert f"{tmp_path / 'claimsctl.toml'}, [rules] suppress number 2: " in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_day_too_far_ahead_is_a_mistake(tmp_path: Path) -> None:
    until = date.today() + timedelta(days=732)
    with pytest.raises(SettingsError, match=r"number 2: .*more than two years ahead"):
        settings(tmp_path, suppress() + suppress(until=str(until)))


@pytest.mark.parametrize("ahead", [-2000, 731])
def test_days_that_are_taken(tmp_path: Path, ahead: int) -> None:
    until = date.today() + timedelta(days=ahead)
    (found,) = settings(tmp_path, suppress(until=str(until))).rules.suppressions()
    assert found.until == until


@pytest.mark.parametrize(
    ("day", "works"),
    [("2026-06-30", False), ("2026-07-01", True), ("2026-12-31", True), ("2027-01-01", False)],
)
def test_days_on_which_a_suppression_works(day: str, works: bool) -> None:
    each = Suppression("PRV-031", "x", date(2026, 12, 31), date(2026, 7, 1))
    assert each.in_force(date.fromisoformat(day)) is works
    assert each.covers("PRV-031")
    assert not each.covers("PRV-0311")


def test_choices_for_payers_and_practices(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[rules.payer.NSTAR]\nwithout = ["pat-001"]\nseverity = { "pat-002" = "info" }\n'
        '[practice.main.rules]\nonly = ["mh-*"]\n',
    )
    assert found.rules.payer["NSTAR"].without == ("PAT-001",)
    assert found.rules.payer["NSTAR"].severity == {"PAT-002": "info"}
    assert found.practice["main"].rules.only == ("MH-*",)
    assert found.practice["main"].columns() == {}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('[rules.payer.X]\nwitout = ["A"]', ["[rules.payer.X] witout", "Did you mean without?"]),
        ('[practice.m.rules]\nonyl = ["A"]', ["[practice.m.rules] onyl", "Did you mean only?"]),
        ('[rules.payer.X]\nseverity = { "A" = "bad" }', ["[rules.payer.X] severity.A", "'warning'"]),
        ('[rules.suppress]\ncode = "A"', ["[rules] suppress", "[[rules.suppress]]"]),
        ('[rules.payer]\nX = "A"', ["[rules.payer.X]", "table"]),
    ],
)
def test_mistakes_in_tables_are_named(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_the_nearer_table_wins_also_with_a_pattern() -> None:
    common = {"PAT-001": "error", "PAT-*": "warning", "DX-001": "info"}
    assert severities_of(common, {"PAT-*": "info"}) == {"DX-001": "info", "PAT-*": "info"}  # type: ignore[arg-type]
    assert severities_of(common, {"PAT-001": "info"}) == {**common, "PAT-001": "info"}  # type: ignore[arg-type]
