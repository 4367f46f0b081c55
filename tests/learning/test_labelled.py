"""Labelled files: what their columns become, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import ClaimsctlError, InputError, MappingError, UsageError
from claimsctl.learning.labelled import Asked, read_labelled
from claimsctl.learning.labels import own_column, read_days, read_labels
from claimsctl.models.training import Labelled
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.validate.ruleset import Selection


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook(Selection(only=frozenset({"PAT-008", "FIN-*"})))


Read = Callable[..., Labelled]


@pytest.fixture
def read(rulebook: Rulebook, tmp_path: Path) -> Read:
    """Labelled claims of rows, written as CSV."""

    def labelled(*rows: dict[str, object], **asked: object) -> Labelled:
        path = tmp_path / "labelled.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return read_labelled(Asked([str(path)], run_date=date(2026, 6, 1), **asked), rulebook, tmp_path)  # type: ignore[arg-type]

    return labelled


CLAIM = {
    "Claim #": "A1", "DOS": "2026-01-05", "CPT": "90837", "Dx1": "F41.1", "Billed": "150.00",
    "Payer Code": "60054", "POS": "11", "Patient DOB": "1990-01-01",
}  # fmt: skip


def test_canonical_columns_become_features_a_row_per_claim(read: Read) -> None:
    found = read(
        {**CLAIM, "denied": "no"},
        {**CLAIM, "Billed": "50", "denied": "yes"},
        {**CLAIM, "Claim #": "B2", "Payer Code": "87726", "DOS": "2026-02-05", "denied": "0"},
    )
    assert found.denied.to_list() == [True, False]  # a line of the first claim was denied
    assert found.features["charge"].to_list() == [200, 150]
    assert found.features["payer"].to_list() == ["60054", "87726"]
    assert found.features["patient_age"].to_list() == [36, 36]
    assert found.day.to_list() == [date(2026, 1, 5), date(2026, 2, 5)]
    assert found.dollars.to_list() == [200, 150]
    assert found.features["days_to_file"].to_list() == [None, None]  # when it was sent is not known
    assert found.kinds["charge"] == "number"
    assert "patient_age" not in found.kinds  # the same on all
    assert len(found.digest) == 64


def test_columns_may_say_features_themselves(read: Read) -> None:
    found = read(
        {"claim_id": 1, "payer_type": "commercial", "Lag": "12", "Auth?": "Y", "was_denied": "T"},
        {"claim_id": 2, "payer_type": "medicare", "Lag": "40", "Auth?": "N", "was_denied": "F"},
        label="was_denied",
        mapping={"Lag": "days_to_file", "Auth?": "has_authorization"},
    )
    assert found.features["payer_type"].to_list() == ["commercial", "medicare"]
    assert found.features["days_to_file"].to_list() == [12, 40]
    assert found.features["has_authorization"].to_list() == [True, False]
    assert {"payer_type", "days_to_file", "has_authorization"} <= found.kinds.keys()


def test_own_columns_are_used_where_they_are_asked_for(read: Read) -> None:
    rows = [
        {"Claim ID": n, "Portal": p, "Score": s, "Site": "x", "denial_reason": r, "denied": d}
        for n, p, s, r, d in [(1, "a", "1.5", "why", 1), (2, "b", "2", "", 0)]
    ]
    unasked = read(*rows)
    assert unasked.features.columns[-1] != "x_portal"
    assert unasked.notes[0].startswith("Columns that are not used: Portal, Score, Site. Use those")
    found = read(*rows, also=["all"])
    assert found.features["x_portal"].to_list() == ["a", "b"]
    assert found.features["x_score"].to_list() == [1.5, 2]
    assert found.left_out == {
        "x_site": "is the same on every row",
        "x_denial_reason": "by its name it is filled when the payer has decided",
    }
    assert read(*rows, also=["Portal"]).kinds.get("x_portal") == "category"
    for leaking in ({"also": ["denial_reason"]}, {"mapping": {"denial_reason": "weekday"}}):
        with pytest.raises(UsageError, match=r"denial_reason: .*filled when the payer has decided"):
            read(*rows, **leaking)


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"also": ["Portl"]}, "--also: the input has no header 'Portl'"),
     ({"mapping": {"Lagg": "days_to_file"}}, "--map: the input has no header 'Lagg'"),
     ({"day": "Month"}, "has no column 'Month'")],
)  # fmt: skip
def test_a_column_that_is_not_there_is_named(read: Read, asked: dict[str, object], message: str) -> None:
    with pytest.raises(MappingError, match=message) as raised:
        read({**CLAIM, "Portal": "a", "denied": 1}, **asked)
    assert "--label" not in str(raised.value.hint)


def test_what_payers_fill_is_no_feature(read: Read) -> None:
    one, two = ({**CLAIM, "Claim #": n, "Allowed": n, "Ins Paid": n, "denied": n} for n in (0, 1))
    found = read(one, two)
    assert found.left_out.keys() == {"allowed_amount", "paid_amount"}
    assert not {"allowed_amount", "paid_amount"} & set(found.features.columns)


def test_findings_of_rules_are_features(read: Read) -> None:
    found = read({**CLAIM, "denied": 0}, {**CLAIM, "Claim #": "B", "Patient DOB": "1790-01-01", "denied": 1})
    assert found.features["errors"].to_list()[0] == 0
    assert found.features["errors"].to_list()[1] > 0
    assert found.features["found_patient"].to_list() == [0, 1]


def test_what_was_decided_later_is_no_history(read: Read) -> None:
    days = ["2026-01-01", "2026-01-20", "2026-03-01"]
    found = read(*({**CLAIM, "Claim #": n, "DOS": day, "denied": n == 0} for n, day in enumerate(days)))
    rates = found.features["payer_denial_rate"].to_list()
    assert rates[:2] == [None, None]  # the first one counts as decided 45 days after its day
    assert rates[2] == 1.0


def test_a_claim_named_in_two_rows_without_outcome_is_left_out(read: Read) -> None:
    found = read({**CLAIM, "denied": ""}, {**CLAIM, "Claim #": "B", "denied": "1"})
    assert found.features.height == 1
    assert any("left out" in note for note in found.notes)


def test_the_label_column_is_named_or_found(read: Read) -> None:
    with pytest.raises(MappingError, match=r"says by its name whether a claim was denied.*--label"):
        read({**CLAIM, "verdict": 1})
    with pytest.raises(MappingError, match="no column 'verdikt'"):
        read({**CLAIM, "verdict": 1}, label="verdikt")
    assert read({**CLAIM, "verdict": 1}, label="Verdict").denied.to_list() == [True]


@pytest.mark.parametrize(
    "said",
    [("yes", "no"), ("1", "0"), ("TRUE", "False"), ("Denied", "Paid"), ("y", "N"), ("1.0", "0.0"),
     ("Denied", "Not denied")],
)  # fmt: skip
def test_labels_in_many_words(said: tuple[str, str]) -> None:
    assert read_labels(pl.Series([*said, None, "pending"]), "x").to_list() == [True, False, None, None]


def test_labels_that_say_neither_are_an_error_that_quotes_nothing() -> None:
    with pytest.raises(InputError, match=r"2 of 3 values of the label column 'name' are neither") as caught:
        read_labels(pl.Series(["Smith", "1", "Jones"]), "name")
    assert "Smith" not in str(caught.value)


def test_months_are_days() -> None:
    assert read_days(pl.Series(["2026-05", "202606", "2026-07-08", "05/09/2026", "soon"])).to_list() == [
        date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 8), date(2026, 5, 9), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["yes", "no"], "number"), (["1", "2"], "number"), (["a", "b"], "category"), ([None, None], "is blank"),
     (["a", "a"], "is the same on every row"), (["2026-01-01", "2026-01-02"], "is a date"),
     ([f"n{n}" for n in range(100)], "has nearly as many values as rows")],
)  # fmt: skip
def test_what_own_columns_are(values: list[str | None], expected: str) -> None:
    found = own_column(pl.Series("x", values, dtype=pl.String))
    if isinstance(found, str):
        assert found.startswith(expected)
    else:
        assert found[1] == expected


def test_files_that_are_not_there_or_hold_nothing(read: Read, rulebook: Rulebook, tmp_path: Path) -> None:
    with pytest.raises(ClaimsctlError):
        read_labelled(Asked([str(tmp_path / "none.csv")]), rulebook, tmp_path)
