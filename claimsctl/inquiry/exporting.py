"""Lines of claims written out, as many as there are, in bounded memory.

The store is open only while the claims are chosen; their lines are read from files that never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from claimsctl.claim import BY_NAME
from claimsctl.errors import InternalError, OutputError, StoreError
from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.requiring import require
from claimsctl.score.risk import RISK
from claimsctl.security.spills import arrow_encryption, read_spill, write_spill
from claimsctl.settings_security import SEALABLE
from claimsctl.store.database import DISK_FULL, Notify
from claimsctl.store.headers import files, quoted
from claimsctl.store.unread import mend, readable
from claimsctl.store.workspace import Workspace
from claimsctl.write.formats import TableFormat

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from claimsctl.security.policy import Treatment
    from claimsctl.write.files import OutputDir

Spill = Literal["spill"]
"""A temporary file that only this process can read (security.spills)."""

_MEMORY: Final = "1GB"
_AT_ONCE: Final = 10_000
_PEOPLE: Final = "people_of_the_export"
_TREATED: Final = "treated_lines_of_the_export"
_TREATED_AT_ONCE: Final = 100_000
_CLAIM: Final = (
    "claim_number", "payer_sequence", "practice_id", "status", "version", "job_id",
)  # fmt: skip
_RISK: Final = (*RISK, "filing_deadline", "held")
"""Of the claim as it was scored last, which may be later than its lines were stored."""
_CHOSEN: Final = ", ".join((*_CLAIM, *_RISK))
_INTERNAL: Final = frozenset(
    {"claim_id", "content_digest", "history_key", "patient_key", "unchanged", "verdict", "filename", *_RISK}
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
    form: TableFormat | Spill,
    *,
    show_phi: bool = False,
    treatment: Treatment | None = None,
    safe_csv: bool = False,
    max_rows: int | None = None,
    notify: Notify | None = None,
) -> Exported:
    """Write the lines of the claims that fit, in the order they were stored, as file `name` of `output`.

    Columns are the key, status, version and job of the claim, then those of its lines; with `show_phi`
    also the identifiers of its patient; with `safe_csv` an apostrophe before text of CSV that a spreadsheet
    would run. `treatment` says what becomes of patients' data then (None: identifiers are left out, the rest
    stays). `max_rows` is where a sheet of xlsx is full (Excel's limit).
    Raises StoreError where lines were removed meanwhile, PermissionDenied where identifiers are not for
    the user.
    """
    import duckdb

    if show_phi:
        require(workspace, "identifiers")
    with workspace.scratch() as scratch:
        chosen = scratch / "chosen.parquet"
        paths, people = _choose(workspace, filters, chosen, show_phi=show_phi, notify=notify)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY, "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": True, "threads": 1,  # joins of several threads mix the rows
        }  # fmt: skip
        if people is not None:  # what DuckDB puts on the disk it cannot encrypt, so names stay in memory
            settings["temp_directory"] = ""
            del settings["memory_limit"]
        place = output if isinstance(output, Path) else output.path
        with _output_errors(place / name), duckdb.connect(config=settings) as reader, readable(paths):
            reader.execute("SET enable_progress_bar = false")  # it would write to any terminal
            reader.execute(f"CREATE TABLE chosen AS SELECT * FROM read_parquet({quoted(chosen)})")
            ((claims,),) = reader.execute("SELECT count(*) FROM chosen").fetchall()
            done = Exported(int(claims))
            query = _query(reader, paths, people, some=done.claims > 0, whose=treatment is not None)
            if treatment is not None:
                query = _treated(reader, query, treatment, scratch)
            if form == "xlsx":
                from claimsctl.write.files import OutputDir as Directory

                assert isinstance(output, Directory)
                _workbook(reader, query, output, name, done, max_rows)
            elif form == "spill":
                assert isinstance(output, Path)
                done.lines = _spilled(reader, query, output / name)
            else:
                path = output / name if isinstance(output, Path) else output.temp_path(name)
                query = _neutralised(reader, query) if safe_csv and form == "csv" else query
                written = reader.execute(
                    f"COPY ({query}) TO {quoted(path)} ({_HOW[form]}, USE_TMP_FILE false)"
                ).fetchone()
                done.lines = 0 if written is None else int(written[0])
        return done


def _choose(
    workspace: Workspace, filters: Filters, chosen: Path, *, show_phi: bool, notify: Notify | None
) -> tuple[list[Path], pl.DataFrame | None]:
    """Write the claims that fit to a file; the files with their lines, in order, and with `show_phi` their
    patients."""
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        connection.execute(
            f"COPY (SELECT claim_id, patient_key, {_CHOSEN} FROM claims WHERE {where.sql}) "
            f"TO {quoted(chosen)} (FORMAT parquet)",
            where.parameters,
        )
        parts = connection.execute(
            f"SELECT file FROM job_parts SEMI JOIN read_parquet({quoted(chosen)}) USING (job_id) "
            "ORDER BY job_id, part"
        ).fetchall()
        if (
            not parts
        ):  # of no claims the columns are those of all lines, so that who loads the file finds them
            every = connection.execute("SELECT file FROM job_parts ORDER BY job_id, part").fetchall()
            parts = [(file,) for (file,) in every if (workspace.root / str(file)).exists()]
        people = None
        if show_phi:
            from claimsctl.inquiry.unsealing import unsealed_patients

            people = unsealed_patients(connection, workspace, chosen)
    paths = [workspace.root / str(file) for (file,) in parts]
    gone = [path for path in paths if not path.exists()]
    if gone:
        raise StoreError(
            f"Lines of {len(gone):,} of {len(paths):,} files are no longer in the workspace ({gone[0]}).",
            hint=f"Run again if another process was just removing a run. {mend(gone[0].parent.name)}",
        )
    return paths, people


def _query(
    reader: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    people: pl.DataFrame | None,
    *,
    some: bool,
    whose: bool = False,
) -> str:
    """The lines of the chosen claims; none where there is no file, or not `some` claims, and then the columns
    that lines have. `whose`: patient_key goes first."""
    claim = ", ".join(f"c.{name}" for name in _CLAIM)
    if whose:
        claim = f"c.patient_key::VARCHAR AS patient_key, {claim}"
    if not paths:
        return f"SELECT {claim} FROM chosen c WHERE false"
    lines = f"read_parquet({files(paths)}, union_by_name = true, filename = true)"
    there = [str(row[0]) for row in reader.execute(f"DESCRIBE SELECT * FROM {lines}").fetchall()]
    order = {name: at for at, name in enumerate(("line_number", *BY_NAME))}
    names = sorted(
        (name for name in there if name not in _INTERNAL and name not in _CLAIM),
        key=lambda name: order.get(name, len(order)),
    )
    own = {name: f'l."{name}"' for name in names}
    identifiers: list[str] = []
    joined = ""
    if people is not None:
        reader.register(_PEOPLE, people.to_arrow())
        identifiers = [f'p."{name}"' for name in people.columns if name not in ("patient_key", *SEALABLE)]
        for name in SEALABLE:  # what a run kept in the sealed record stands where lines would have it
            if people[name].null_count() < people.height:
                kind = "DATE" if BY_NAME[name].cell_type == "date" else "VARCHAR"
                kept = f'TRY_CAST(p."{name}" AS {kind})'
                own[name] = (
                    f'coalesce({own[name]}, {kept}) AS "{name}"' if name in own else f'{kept} AS "{name}"'
                )
        names = sorted(own, key=lambda name: order.get(name, len(order)))
        joined = f"LEFT JOIN {_PEOPLE} p ON p.patient_key = c.patient_key::VARCHAR"
    # The version in force may have been stored by another job than an older one with the same id.
    risk = [f"c.{name}" for name in _RISK]
    columns = [claim, *identifiers, *(own[name] for name in names), *risk]
    return (
        f"SELECT {', '.join(columns)} FROM {lines} l JOIN chosen c "
        f"ON l.claim_id = c.claim_id AND parse_path(l.filename)[-2] = c.job_id {joined}"
        f"{'' if some else ' WHERE false'}"  # of no claims not a line is read
    )


def _spilled(reader: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """The lines in a file that only this process can read; how many."""
    from pyarrow import parquet

    rows = 0
    with (
        reader.sql(query).to_arrow_reader(_AT_ONCE) as found,
        parquet.ParquetWriter(path, found.schema, encryption_properties=arrow_encryption()) as file,
    ):
        for batch in found:
            file.write_batch(batch)
            rows += batch.num_rows
    return rows


def _treated(reader: duckdb.DuckDBPyConnection, query: str, treatment: Treatment, scratch: Path) -> str:
    """The lines of a query as `treatment` leaves them, in files that only this process can read, as a query
    on these; it runs once, for DuckDB is handed them as they are read."""
    import polars as pl
    import pyarrow as pa

    place = scratch / "treated"
    place.mkdir(mode=0o700)
    paths: list[Path] = []
    batches: Any = reader.sql(query).to_arrow_reader(_TREATED_AT_ONCE)
    # Lines or not, there is a file that says which columns there are.
    for batch in chain([batches.schema.empty_table()], batches):
        lines = pl.DataFrame(batch)
        treated = treatment.lines(lines.drop("patient_key"), lines["patient_key"], lines["practice_id"])
        paths.append(place / f"part-{len(paths):05d}.parquet")
        write_spill(treated, paths[-1])
    batches.close()
    rows = (batch for path in paths for batch in read_spill(path).to_arrow().to_batches())
    schema = read_spill(paths[0]).to_arrow().schema
    reader.register(_TREATED, pa.RecordBatchReader.from_batches(schema, rows))
    return f"SELECT * FROM {_TREATED}"


def _neutralised(reader: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query with its texts as `claimsctl.write.text.neutralise` leaves them."""
    from claimsctl.write.text import DANGEROUS, PLAIN_NUMBER

    columns = []
    for name, kind, *_ in reader.execute(f"DESCRIBE {query}").fetchall():
        column = f'"{name}"'
        if kind == "VARCHAR":
            plain = (
                f"NOT regexp_matches({column}, '{DANGEROUS}') OR regexp_matches({column}, '{PLAIN_NUMBER}')"
            )
            column = f"CASE WHEN {plain} THEN {column} ELSE chr(39) || {column} END AS {column}"
        columns.append(column)
    return f"SELECT {', '.join(columns)} FROM ({query})"


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
