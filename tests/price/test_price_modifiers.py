"""What modifiers do, by the indicators of the fee schedule."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Final

from claimsctl.price import status
from claimsctl.price.manual import CONTRADICTIONS, EFFECTS
from claimsctl.price.terms import Terms
from tests.price.tables import Case, fee_rows, found, priced, wrong

CENT: Final = Decimal("0.01")
NO_SHARES: Final = {"pre_op": "0", "intra_op": "0", "post_op": "0", "global_days": "000"}
TWO: Final = ({"assistant": "2"}, {"co_surgeon": "2"})


def test_both_sides() -> None:
    """RVU26B, bilateral surgery indicator; $125 is the fee of its examples."""
    assert not wrong(
        [
            Case("125.00", ["50"], code={"bilateral": "0"}),
            Case("187.50", ["50"], code={"bilateral": "1"}),
            Case("125.00", ["50"], code={"bilateral": "2"}),
            Case("250.00", ["50"], code={"bilateral": "3"}),
            Case(status.MODIFIER_NOT_VALID, ["50"], code={"bilateral": "9"}),
            Case("187.50", ["RT", "LT"]),
            Case("125.00", ["RT"]),
            Case("125.00", ["F1"]),
            Case(status.CONTRADICTORY_MODIFIERS, ["50"], units=2),
        ]
    )


def test_units_that_are_sides() -> None:
    assert not wrong(
        [
            Case("187.50", units=2, code={"bilateral": "1"}),  # twice on a day is both sides: 150 %
            Case("125.00", units=2, code={"bilateral": "2"}),  # the fee is for both sides already
            Case("187.50", units=2, code={"bilateral": "0"}),  # two surgeries: 100 % and 50 %
            Case("250.00", units=3, code={"bilateral": "1"}),  # three surgeries: 100 %, 50 %, 50 %
            Case("187.50", ["LT"], units=2),  # one side, so two surgeries
            Case(status.BAD_UNITS, units=3, code={"bilateral": "2"}),
            Case("187.50", units=2, code={"bilateral": "1", "mult_proc": "0"}),
            Case("500.00", units=4, code={"bilateral": "0", "mult_proc": "0"}),
        ]
    )


def test_shares_of_a_surgery() -> None:
    """Ch. 12 s. 40.4: 54 the operation and the care before it, 55 that after it, 78 the operation alone."""
    assert not wrong(
        [
            Case("100.00", ["54"]),
            Case("25.00", ["55"]),
            Case("12.50", ["56"]),
            Case("87.50", ["78"]),
            Case("125.00", ["78"], code=NO_SHARES),
            Case(status.MODIFIER_NOT_VALID, ["54"], code=NO_SHARES),
        ]
    )


def test_surgeons_and_assistants() -> None:
    """Ch. 12 s. 40.8: co-surgeons 62.5 %; s. 20.4.3: assistants 16 %; s. 110.2: 85 % of that."""
    assert not wrong(
        [
            Case("78.13", ["62"], code={"co_surgeon": "2"}),
            Case("78.13", ["62"], code={"co_surgeon": "1"}),
            Case(status.MODIFIER_NOT_PAID, ["62"], code={"co_surgeon": "0"}),
            Case(status.MODIFIER_NOT_VALID, ["62"], code={"co_surgeon": "9"}),
            Case(status.CONTRACTOR_PRICED, ["66"], code={"team_surgeon": "2"}),
            Case(status.CONTRACTOR_PRICED, ["66"], code={"team_surgeon": "1"}),
            Case(status.MODIFIER_NOT_PAID, ["66"], code={"team_surgeon": "0"}),
            Case("20.00", ["80"], code={"assistant": "2"}),
            Case("20.00", ["81"], code={"assistant": "0"}),
            Case(status.MODIFIER_NOT_PAID, ["82"], code={"assistant": "1"}),
            Case(status.MODIFIER_NOT_VALID, ["80"], code={"assistant": "9"}),
            Case("17.00", ["AS"], code={"assistant": "2"}),
            Case(status.MODIFIER_NOT_PAID, ["AS"], code={"assistant": "1"}),
        ]
    )


def test_modifiers_that_only_say_something() -> None:
    assert not wrong([Case("125.00", [m]) for m in "22 24 25 57 58 59 76 77 79 GA GX JW JZ XS QS KX".split()])


def test_modifiers_that_are_not_paid_or_not_priced() -> None:
    assert not wrong(
        [
            Case(status.NOT_COVERED, ["GY"]),
            Case(status.NOT_COVERED, ["GZ"]),
            Case(status.NOT_COVERED, ["25", "59", "XS", "GZ"]),
            Case(status.CONTRACTOR_PRICED, ["52"]),
            Case(status.CONTRACTOR_PRICED, ["53"]),
            Case(status.MODIFIER_NOT_VALID, ["73"]),
            Case(status.MODIFIER_NOT_VALID, ["74"]),
            Case(status.MODIFIER_NOT_VALID, ["TC"]),
            Case(status.BAD_MODIFIER, ["2"]),
            Case(status.BAD_MODIFIER, ["25 59"]),
            Case(status.BAD_MODIFIER, ["é1"]),
        ]
    )


def test_contradictions() -> None:
    assert not wrong([Case(status.CONTRADICTORY_MODIFIERS, pair) for pair in CONTRADICTIONS])


def test_modifiers_are_combined_and_rounded_once() -> None:
    assert not wrong(
        [
            # Both sides, the assistant's share, the operation and the care before it: x 1.5 x 0.16 x 0.8.
            Case("192.00", ["50", "80", "54"], fee="1000"),
            Case("192.00", ["80", "54", "50"], fee="1000"),
            Case("937.50", ["62", "50"], fee="1000"),
            # By steps it would be 15.02 x 0.16, 2.4032, and 33.335 would not go down.
            Case("2.40", ["50", "80"], fee="10.01"),
            Case("20.83", ["50", "62", "54", "22"], fee="27.77"),
        ]
    )


def test_what_was_done_is_told() -> None:
    cases = [
        Case("750.00", ["50", "62", "54"], fee="1000"),
        Case("160.00", ["80"], fee="1000", code={"assistant": "0"}),
        Case("1000.00", ["GA", "22"], fee="1000"),
    ]
    assert not wrong(cases)
    several, by_report, said = found(cases)
    assert several["modifier_adjustment"] == "50:150%;54:80%;62:62.5%"
    assert by_report["pricing_note"] == "Paid only with documentation of the medical necessity."
    assert str(said["pricing_note"]).startswith("22: the contractor may pay more")
    assert "GA: a waiver" in str(said["pricing_note"])


def test_reduced_service_on_own_terms() -> None:
    cases = [Case("62.50", ["52"]), Case("93.75", ["52", "50"])]
    assert not wrong(cases, Terms(reduced_services_percent=Decimal(50)))


def test_a_colonoscopy_broken_off_has_its_own_row() -> None:
    """Ch. 12 s. 30.1 B: 44388, 45378, G0105 and G0121 with 53."""
    whole, part = priced({"procedure_code": "45378"}, {"procedure_code": "45378", "modifier_1": "53"})
    assert (whole["work_rvu"], part["work_rvu"]) == (Decimal("3.18"), Decimal("1.59"))
    assert part["pricing_status"] == "PRICED"


def test_every_effect_has_its_source() -> None:
    assert all("ch. 12" in effect.manual for effect in EFFECTS)


def test_combinations_agree_with_decimals() -> None:
    """Every set of up to three of these modifiers, on fees whose cents do not divide well."""
    factors = {
        "50": "1.5",
        "54": "0.8",
        "55": "0.2",
        "62": "0.625",
        "80": "0.16",
        "AS": "0.136",
        "78": "0.7",
        "25": "1",
    }
    cases = []
    for number, chosen in enumerate(c for size in (1, 2, 3) for c in combinations(factors, size)):
        fee = Decimal(1 + number * 7919) / 100
        exact = fee
        for modifier in chosen:
            exact *= Decimal(factors[modifier])
        clash = any({one, other} <= set(chosen) for one, other in CONTRADICTIONS)
        expected = status.CONTRADICTORY_MODIFIERS if clash else str(exact.quantize(CENT, ROUND_HALF_UP))
        cases.append(Case(expected, chosen, fee=str(fee)))
    assert len(cases) == 92
    assert not wrong(cases[1:])


def test_indicators_of_the_tests_are_real_ones() -> None:
    row = fee_rows().filter(code="20610", release="RVU26C").row(0, named=True)
    assert (row["bilateral"], row["assistant"], row["mult_proc"]) == ("1", "1", "2")


# --- percents of the provider, shown apart


def test_percents_of_providers() -> None:
    expected = {
        ("207Q00000X", None): ("100.00", None),
        ("363LF0000X", None): ("85.00", "provider:85%"),
        ("363A00000X", None): ("85.00", "provider:85%"),
        ("364SP0808X", None): ("85.00", "provider:85%"),
        ("1041C0700X", None): ("75.00", "provider:75%"),
        ("1041C0700X", "AJ"): ("75.00", "provider:75%"),
        (None, "AJ"): ("75.00", "AJ:75%"),
        (None, "CQ"): ("85.00", "CQ:85%"),
        ("363LF0000X", "CO"): ("72.25", "provider:85%;CO:85%"),
        # The percent of an assistant who is no physician is in that of the assistant.
        ("363A00000X", "AS"): ("13.60", None),
    }
    lines = [{"rendering_taxonomy": taxonomy, "modifier_1": modifier} for taxonomy, modifier in expected]
    cases = [Case("13.60" if row["modifier_1"] == "AS" else "100.00", fee="100", line=row) for row in lines]
    terms = Terms(sequestration_percent=Decimal(0))
    assert not wrong(cases, terms)
    results = found(cases, terms)
    told = [(str(row["adjusted_allowed_amount"]), row["statutory_adjustment"]) for row in results]
    assert told == list(expected.values())
    assert all(row["expected_net_amount"] == row["adjusted_allowed_amount"] for row in results)


def test_sequestration_is_taken_from_medicares_share() -> None:
    """Of 100.00 Medicare pays 80.00 less 2 %, the patient 20.00: 98.40."""
    (line,) = found([Case("100.00", fee="100")])
    assert line["expected_net_amount"] == Decimal("98.40")
    assert line["statutory_adjustment"] == "sequestration:2%"
    assert line["limiting_charge"] is None


def test_non_participating_providers() -> None:
    """95 % of the fee, and a limiting charge of 115 % of that: 109.25 % of the fee (RVU26B)."""
    terms = Terms(participating=False, sequestration_percent=Decimal(0))
    nurse = {"rendering_taxonomy": "363LF0000X"}
    cases = [Case("100.00", fee="100"), Case("100.00", fee="100", line=nurse)]
    physician, assigned = found(cases, terms)
    assert physician["expected_allowed_amount"] == Decimal("100.00")
    assert physician["adjusted_allowed_amount"] == Decimal("95.00")
    assert physician["limiting_charge"] == Decimal("109.25")
    assert physician["statutory_adjustment"] == "non-participating:95%"
    assert assigned["limiting_charge"] is None
    assert assigned["adjusted_allowed_amount"] == Decimal("80.75")
