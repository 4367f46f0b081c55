"""Tables of the DuckDB store."""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 5

KEY: Final = ("practice_id", "claim_number", "payer_sequence")
"""What identifies a claim in the store; payer_sequence may be null."""

NUMBER_HASH: Final = "(md5_number_lower(upper({})) % 4294967296)::UINTEGER"
"""A number for a claim number, in any capitals: millions of them are looked through in a tenth of the time
that the texts take. Others may share it, so the texts are compared too.
"""
NUMBER_HASH_VERSION: Final = 3
"""The first version whose tables have it, as number_hash."""

ANSWERS_VERSION: Final = 4
"""The first version that keeps what payers answer."""

RISK_VERSION: Final = 5
"""The first version that keeps denial risks, and which claims are held back."""

STATUS_ONLY: Final = "status"
"""`origin` of a claim of which nothing is known but what its payer says: it has no lines, and counts for no
rule."""

HISTORY_VERSION: Final = 2
"""The first version that can tell which earlier claims are of the same patient."""

DELETED_PATIENT: Final = "deleted_patient"
"""Key in `meta` of a patient who was taken out; the value is JSON with patient (key), at (UTC) and by."""

# Sealed records stay in Parquet (lines/<job>/patients-*.parquet, named by patients.file): they are only
# kept, and as BLOBs they made a commit of 300 thousand patients three times slower.
# No primary keys or indexes: measured in DuckDB they make bulk inserts several times slower and larger.
# Uniqueness holds because only `commit_run` inserts, in one transaction, with the file locked.
TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (key VARCHAR, value VARCHAR);
CREATE TABLE IF NOT EXISTS claims (
    practice_id VARCHAR, claim_number VARCHAR, payer_sequence VARCHAR, claim_id UBIGINT,
    version INTEGER, is_current BOOLEAN, status VARCHAR, job_id VARCHAR,
    patient_key UUID, payer_id VARCHAR, frequency VARCHAR, billing_npi VARCHAR, rendering_npi VARCHAR,
    service_from DATE, service_to DATE, line_count INTEGER, charge_total DECIMAL(12, 2),
    digest UBIGINT, digest_scheme VARCHAR, input VARCHAR, recorded_at TIMESTAMP, history_key UBIGINT,
    deleted_at TIMESTAMP, payer_name VARCHAR, expected_allowed_amount DECIMAL(12, 2),
    allowed_amount DECIMAL(12, 2), paid_amount DECIMAL(12, 2), work_rvu DECIMAL(18, 4),
    total_rvu DECIMAL(18, 4), codes VARCHAR[], diagnoses VARCHAR[], first_part INTEGER, last_part INTEGER,
    number_hash UINTEGER, origin VARCHAR, queried_at TIMESTAMP, payer_claim_number VARCHAR,
    denial_risk DOUBLE, risk_band VARCHAR, risk_source VARCHAR, risk_reasons VARCHAR,
    expected_loss DECIMAL(12, 2), filing_deadline DATE, held BOOLEAN
);
CREATE TABLE IF NOT EXISTS claim_status_history (
    practice_id VARCHAR, claim_number VARCHAR, payer_sequence VARCHAR, version INTEGER,
    from_status VARCHAR, to_status VARCHAR, changed_at TIMESTAMP, job_id VARCHAR, note VARCHAR,
    action VARCHAR, changed_by VARCHAR, payer_reference VARCHAR, number_hash UINTEGER
);
CREATE TABLE IF NOT EXISTS patients (
    patient_key UUID, version INTEGER, practice_id VARCHAR, record_hash UBIGINT,
    member_hash UBIGINT, name_hash UBIGINT, ssn_hash UBIGINT, job_id VARCHAR, file VARCHAR
);
CREATE TABLE IF NOT EXISTS claim_answers (
    practice_id VARCHAR, claim_number VARCHAR, payer_sequence VARCHAR, number_hash UINTEGER,
    job_id VARCHAR, asked_at TIMESTAMP, route VARCHAR, payer_id VARCHAR, outcome VARCHAR, status VARCHAR,
    category_code VARCHAR, category_text VARCHAR, status_code VARCHAR, status_text VARCHAR,
    entity_code VARCHAR, payer_claim_number VARCHAR, charge_amount DECIMAL(14, 2),
    allowed_amount DECIMAL(14, 2), paid_amount DECIMAL(14, 2),
    patient_responsibility_amount DECIMAL(14, 2), processed_date DATE, effective_date DATE, paid_date DATE,
    check_number VARCHAR, payment_method VARCHAR, adjustments VARCHAR, flags VARCHAR, matches INTEGER,
    partial BOOLEAN, error_type VARCHAR, error_code VARCHAR, trace_id VARCHAR, raw VARCHAR, asked BLOB
);
CREATE TABLE IF NOT EXISTS line_totals (
    job_id VARCHAR, code VARCHAR, lines BIGINT, units DECIMAL(38, 4), billed DECIMAL(38, 4),
    expected DECIMAL(38, 4), work_rvu DECIMAL(38, 4), total_rvu DECIMAL(38, 4)
);
CREATE TABLE IF NOT EXISTS finding_totals (job_id VARCHAR, code VARCHAR, claims BIGINT, findings BIGINT);
CREATE TABLE IF NOT EXISTS job_parts (job_id VARCHAR, part INTEGER, file VARCHAR, rows BIGINT);
CREATE TABLE IF NOT EXISTS commits (job_id VARCHAR, committed_at TIMESTAMP, result VARCHAR);
"""
