"""The names of reference tables that rules and pricing may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAME_AS: Final[Mapping[str, str]] = {
    "zero_charge": "zero_charge_codes",
    "icd10cm_laterality": "icd10cm",
}
"""Further names of a table: a rule that asks for one of them gets the other."""

_NAMES = """
    adjustment_groups anesthesia_base anesthesia_cf asc_list authorizations benchmarks carc
    claim_filing_codes claim_status_categories claim_status_codes clfs clia_certificates clia_codes
    code_groups companion_codes conversion_factors
    coverage_policy dmepos drg enrolments exclusions fee_schedules foot_care_dx frequency_codes
    frequency_limits gpci hcpcs hcpcs_edits header_synonyms hipps history holidays icd10cm icd10cm_7th
    icd10cm_code_first icd10cm_edits icd10cm_excludes1 icd10cm_laterality icd10cm_notes
    icd10cm_use_additional icd10pcs inpatient_only lab_panels medicare_replacements mh_codes mh_dx
    modifier_code_ranges modifiers mpfs mpfs_qpp mpfs_starter mue mue_dme mue_hospital ncci_addon ncci_ptp
    ncci_ptp_hospital ndc ndc_hcpcs neoplasm_history_map nppes nubc_admission nubc_bill_types
    nubc_condition nubc_occurrence nubc_point_of_origin nubc_status nubc_value oppscap
    order_required_codes payer_auth_list payer_code_policy payer_dx_policy payer_modifier_rules
    payer_types payers pecos_ordering poa_exempt pos practice_fees practices preventive_codes
    reference_manifest relationship_codes revenue_bill_types revenue_codes revenue_hcpcs roster sad_list
    screening_pairs single_dose_drugs site_codes snf_consolidated specialty_code_policy specialty_codes
    states symptom_map taxonomy telehealth_codes therapy_codes thresholds timed_codes timely_filing
    unlisted_codes vaccine_codes zero_charge zero_charge_codes zip3_state zip9_locality zip_locality
"""

DECLARED: Final = frozenset(_NAMES.split())
"""Every table a rule may ask for, loaded or not; a rule on one that is not loaded is "not run"."""
