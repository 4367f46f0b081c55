"""Temporary files with patients' data: Parquet, encrypted with a key that only this process has.

The key is drawn once per process and is nowhere but in its memory. So what a killed process leaves in tmp/ of
the workspace can be read by nobody, not even with the keys of the workspace; nobody needs to, for a run that
is gone on with starts anew. Parquet's own encryption (AES-256-GCM for each page and for the footer) is used
because the files are read lazily, some columns or rows at a time: measured, it costs next to nothing beside
the compression. What was altered is refused; bytes that no reader looks at (indexes of pages) do not matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

SEALED = True
"""Turned off only by the benchmark that measures what it costs; no setting reaches it."""
MAGIC = b"PARE"
"""How an encrypted Parquet file begins."""


@cache
def _key() -> bytes:
    return secrets.token_bytes(32)


def write_spill(frame: pl.DataFrame, path: Path | BytesIO) -> None:
    """Write rows into a temporary file; it can be read in this process only."""
    frame.write_parquet(path, compression="lz4", statistics=False, encryption=encryption())


def sink_spill(rows: pl.LazyFrame, path: Path, *, row_group_size: int | None = None) -> None:
    """Write rows, in their order, into a temporary file without holding all of them."""
    rows.sink_parquet(
        path, compression="lz4", statistics=False, maintain_order=True, row_group_size=row_group_size,
        encryption=encryption(),
    )  # fmt: skip


def read_spill(path: Path, columns: Collection[str] | None = None) -> pl.DataFrame:
    """The rows of a temporary file, all or some of its columns."""
    import polars as pl

    return pl.read_parquet(
        path, columns=None if columns is None else list(columns), glob=False, decryption=decryption()
    )


def scan_spills(paths: Path | Sequence[Path]) -> pl.LazyFrame:
    """The rows of temporary files, one after the other."""
    import polars as pl

    files = paths if isinstance(paths, Path) else list(paths)
    return pl.scan_parquet(files, glob=False, decryption=decryption())


def is_spill(path: Path) -> bool:
    """Whether a file is a temporary one of this process."""
    import polars as pl

    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return False
    try:
        scan_spills(path).collect_schema()
    except pl.exceptions.PolarsError:
        return False
    return True


def encryption() -> pl.ParquetEncryptionProperties | None:
    """For Polars, to write such a file."""
    return encrypted(_key()) if SEALED else None


def decryption() -> pl.ParquetDecryptionProperties | None:
    """For Polars, to read such a file."""
    return decrypted(_key()) if SEALED else None


def arrow_encryption() -> Any:
    """For a ParquetWriter of PyArrow. DuckDB writes no such files, and does not read all of them."""
    if not SEALED:
        return None
    from pyarrow.parquet.encryption import create_encryption_properties

    return create_encryption_properties(_key())


def encrypted(key: bytes) -> pl.ParquetEncryptionProperties:
    """For Polars, to write a Parquet file that is encrypted as a whole with a key (32 bytes)."""
    import polars as pl

    return pl.ParquetEncryptionProperties(footer_key=key)


def decrypted(key: bytes) -> pl.ParquetDecryptionProperties:
    """For Polars, to read a Parquet file encrypted with a key."""
    import polars as pl

    return pl.ParquetDecryptionProperties(footer_key=key)
