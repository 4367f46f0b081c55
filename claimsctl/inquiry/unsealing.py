"""Identifiers of many patients, unsealed in memory for one export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.security.keys import load_keys
from claimsctl.settings_security import SEALABLE
from claimsctl.store.headers import quoted
from claimsctl.store.patients import RECORD_COLUMNS
from claimsctl.store.records import unseal_patient
from claimsctl.store.unread import mend, readable
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_SCHEMA = pl.Schema({"patient_key": pl.String, **dict.fromkeys((*RECORD_COLUMNS, *SEALABLE), pl.String)})


def unsealed_patients(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, chosen: Path
) -> pl.DataFrame:
    """The patients of the `chosen` claims (a file with patient_key) with RECORD_COLUMNS and
    SEALABLE ones, which are blank where the lines have them.

    `patient_key` is written with hyphens; the record stored last of a patient counts. StoreError where
    a file of sealed patients is gone.
    """
    keys = load_keys(workspace, None)
    wanted = connection.execute(
        "SELECT DISTINCT ON (patient_key) patient_key::VARCHAR AS patient_key, record_hash, file "
        "FROM patients "
        f"SEMI JOIN read_parquet({quoted(chosen)}) USING (patient_key) ORDER BY patient_key, version DESC"
    ).fetchall()
    by_file: dict[str, list[tuple[str, int]]] = {}
    for key, record, file in wanted:
        by_file.setdefault(str(file), []).append((str(key), int(record)))
    parts = [pl.DataFrame(schema=_SCHEMA)]
    for file, records in by_file.items():
        path = workspace.root / file
        if not path.exists():
            raise StoreError(f"Sealed patients are missing: {path}.", hint=mend(path.parent.name))
        asked = pl.DataFrame(
            {
                "shown": [key for key, _ in records],
                "patient_key": [key.replace("-", "") for key, _ in records],
                "record_hash": pl.Series([record for _, record in records], dtype=pl.UInt64),
            }
        )
        with readable([path]):
            sealed = pl.scan_parquet(path).join(asked.lazy(), on=["patient_key", "record_hash"]).collect()
        people = [
            {"patient_key": shown, **unseal_patient(blob, key, keys)}
            for shown, key, blob in sealed.select("shown", "patient_key", "sealed").iter_rows()
        ]
        parts.append(pl.DataFrame(people, schema=_SCHEMA))
    return pl.concat(parts)
