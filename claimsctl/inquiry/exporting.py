"""Lines of claims written out, as many as there are, in bounded memory.

The store is open only while the claims are chosen; their lines are read from files that never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from claimsctl.claim import BY_NAME
from claimsctl.errors import InternalError, OutputError, StoreError
from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.store.database import DISK_FULL, Notify
from claimsctl.store.headers import files, quoted
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

    from claimsctl.write.files import OutputDir

Format = Literal["csv", "xlsx", "parquet", "json"]

_MEMORY: Final = "1GB"
_AT_ONCE: Final = 10_000
_CLAIM: Final = (
    "claim_number", "payer_sequence", "practice_id", "status", "version", "job_id",
)  # fmt: skip
_INTERNAL: Final = frozenset(
    {"claim_id", "content_digest", "history_key", "patient_key", "unchanged", "verdict", "filename"}
)
_HOW: Final = {
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


@dataclass
class Exported:
    """What an export wrote; `notes` say what a format could not hold."""

    claims: int
    lines: int = 0
    notes: list[str] = field(default_factory=list)


def export_claims(
    workspace: Workspace,
    filters: Filters,
    output: OutputDir | Path,
    name: str,
    form: Format,
    *,
    show_phi: bool = False,
    max_rows: int | None = None,
    notify: Notify | None = None,
) -> Exported:
    """Write the lines of the claims that fit, in the order they were stored, as file `name` of `output`.

    Columns are the key, status, version and job of the claim, then those of its lines; with `show_phi`
    also the identifiers of its patient. `max_rows` is where a sheet of xlsx is full (Excel's limit).
    Raises StoreError where lines were removed meanwhile.
    """
    import duckdb

    with workspace.scratch() as scratch:
        chosen = scratch / "chosen.parquet"
        with reading(workspace, notify) as connection:
            where = condition(filters, connection, workspace)
            connection.execute(
                f"COPY (SELECT claim_id, patient_key, {', '.join(_CLAIM)} FROM claims WHERE {where.sql}) "
                f"TO {quoted(chosen)} (FORMAT parquet)",
                where.parameters,
            )
            parts = connection.execute(
                f"SELECT file FROM job_parts SEMI JOIN read_parquet({quoted(chosen)}) USING (job_id) "
                "ORDER BY job_id, part"
            ).fetchall()
            if show_phi:
                from claimsctl.inquiry.unsealing import unsealed_patients

                people = unsealed_patients(connection, workspace, chosen, scratch)
            else:
                people = None
        paths = [workspace.root / str(file) for (file,) in parts]
        gone = [path for path in paths if not path.exists()]
        if gone:
            raise StoreError(
                f"Lines of {len(gone):,} of {len(paths):,} files are no longer in the workspace ({gone[0]}).",
                hint="Run again if another process was just removing a run; else restore them from a backup.",
            )
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY, "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": True,
        }  # fmt: skip
        place = output if isinstance(output, Path) else output.path
        with _output_errors(place / name), duckdb.connect(config=settings) as reader:
            reader.execute("SET enable_progress_bar = false")  # it would write to any terminal
            reader.execute(f"CREATE TABLE chosen AS SELECT * FROM read_parquet({quoted(chosen)})")
            counted = reader.execute("SELECT count(*) FROM chosen").fetchone()
            done = Exported(0 if counted is None else int(counted[0]))
            query = _query(reader, paths, people)
            if form == "xlsx":
                from claimsctl.write.files import OutputDir as Directory

                assert isinstance(output, Directory)
                _workbook(reader, query, output, name, done, max_rows)
            else:
                path = output / name if isinstance(output, Path) else output.temp_path(name)
                written = reader.execute(
                    f"COPY ({query}) TO {quoted(path)} ({_HOW[form]}, USE_TMP_FILE false)"
                ).fetchone()
                done.lines = 0 if written is None else int(written[0])
        return done


def _query(reader: duckdb.DuckDBPyConnection, paths: Sequence[Path], people: Path | None) -> str:
    """The lines of the chosen claims; none where there is no file."""
    claim = ", ".join(f"c.{name}" for name in _CLAIM)
    if not paths:
        return f"SELECT {claim} FROM chosen c WHERE false"
    lines = f"read_parquet({files(paths)}, union_by_name = true, filename = true)"
    there = [str(row[0]) for row in reader.execute(f"DESCRIBE SELECT * FROM {lines}").fetchall()]
    order = {name: at for at, name in enumerate(("line_number", *BY_NAME))}
    names = sorted(
        (name for name in there if name not in _INTERNAL and name not in _CLAIM),
        key=lambda name: order.get(name, len(order)),
    )
    columns = [claim, *(f'l."{name}"' for name in names)]
    joined = ""
    if people is not None:
        described = reader.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(people)})").fetchall()
        columns[1:1] = [f'p."{row[0]}"' for row in described if row[0] != "patient_key"]
        joined = f"LEFT JOIN read_parquet({quoted(people)}) p ON p.patient_key = c.patient_key::VARCHAR"
    # The version in force may have been stored by another job than an older one with the same id.
    return (
        f"SELECT {', '.join(columns)} FROM {lines} l JOIN chosen c "
        f"ON l.claim_id = c.claim_id AND parse_path(l.filename)[-2] = c.job_id {joined}"
    )


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """DuckDB's errors in our words; its own quote values."""
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        message = str(error)
        if "nterrupted" in message:
            raise KeyboardInterrupt from None
        if not isinstance(error, duckdb.Error):
            raise
        if any(sign in message for sign in DISK_FULL):
            raise OutputError(f"Cannot write {path}: disk or memory is full.") from None
        if isinstance(error, duckdb.IOException):
            raise StoreError(
                f"Cannot read lines from the workspace or write {path}.",
                hint="Run again if another process was just removing a run.",
            ) from None
        raise InternalError(f"An export was refused ({type(error).__name__}).") from None


def _workbook(
    reader: duckdb.DuckDBPyConnection,
    query: str,
    output: OutputDir,
    name: str,
    done: Exported,
    max_rows: int | None,
) -> None:
    from claimsctl.write.workbook import MAX_ROWS, WorkbookStream

    found = reader.execute(query)
    described = found.description or ()
    money = [column[0].endswith("_amount") for column in described]
    stream = WorkbookStream(output, name, "claims", [c[0] for c in described], max_rows=max_rows or MAX_ROWS)
    while rows := found.fetchmany(_AT_ONCE):
        for row in rows:
            stream.next_row()
            for at, value in enumerate(row):
                stream.value(at, value, money=money[at])
    stream.close()
    done.lines = stream.rows
    done.notes += stream.notes
