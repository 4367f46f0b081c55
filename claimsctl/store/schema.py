"""Tables of the DuckDB store."""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 3

KEY: Final = ("practice_id", "claim_number", "payer_sequence")
"""What identifies a claim in the store; payer_sequence may be null."""

NUMBER_HASH: Final = "(md5_number_lower(upper({})) % 4294967296)::UINTEGER"
"""A number for a claim number, in any capitals: millions of them are looked through in a tenth of the time
that the texts take. Others may share it, so the texts are compared too.
"""
NUMBER_HASH_VERSION: Final = 3
"""The first version whose tables have it, as number_hash."""

HISTORY_VERSION: Final = 2
"""The first version that can tell which earlier claims are of the same patient."""

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
    number_hash UINTEGER
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
CREATE TABLE IF NOT EXISTS line_totals (
    job_id VARCHAR, code VARCHAR, lines BIGINT, units DECIMAL(38, 4), billed DECIMAL(38, 4),
    expected DECIMAL(38, 4), work_rvu DECIMAL(38, 4), total_rvu DECIMAL(38, 4)
);
CREATE TABLE IF NOT EXISTS finding_totals (job_id VARCHAR, code VARCHAR, claims BIGINT, findings BIGINT);
CREATE TABLE IF NOT EXISTS job_parts (job_id VARCHAR, part INTEGER, file VARCHAR, rows BIGINT);
CREATE TABLE IF NOT EXISTS commits (job_id VARCHAR, committed_at TIMESTAMP, result VARCHAR);
"""
