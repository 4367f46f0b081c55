"""Mistakes people and exports make, one kind each: which cells they change and which rule should notice.

Kinds of level `claim` change every line of a claim; `only` names a condition the line or claim must meet. In
a file with three mistakes in every row they are drawn from the groups a, b and c, which share no column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Cell = str | tuple[str, ...] | Callable[[str], str]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Kind:
    """One kind of mistake; `code` is the rule that reports it (other rules may too)."""

    name: str
    code: str
    cells: dict[str, Cell]
    level: str = "line"
    only: str = ""
    group: str = ""


def _kind(name: str, code: str, only: str = "", group: str = "", /, **cells: Cell) -> Kind:
    return Kind(name, code, cells, "line", only, group)


def _claim(name: str, code: str, only: str = "", /, **cells: Cell) -> Kind:
    return Kind(name, code, cells, "claim", only)


def _other_check_digit(npi: str) -> str:
    return npi[:-1] + str((int(npi[-1]) + 3) % 10) if npi else "1234567890"


K, C = _kind, _claim
KINDS: tuple[Kind, ...] = (
    # what was done, and where
    K("procedure_blank", "CPT-001", "", "a", procedure_code=""),
    K("procedure_format", "CPT-002", "", "a", procedure_code=("9921", "99 213", "992131", "CODE")),
    K("modifier_format", "MOD-001", "", "a", modifier_1=("5", "59X", "2 5")),
    K("modifier_unknown", "MOD-002", "", "a", modifier_1=("ZZ", "0Z")),
    K("modifier_repeated", "MOD-003", "", "a", modifier_1="GC", modifier_2="GC"),
    K("modifier_gap", "MOD-004", "", "a", modifier_1="", modifier_2="GC"),
    K("modifier_26_tc", "MOD-006", "", "a", modifier_1="26", modifier_2="TC"),
    K("modifier_50_lt", "MOD-008", "", "a", modifier_1="50", modifier_2="LT"),
    K("modifier_lt_rt", "MOD-011", "", "a", modifier_1="LT", modifier_2="RT"),
    K("modifier_25_on_test", "MOD-013", "", "a", procedure_code="80053", modifier_1="25"),
    K("modifier_59_xs", "MOD-017", "", "a", modifier_1="59", modifier_2="XS"),
    K("modifier_59_on_visit", "MOD-018", "", "a", procedure_code="99213", modifier_1="59"),
    K("modifier_91_on_visit", "MOD-022", "", "a", procedure_code="99213", modifier_1="91"),
    K("modifier_52_53", "MOD-029", "", "a", modifier_1="52", modifier_2="53"),
    K("modifier_ga_gz", "MOD-030", "", "a", modifier_1="GA", modifier_2="GZ"),
    K("therapy_two_disciplines", "THR-002", "", "a", modifier_1="GP", modifier_2="GO"),
    K("telehealth_two_modes", "TEL-004", "", "a", modifier_1="95", modifier_2="93"),
    K("visit_in_hospital_place", "POS-003", "", "a", procedure_code="99213", place_of_service="21"),
    K("place_blank", "POS-001", "", "a", place_of_service=""),
    K("place_unknown", "POS-002", "", "a", place_of_service=("77", "98", "00")),
    K("place_lost_zero", "FILE-012", "", "a", place_of_service="2"),
    K("anesthesia_no_modifier", "ANE-001", "anesthesia", "", modifier_1=""),
    K("anesthesia_no_minutes", "ANE-004", "anesthesia", "", unit_type="UN", minutes=""),
    K("ambulance_no_route", "AMB-001", "ambulance", "", modifier_1=""),
    K("session_too_short", "MH-002", "", "a", procedure_code="90834", minutes="12"),
    # when
    K("date_blank", "DAT-001", "", "b", service_date_from=""),
    K("date_unreal", "DAT-002", "", "b", service_date_from=("2026-02-30", "13/45/2026", "last Tuesday")),
    K("date_reversed", "DAT-003", "", "b", service_date_to="2025-12-01"),
    K("date_future", "DAT-004", "", "b", service_date_from="2026-09-15", service_date_to="2026-09-15"),
    K("date_old", "DAT-005", "", "b", service_date_from="2023-05-02", service_date_to="2023-05-02"),
    K("date_serial", "DAT-015", "", "b", service_date_from="46023"),
    K("date_after_receipt", "DAT-007", "", "b", service_date_to="2026-12-31"),
    # why
    K("diagnosis_format", "DX-002", "", "b", diagnosis_1=("F3-31", "41.1F", "F")),
    K("diagnosis_unknown", "DX-003", "", "b", diagnosis_1=("Z99.99", "F41.77", "M54.58")),
    K("diagnosis_header", "DX-004", "", "b", diagnosis_1=("F33", "M54.5", "E11")),
    K("diagnosis_icd9", "DX-007", "", "b", diagnosis_1=("250.00", "401.9")),
    K("diagnosis_7th", "DX-009", "", "b", diagnosis_1="S52.521"),
    K("diagnosis_gap", "DX-011", "", "b", diagnosis_6="I10"),
    K("diagnosis_repeated", "DX-010", "", "b", diagnosis_1="I10", diagnosis_2="I10"),
    K("pointer_blank", "DX-013", "two_diagnoses", "", diagnosis_pointers=""),
    K("pointer_to_nothing", "DX-014", "", "b", diagnosis_pointers=("A,H", "7", "Q")),
    K("pointer_too_many", "DX-015", "", "b", diagnosis_pointers="ABCDE"),
    K("pointer_repeated", "DX-041", "", "b", diagnosis_pointers="A,A"),
    # by whom
    K("npi_too_short", "PRV-002", "rendering", "", rendering_npi=lambda npi: npi[:-1]),
    K("npi_check_digit", "PRV-003", "", "b", rendering_npi=_other_check_digit),
    K("npi_sample", "PRV-032", "", "b", rendering_npi="1234567893"),
    K("taxonomy_format", "PRV-010", "", "b", rendering_taxonomy=("207Q00000", "FAMILY")),
    K("own_supervisor", "PRV-020", "", "b", rendering_npi="1033246384", supervising_npi="1033246384"),
    # how much
    K("units_blank", "FIN-009", "no_minutes_unit", "", units=""),
    K("units_zero", "FIN-010", "", "c", units=("0", "-1")),
    K("units_text", "FIN-009", "", "c", units=("one", "1 unit")),
    K("units_fraction", "FIN-011", "whole_units", "", units="1.5"),
    K("units_too_fine", "FIN-012", "", "c", units="1.23456"),
    K("unit_type_unknown", "FIN-013", "", "c", unit_type="EA"),
    K("charge_blank", "FIN-001", "", "c", charge_amount=""),
    K("charge_text", "FIN-001", "", "c", charge_amount=("N/A", "see note")),
    K("charge_negative", "FIN-002", "", "c", charge_amount="-120.00"),
    K("charge_zero", "FIN-002", "charged", "", charge_amount="0.00"),
    K("charge_decimals", "FIN-006", "", "c", charge_amount="123.456"),
    K("charge_huge", "FIN-008", "", "c", charge_amount="123456789.00"),
    K("copay_negative", "FIN-003", "", "c", copay_amount="-20.00"),
    K("copay_above_fee", "FIN-004", "", "c", copay_amount="9999.00"),
    K("allowed_negative", "FIN-005", "", "c", allowed_amount="-10.00"),
    K("paid_negative", "FIN-005", "", "c", paid_amount="-10.00"),
    K("allowed_above_charge", "FIN-019", "", "c", allowed_amount="99999.00"),
    K("adjustment_group", "COB-008", "", "c", adjustment_group_code="XX", adjustment_reason_code="45",
      adjustment_amount="1.00"),
    K("adjustment_half", "COB-007", "", "c", adjustment_group_code="CO", adjustment_reason_code="45",
      adjustment_amount=""),
    K("ndc_format", "RX-001", "", "c", ndc_code="1234567890", ndc_quantity="1", ndc_unit="ML"),
    K("ndc_unit", "RX-004", "", "c", ndc_code="00003029305", ndc_quantity="1", ndc_unit="MG"),
    K("ndc_quantity", "RX-005", "", "c", ndc_code="00003029305", ndc_quantity="", ndc_unit="ML"),
    K("note_too_long", "CLM-022", "", "c", line_note="Patient seen for follow up; " * 5),
    K("text_damaged", "FILE-006", "", "c", line_note="Caf\ufffd visit"),
    K("line_number", "CLM-004", "", "c", line_number=("0", "first")),
    # the claim
    C("claim_number_blank", "CLM-001", claim_number=""),
    C("claim_number_long", "CLM-002", claim_number=lambda number: f"{number}-2026-PRACTICE-01"),
    C("claim_number_delimiter", "CLM-003", claim_number=lambda number: f"{number}*1"),
    C("frequency_unknown", "CLM-010", frequency_code="5"),
    C("replacement_of_nothing", "CLM-011", "not_medicare", frequency_code="7", original_claim_number=""),
    C("reference_on_original", "CLM-012", frequency_code="1", original_claim_number="ICN0012345"),
    C("replacement_to_medicare", "CLM-014", "medicare", frequency_code="7",
      original_claim_number="ICN0012345"),
    C("assignment_unknown", "CLM-015", accept_assignment_code="X"),
    C("benefits_unknown", "CLM-016", benefits_assignment_code="Q"),
    C("cause_unknown", "CLM-017", related_cause_code="ZZ"),
    C("accident_without_date", "CLM-018", "not_medicare", related_cause_code="OA", accident_date=""),
    C("auto_without_state", "CLM-019", "not_medicare", related_cause_code="AA", accident_date="2025-12-20",
      accident_state=""),
    C("stay_without_admission", "CLM-021", "inpatient", admission_date="", discharge_date=""),
    C("discharge_before_admission", "DAT-009", "inpatient", discharge_date="2025-11-30"),
    C("after_death", "DAT-006", patient_death_date="2025-12-31"),
    C("onset_after_service", "DAT-010", onset_date="2026-12-01"),
    # the patient and the policy
    C("last_name_blank", "PAT-001", patient_last_name=""),
    C("name_digits", "PAT-002", patient_last_name=lambda name: f"{name}2"),
    C("name_placeholder", "PAT-003", patient_last_name="TEST", subscriber_last_name="TEST"),
    C("name_suffix", "PAT-004", patient_last_name=lambda name: f"{name} Jr."),
    C("birth_blank", "PAT-005", patient_dob=""),
    C("birth_unreal", "PAT-006", patient_dob=("1985-02-31", "unknown")),
    C("birth_future", "PAT-007", patient_dob="2031-01-15"),
    C("birth_impossible", "PAT-008", patient_dob="1850-03-02"),
    C("birth_filler", "PAT-009", patient_dob="1900-01-01"),
    C("sex_unknown", "PAT-010", patient_sex=("X", "")),
    C("address_blank", "PAT-011", patient_address=""),
    C("state_unknown", "PAT-012", patient_state="ZZ"),
    C("zip_short", "PAT-013", patient_zip=("123", "0210A")),
    C("relationship_unknown", "PAT-015", relationship_code="77"),
    C("self_with_other_name", "PAT-016", "self", subscriber_last_name="Verne",
      subscriber_first_name="Quill"),
    C("dependent_without_subscriber", "PAT-017", "commercial", relationship_code="01",
      subscriber_last_name="", subscriber_first_name="", subscriber_dob=""),
    C("relationship_blank", "PAT-023", "self", relationship_code="", subscriber_last_name="",
      subscriber_first_name=""),
    C("phone_short", "PAT-021", patient_phone="555-0100"),
    C("ssn_short", "IDN-001", patient_ssn="12345678"),
    C("ssn_never_issued", "IDN-002", patient_ssn=("000-12-3456", "666-12-3456", "123-00-4567")),
    C("ssn_spaced", "IDN-003", patient_ssn="123 45 6780"),
    C("ssn_well_known", "IDN-004", patient_ssn="078-05-1120"),
    C("ssn_is_itin", "IDN-005", patient_ssn="912-70-1234"),
    C("medicare_id_format", "IDN-007", "medicare", member_id="1EG4TE5MK7"),
    C("member_blank", "IDN-010", member_id=""),
    C("member_placeholder", "IDN-013", member_id=("PENDING", "123456789", "0000")),
    C("member_scientific", "FILE-011", member_id="9.12E+08"),
    # the payer
    C("payer_blank", "PAY-001", payer_id="", payer_name=""),
    C("payer_unknown", "PAY-002", payer_id=("99XYZ", "OLDPLAN"), payer_name="Old Plan of the Valley"),
    C("payer_name_of_another", "PAY-004", "unitedhealthcare", payer_name="AETNA"),
    C("filing_code_unknown", "PAY-005", claim_filing_code="QQ"),
    C("filing_code_of_medicare", "PAY-006", "commercial", claim_filing_code="MB"),
    C("sequence_unknown", "PAY-007", payer_sequence="X"),
    C("group_placeholder", "PAY-008", "commercial", group_number="NONE"),
    C("coverage_ended", "PAY-009", coverage_end_date="2025-06-30"),
    C("self_pay", "PAY-015", payer_id="SELF PAY", payer_name="SELF PAY"),
    C("authorisation_pending", "AUT-006", prior_auth_number="PENDING"),
    C("other_payer_missing", "COB-001", "secondary", other_payer_id=""),
    C("other_payer_same_rank", "COB-002", "secondary", other_payer_sequence="S"),
    C("other_payer_unpaid", "COB-003", "secondary", other_payer_paid_amount="", adjustment_amount="",
      adjustment_reason_code="", adjustment_group_code=""),
    C("other_payer_undated", "COB-004", "secondary", other_payer_adjudication_date=""),
    # the practice
    C("billing_npi_blank", "PRV-001", billing_npi=""),
    C("billing_npi_check_digit", "PRV-003", billing_npi=_other_check_digit),
    C("tax_id_short", "PRV-013", billing_tax_id="12-34567"),
    C("tax_id_prefix", "PRV-014", billing_tax_id="071234567"),
    C("tax_id_type", "PRV-015", billing_tax_id_type="XX"),
    C("billing_address_box", "PRV-024", billing_address="P.O. Box 1200"),
    C("billing_zip", "PRV-025", billing_zip="0210"),
    C("billing_zip_short", "PRV-031", billing_zip=lambda code: code[:5]),
    C("billing_name_blank", "PRV-026", billing_name=""),
    C("facility_missing", "PRV-022", "facility", facility_npi="", facility_name="", facility_address=""),
    C("clia_format", "LAB-002", clia_number="05X1234567"),
    C("claim_total", "FIN-007", claim_charge_amount="17.17"),
    C("overpaid", "FIN-018", "commercial", patient_paid_amount="99999.00"),
)  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Row facts that conditions of kinds ask for, and how lines form claims."""

    claim_start: npt.NDArray[Any]
    claim_length: npt.NDArray[Any]
    facts: dict[str, Mask]


def draw_some(where: Where, rng: np.random.Generator, share: float) -> dict[int, npt.NDArray[Any]]:
    """Rows by kind, every kind about as often, so that about `share` of all rows hold one mistake."""
    count = len(where.claim_start)
    starts = np.flatnonzero(where.claim_start == np.arange(count))
    free = np.ones(count, np.bool_)
    drawn: dict[int, npt.NDArray[Any]] = {}
    for number, kind in enumerate(KINDS):
        fitting = free & where.facts[kind.only] if kind.only else free
        if kind.level == "claim":
            rows = starts[np.logical_and.reduceat(free, starts) & fitting[starts]]
        else:
            rows = np.flatnonzero(fitting)
        lines = where.claim_length[rows].mean() if kind.level == "claim" and len(rows) else 1
        wanted = min(len(rows), int(rng.poisson(count * share / len(KINDS) / lines)))
        rows = np.sort(rng.choice(rows, wanted, replace=False))
        if kind.level == "claim":
            lengths = where.claim_length[rows]
            rows = np.repeat(rows, lengths) + _counters(lengths)
        free[rows] = False
        drawn[number] = rows
    return drawn


def draw_three(rows: int, rng: np.random.Generator) -> dict[int, npt.NDArray[Any]]:
    """Rows by kind: one mistake of each group in every row."""
    drawn: dict[int, npt.NDArray[Any]] = {}
    for group in "abc":
        members = [n for n, kind in enumerate(KINDS) if kind.group == group]
        chosen = rng.choice(members, rows)
        drawn.update({number: np.flatnonzero(chosen == number) for number in members})
    return drawn


def make(frame: pl.DataFrame, drawn: dict[int, npt.NDArray[Any]], rng: np.random.Generator) -> pl.DataFrame:
    """The frame with the cells of the drawn rows changed."""
    series = {name: frame[name] for name in frame.columns}
    for number, rows in sorted(drawn.items()):
        if not len(rows):
            continue
        for column, cell in KINDS[number].cells.items():
            if isinstance(cell, str):
                values: pl.Series | str = cell
            elif isinstance(cell, tuple):
                values = pl.Series(cell, dtype=pl.String).gather(rng.integers(0, len(cell), len(rows)))
            else:
                values = pl.Series([cell(old) for old in series[column].gather(rows)], dtype=pl.String)
            series[column] = series[column].scatter(rows, values)
    return pl.DataFrame(series)


def answers(drawn: dict[int, npt.NDArray[Any]], first_row_number: int) -> pl.DataFrame:
    """What was done where: physical row number (header = 1), kind, code of the rule that should see it."""
    parts = [
        pl.DataFrame({"row_number": rows + first_row_number, "kind": KINDS[n].name, "code": KINDS[n].code})
        for n, rows in sorted(drawn.items())
        if len(rows)
    ]
    empty = pl.DataFrame(schema={"row_number": pl.Int64, "kind": pl.String, "code": pl.String})
    return pl.concat([empty, *parts]).sort("row_number", "kind")


def _counters(lengths: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """0..n-1 for each n of lengths, one after the other."""
    if not len(lengths):
        return np.array([], np.int64)
    ends = np.cumsum(lengths)
    counters: npt.NDArray[Any] = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    return counters
