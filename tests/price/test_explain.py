"""The steps of one line, and that they come to its amount."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from claimsctl.price.explain import Step, explain
from claimsctl.price.line import price
from claimsctl.price.ranked import aligned, ranked
from claimsctl.price.ranks import candidates
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Table
from tests.price.tables import HERE, lines, tables
from tests.price.test_anesthesia import given as anesthesia
from tests.price.test_anesthesia import line as asleep
from tests.price.test_contracts import house
from tests.price.test_contracts import line as agreed
from tests.price.test_ranks import claims

CENT = Decimal("0.01")


def steps(
    row: Mapping[str, object], given: Mapping[str, Table] | None = None, **terms: object
) -> dict[str, Step]:
    schedule = Schedule(given or tables(), Terms(**terms))  # type: ignore[arg-type]
    return {step.step: step for step in explain(lines(row), schedule)}


def test_a_visit() -> None:
    found = explain(lines({}), Schedule(tables(), Terms()))
    assert [(step.step, step.value) for step in found] == [
        ("code", "99213"),
        ("place of service", "11"),
        ("locality", "10212-99"),
        ("work", "1.3"),
        ("practice expense", "1.30232"),
        ("malpractice", "0.10728"),
        ("conversion factor", "33.4009"),
        ("amount of one unit", "90.50"),
        ("units x amount", "90.50"),
        ("amount of the line", "90.50"),
        ("expected allowed amount", "90.50"),
        ("expected net amount", "89.05"),
    ]
    amount = next(step for step in found if step.step == "amount of one unit")
    assert amount.how == ("(1.3 x 1 + 1.46 x 0.892 + 0.09 x 1.192) x 33.4009, rounded half up to the cent")
    assert (amount.edition, amount.manual) == ("RVU26C", "RVU26B, formula; 42 CFR 414.20")


def test_modifiers_and_terms() -> None:
    line = {"procedure_code": "27447", "modifier_1": "50", "modifier_2": "80", "place_of_service": "22"}
    found = steps(line, participating=False)
    whole = Decimal(found["units x amount"].value)
    assert found["modifier 50"].how == f"{whole} x 150%"
    assert Decimal(found["modifier 50"].value) == whole * Decimal("1.5")
    assert Decimal(found["modifier 80"].value) == whole * Decimal("0.24")
    assert "ch. 12 s. 40.7" in str(found["modifier 50"].manual)
    assert "ch. 12 s. 20.4.3" in str(found["modifier 80"].manual)
    assert found["adjusted allowed amount"].how == "non-participating:95%"
    assert "limiting charge" in found


def test_percents_of_providers_have_their_source() -> None:
    found = steps({"modifier_1": "CQ"})
    assert found["adjusted allowed amount"].how == "CQ:85%"
    assert found["adjusted allowed amount"].manual == "physical therapist assistant, 42 CFR 410.60"


def test_a_line_that_is_not_priced() -> None:
    found = explain(lines({"procedure_code": "99397"}), Schedule(tables(), Terms()))
    assert found == [
        Step("status", "NOT_COVERED", "Medicare does not cover it."),
        Step("note", "", "Status N in RVU26C."),
    ]
    units = steps({"units": Decimal("0.5")})
    assert units["status"].value == "BAD_UNITS"
    assert units["amount of one unit"].value == "90.50"


def test_anesthesia_and_contracts() -> None:
    found = steps(asleep("QK"), given=anesthesia())
    assert (found["base units"].value, found["units"].value) == ("4", "7.2")
    assert found["expected allowed amount"].value == "72.07"
    rate = steps(agreed("10005", charge_amount=Decimal("480.10")), given=house())
    assert rate["rate of the contract"].value == "500.00"
    assert rate["charge"].value == rate["expected allowed amount"].value == "480.10"
    percent = steps(agreed("10003", medicare_locality=HERE), given=house())
    assert percent["percent of Medicare"].value == "241.50"
    assert percent["percent of Medicare"].how == "300.00 x 80.5%"
    assert percent["percent of Medicare"].edition == "contract own-2026: 80.5% of RVU26C"


def test_ranks_are_explained_with_the_file() -> None:
    schedule = Schedule(tables(), Terms())
    rows = [{"procedure_code": code, "claim_number": "C1"} for code in ("45380", "45385")]
    frame = lines(*rows).with_row_index("row_index")
    ranks = aligned(frame.lazy(), ranked(candidates(frame, schedule).lazy())).collect()
    found = {s.step: s for s in explain(frame.head(1), schedule, ranks.head(1))}
    assert "endoscopy:above base" in str(found["several services of the day"].how)
    alone = {s.step: s for s in explain(frame.head(1), schedule)}
    assert "several services of the day" not in alone


def test_steps_come_to_the_amount_of_the_line() -> None:
    """What the steps say, computed again with decimals, is what `price` says, for lines of every kind."""
    schedule = Schedule(tables(), Terms())
    frame = claims(120, seed=11)
    ranks = aligned(frame.lazy(), ranked(candidates(frame, schedule).lazy())).collect()
    result = price(frame, schedule, ranks)
    rows = result.with_row_index("n").filter(pl.col("pricing_status") == "PRICED")
    rows = rows.unique("modifier_adjustment")
    assert rows.height > 8
    for n in rows["n"]:
        found = {s.step: s for s in explain(frame.slice(n, 1), schedule, ranks.slice(n, 1))}
        parts = (Decimal(found[name].value) for name in ("work", "practice expense", "malpractice"))
        fee = sum(parts, Decimal(0)) * Decimal(found["conversion factor"].value)
        assert fee.quantize(CENT, ROUND_HALF_UP) == Decimal(found["amount of one unit"].value)
        last = [step for step in found.values() if step.step.startswith(("units x", "several", "modifier"))][
            -1
        ]
        amount = Decimal(last.value).quantize(CENT, ROUND_HALF_UP)
        assert amount == Decimal(found["amount of the line"].value)
        assert amount == result["expected_allowed_amount"][n]
        assert all(step.manual for step in found.values() if step.step.startswith(("several", "modifier")))


def test_one_line_at_a_time() -> None:
    with pytest.raises(ValueError, match="one line"):
        explain(lines({}, {}), Schedule(tables(), Terms()))
