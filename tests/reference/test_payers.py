"""The registry: ids and names that lead to one payer each."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl
import pytest

from claimsctl.errors import SettingsError
from claimsctl.reference import Tables


def folded(name: str) -> str:
    return "".join(c for c in name.upper() if c.isalnum())


def names_of(tables: Tables) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for payer, name, aliases in tables["payers"].frame.select("payer_id", "name", "aliases").iter_rows():
        for word in (payer, name, *(aliases or "").split(";")):
            if word:
                found.setdefault(folded(word), set()).add(payer)
    return found


def test_names_and_aliases_are_unique(tables: Tables) -> None:
    assert {name: payers for name, payers in names_of(tables).items() if len(payers) > 1} == {}


def test_ids_are_unique_without_leading_zeros(tables: Tables) -> None:
    short = Counter(payer.lstrip("0") for payer in tables["payers"].frame["payer_id"])
    assert [payer for payer, count in short.items() if count > 1] == []


@pytest.mark.parametrize(
    ("word", "payer"),
    [("UHC", "87726"), ("AETNA", "60054"), ("CIGNA", "62308"), ("HUMANA", "61101"), ("BCBSMA", "SB700"),
     ("BCBSFL", "00590"), ("Medi-Cal", "SKCA0"), ("Anthem", "47198"), ("Medicare", "MEDICARE"),
     ("MEDICAID", "MEDICAID"), ("TRICARE East", "99727"), ("MassHealth", "SKMA0"), ("01112", "01112")],
)  # fmt: skip
def test_short_names(tables: Tables, word: str, payer: str) -> None:
    assert names_of(tables)[folded(word)] == {payer}


def test_florida_blue_is_not_massachusetts(tables: Tables) -> None:
    state = dict(tables["payers"].frame.select("payer_id", "state").iter_rows())
    assert (state["00590"], state["SB700"]) == ("FL", "MA")


def test_every_state_has_a_medicaid_programme(tables: Tables) -> None:
    frame = tables["payers"].frame.filter(type="medicaid").drop_nulls("state")
    states = set(tables["states"].frame.filter(pl.col("kind").is_in(["state", "district"]))["code"])
    assert set(frame["state"]) == states | {"PR"}


def test_states_and_patterns_can_be_used(tables: Tables) -> None:
    frame = tables["payers"].frame
    assert set(frame["state"].drop_nulls()) <= set(tables["states"].frame["code"])
    for pattern in frame["id_pattern"].drop_nulls().unique():
        re.compile(pattern)
        assert pattern.startswith("^")
        assert pattern.endswith("$")
    limits = frame.select("filing_limit_days", "corrected_claim_days", "cob_days")
    assert limits.select(pl.all().drop_nulls().is_between(30, 730).all()).row(0) == (True, True, True)


def test_timely_filing_follows_the_registry(tables: Tables) -> None:
    assert tables["timely_filing"].frame.filter(payer_id="87726")["filing_limit_days"].to_list() == [90]
    more = tables.with_entries("payers", {"87726": {"filing_limit_days": 120}, "EHP01": {"cob_days": 60}})
    frame = more["timely_filing"].frame
    assert frame.filter(payer_id="87726").row(0)[:3] == ("87726", 120, None)
    assert frame.filter(payer_id="EHP01").row(0)[:4] == ("EHP01", None, None, 60)


def test_settings_add_and_replace(tables: Tables) -> None:
    more = tables.with_entries(
        "payers",
        {
            "87726": {"filing_limit_days": 180},
            "EHP01": {"name": "Example Health Plan", "aliases": ["EHP", "EXAMPLE HMO"], "type": "commercial"},
        },
    )
    frame = more["payers"].frame
    assert frame.height == tables["payers"].frame.height + 1
    united = frame.filter(payer_id="87726").row(0, named=True)
    assert (united["name"], united["filing_limit_days"], united["telehealth_pos"]) == (
        "UnitedHealthcare",
        180,
        True,
    )
    assert frame.filter(payer_id="EHP01")["aliases"].to_list() == ["EHP;EXAMPLE HMO"]
    assert "2 of claimsctl.toml" in more["payers"].editions[0].name
    assert tables["payers"].frame.filter(payer_id="EHP01").is_empty()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"filing_limit": 90},
            r"claimsctl.toml, \[payers.X1\]: filing_limit is no column.*filing_limit_days",
        ),
        ({"filing_limit_days": "90"}, "filing_limit_days: give a whole number"),
        ({"filing_limit_days": True}, "filing_limit_days: give a whole number"),
        ({"ndc_required": "yes"}, "ndc_required: give true or false"),
        ({"type": "insurer"}, "type: give one of medicare, "),
        ({"valid_to": "2026-01-01"}, "valid_to: give a date such as 2026-01-31"),
        ({"name": 7}, "name: give a text in quotes"),
    ],
)
def test_settings_that_do_not_fit(tables: Tables, values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        tables.with_entries("payers", {"X1": values})
