"""What a run hands over to a target: a directory of Parquet files that can be sent, and sent again.

`<workspace>/sending/<job>/<target>/` has, for each batch, `claims-00001.parquet`, `claim_lines-00001.parquet`
and so on, and `manifest.json`, which is written last: without it the run did not get there. A batch holds
whole claims, or findings, or the record of the job, which comes last. Rows have the columns of sql.tables but
`loaded_at`; PHI is treated already. Columns that the run cannot fill are left out: they are null.

The files are encrypted (Parquet's own encryption, AES-256-GCM) with a key drawn for this outbox, which stands
in the manifest (sql.manifest), sealed with that of the workspace: another process may have to deliver what is
left.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from secrets import token_bytes
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claimsctl.errors import StoreError
from claimsctl.security.files import disk_errors, private_directory, write_private
from claimsctl.security.policy import Phi
from claimsctl.security.spills import decrypted, encrypted
from claimsctl.sql.batching import CLAIM_LINES_FILE, ClaimSpill
from claimsctl.sql.column import shortened
from claimsctl.sql.manifest import MANIFEST, damage_named, read_manifest, write_manifest
from claimsctl.sql.tables import CLAIM_FINDINGS, JOBS, TARGET_TABLES, tables_for

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.security.keys import Keys
    from claimsctl.sql.manifest import KeysOf

BATCH_CLAIMS: Final = 2_000
_ROWS: Final = 20_000
"""Rows of a batch of findings."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """Rows of one table in one batch."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is loaded in one transaction; `number` from 1, `files` by table."""

    number: int
    files: Mapping[str, BatchFile]

    def rows(self, table: str) -> int:
        """Rows of a table in the batch."""
        return self.files[table].rows if table in self.files else 0


@dataclass(frozen=True)
class Outbox:
    """A finished outbox. `columns` has, for each table that occurs, the columns of all of its files.

    `key` decrypts the files.
    """

    directory: Path
    job_id: str
    target: str
    phi: Phi
    practice_id: str
    columns: Mapping[str, tuple[str, ...]]
    batches: tuple[Batch, ...]
    key: bytes = field(repr=False, kw_only=True)

    @staticmethod
    def open(directory: Path, keys_of: KeysOf) -> Outbox:
        """Read the manifest; `keys_of` gives the keys of a practice.

        StoreError where there is none, it cannot be read or was altered, PermissionDenied without the right.
        """
        path = directory / MANIFEST
        with disk_errors(path, "read"):
            if not path.exists():
                raise StoreError(
                    f"{directory} is not ready to be sent: the run that fills it has not finished.",
                    hint="Finish it with `claimsctl jobs resume`, or run it again.",
                )
        said, key = read_manifest(path, keys_of)
        with damage_named(path):
            return Outbox(
                directory, said["job_id"], said["target"], said["phi"], said["practice_id"],
                {table: tuple(names) for table, names in said["columns"].items()},
                tuple(
                    Batch(
                        each["number"],
                        {table: BatchFile(**file) for table, file in each["files"].items()},
                    )
                    for each in said["batches"]
                ),
                key=key,
            )  # fmt: skip

    def rows(self, table: str) -> int:
        """Rows of a table in all batches."""
        return sum(batch.rows(table) for batch in self.batches)

    def read(self, batch: Batch, table: str) -> pl.DataFrame:
        """The rows of a table in a batch, with the columns of `columns[table]`.

        StoreError where the file is gone or is not what the run wrote.
        """
        import polars as pl

        return pl.read_parquet(BytesIO(self.read_bytes(batch, table)), decryption=decrypted(self.key))

    def read_bytes(self, batch: Batch, table: str) -> bytes:
        """The Parquet file of a table in a batch as it lies there, compared with its checksum."""
        said = batch.files[table]
        path = self.directory / said.file
        with disk_errors(path, "read"):
            data = path.read_bytes()
        if sha256(data).hexdigest() != said.sha256:
            raise StoreError(f"{path} is not what the run wrote.", hint="Run the job again.")
        return data

    def remove(self) -> None:
        """Delete it, when it has been delivered."""
        with disk_errors(self.directory, "delete"):
            (self.directory / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(self.directory, ignore_errors=True)


@dataclass
class OutboxWriter:
    """Fills an outbox while a run goes on. A directory of an earlier try is emptied first.

    `spill` is a private directory for parts of claims until the end; it is removed then.
    """

    directory: Path
    job_id: str
    target: str
    phi: Phi
    practice_id: str
    keys: Keys
    batch_claims: int = BATCH_CLAIMS
    spill: Path | None = None
    _key: bytes = field(init=False, repr=False, default_factory=lambda: token_bytes(32))
    _claims: ClaimSpill = field(init=False)
    _waiting: dict[str, list[pl.DataFrame]] = field(init=False, default_factory=dict)
    _aside: list[tuple[str, Path]] = field(init=False, default_factory=list)
    _batches: list[Batch] = field(init=False, default_factory=list)
    _findings: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        private_directory(self.directory.parent)
        with disk_errors(self.directory, "empty"):
            (self.directory / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(self.directory, ignore_errors=True)
        private_directory(self.directory)
        self._spill = self.spill or self.directory / "unfinished"
        private_directory(self._spill)
        self._claims = ClaimSpill(self._spill, self.job_id, self.practice_id, self.phi, self.keys)

    def add(self, lines: pl.DataFrame, *, input_name: str | None = None) -> None:
        """Accepted lines of a part, in file order: canonical columns typed, those of pricing, `claim_id`,
        `line_number_in_claim` and `row_number`; other columns are passed over."""
        self._claims.add(lines, input_name)

    def findings(self, findings: pl.DataFrame) -> None:
        """Described findings (validate.findings.FINDING), in file order; long texts are cut."""
        import polars as pl

        if not findings.height:
            return
        first = self._findings + 1
        self._findings += findings.height
        numbers = pl.Series("finding_number", range(first, first + findings.height), dtype=pl.Int64)
        rows = findings.with_columns(numbers, pl.lit(self.practice_id).alias("practice_id"))
        self.rows(
            "claim_findings",
            rows.select(
                shortened(column) if column.kind in ("code", "text") else column.name
                for column in CLAIM_FINDINGS.outbox_columns
                if column.name in rows.columns
            ),
        )

    def rows(self, table: str, rows: pl.DataFrame) -> None:
        """Rows of another table than claims and lines, with some or all of its columns; `job_id` is set."""
        import polars as pl

        schema = tables_for(self.phi)[table].schema()
        given = rows.with_columns(pl.lit(self.job_id).alias("job_id"))
        missing = [pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in given.columns]
        whole = given.with_columns(missing).select(pl.col(n).cast(dtype) for n, dtype in schema.items())
        waiting = self._waiting.setdefault(table, [])
        waiting.append(whole)
        if sum(each.height for each in waiting) >= _ROWS:
            self._put_aside(table, whole=False)

    def close(self, job: Mapping[str, object]) -> Outbox:
        """Write the batches and, last, the manifest. `job` is a row of `jobs`, some or all of its columns."""
        import polars as pl

        with disk_errors(self.directory, "write the outbox"):
            for claims, lines in self._claims.batches(self.batch_claims):
                number = len(self._batches) + 1
                files = {
                    "claims": self._write("claims", number, claims),
                    CLAIM_LINES_FILE: self._write(CLAIM_LINES_FILE, number, lines),
                }
                self._batches.append(Batch(number, MappingProxyType(files)))
            schema = {name: JOBS.schema()[name] for name in job if name in JOBS.schema()}
            self.rows("jobs", pl.DataFrame([{name: job[name] for name in schema}], schema=schema))
            for table in sorted(self._waiting, key=TARGET_TABLES.index):
                self._put_aside(table, whole=True)
            self._aside.sort(key=lambda each: TARGET_TABLES.index(each[0]))
            for table, path in self._aside:
                number = len(self._batches) + 1
                data = path.read_bytes()
                path.unlink()
                self._batches.append(Batch(number, {table: self._write_bytes(table, number, data)}))
            shutil.rmtree(self._spill, ignore_errors=True)
        return self._finish()

    def _put_aside(self, table: str, *, whole: bool) -> None:
        """Write waiting rows in files of `_ROWS`, what is left over only if `whole`."""
        import polars as pl

        rows = pl.concat(self._waiting.pop(table))
        full = rows.height if whole else rows.height // _ROWS * _ROWS
        for start in range(0, full, _ROWS):
            path = self._spill / f"{table}-{len(self._aside):05d}.parquet"
            write_private(path, self._parquet(rows.slice(start, min(_ROWS, full - start))))
            self._aside.append((table, path))
        if full < rows.height:
            self._waiting[table] = [rows.slice(full).clone()]

    def _write(self, table: str, number: int, rows: pl.DataFrame) -> BatchFile:
        return self._write_bytes(table, number, self._parquet(rows))

    def _write_bytes(self, table: str, number: int, data: bytes) -> BatchFile:
        import polars as pl

        name = f"{table}-{number:05d}.parquet"
        write_private(self.directory / name, data)
        rows = (
            pl.scan_parquet(BytesIO(data), decryption=decrypted(self._key)).select(pl.len()).collect().item()
        )
        return BatchFile(name, rows, sha256(data).hexdigest())

    def _finish(self) -> Outbox:
        columns: dict[str, tuple[str, ...]] = dict(self._claims.columns) if self._claims.lines else {}
        for table, _ in self._aside:
            columns[table] = tuple(tables_for(self.phi)[table].schema())
        said = {
            "job_id": self.job_id, "target": self.target, "phi": self.phi,
            "practice_id": self.practice_id, "columns": columns,
            "batches": [
                {
                    "number": batch.number,
                    "files": {
                        table: {"file": each.file, "rows": each.rows, "sha256": each.sha256}
                        for table, each in batch.files.items()
                    },
                }
                for batch in self._batches
            ],
        }  # fmt: skip
        write_manifest(self.directory / MANIFEST, said, self._key, self.keys)
        return Outbox.open(self.directory, lambda _practice: self.keys)

    def _parquet(self, rows: pl.DataFrame) -> bytes:
        buffer = BytesIO()
        rows.write_parquet(
            buffer, compression="zstd", compression_level=1, row_group_size=max(rows.height, 1),
            encryption=encrypted(self._key),
        )  # fmt: skip
        return buffer.getvalue()
