"""What a run keeps so that its failed rows can be tried again: their raw cells, sealed, and their inputs.

jobs/<job>/rejects/ holds part-*.sealed (rows as given, in file order, with the claim of each) and
inputs.sealed (header and format of each input). Nothing in them can be read without the workspace key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.facts.typed import verbatim_cells
from claimsctl.process.routing import Reviewed
from claimsctl.process.sessions import DERIVED
from claimsctl.process.spilling import temporary_files
from claimsctl.security.files import FILE_MODE, write_private
from claimsctl.security.sealing import columns_place, seal, seal_columns, unseal, unseal_columns
from claimsctl.write.rejected import AS_CSV

if TYPE_CHECKING:
    from claimsctl.ingest.mapping import HeaderMap
    from claimsctl.process.fetched import FromDatabase
    from claimsctl.process.intake import Input
    from claimsctl.security.keys import Keys
    from claimsctl.store.workspace import Workspace

CLAIM_COLUMNS: Final = ("claim_id", "claim_number", "payer_sequence", "input")
"""What a kept row says beside its row_number and raw cells (c0, c1, ...); `input` numbers its input."""
DIRECTORY: Final = "rejects"
_INPUTS: Final = "inputs.sealed"
_REQUEST: Final = "request.sealed"
_SOURCES: Final = "sources.sealed"


@dataclass(frozen=True)
class KeptInput:
    """An input as it was: `header` by raw column, and what its rejected rows are written back as.

    `columns` names the canonical column of a raw one, of a full name the last name.
    """

    name: str
    path: str
    format: str
    delimiter: str | None
    encoding: str | None
    header: dict[str, str]
    columns: dict[str, str]


@dataclass
class RejectKeeper:
    """Seals the rejected rows of a run, part by part, in the private directory of the job."""

    directory: Path
    job_id: str
    keys: Keys
    parts: int = 0
    _inputs: dict[int, Input] = field(default_factory=dict)

    def keep(self, part: Reviewed, rejected: pl.Series) -> None:
        """Keep the rejected rows of a decided part."""
        self._inputs.setdefault(part.input.source.index, part.input)
        rows = verbatim_cells(
            part.rows.filter(rejected), blank="" if part.input.source.format in AS_CSV else None
        )
        claims = part.frame.select("claim_id", "claim_number", "payer_sequence").filter(rejected)
        frame = rows.with_columns(
            *claims.get_columns(), pl.lit(part.input.source.index, pl.Int64).alias("input")
        )
        name = f"part-{self.parts:05d}"
        sealed = seal_columns(frame, _place(self.job_id, name), self.keys)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        path = self.directory / f"{name}.sealed"
        with temporary_files():
            path.write_bytes(sealed)
            path.chmod(FILE_MODE)
        self.parts += 1

    def finish(self, target: Path) -> None:
        """Put everything under its name in the job's directory; nothing where nothing was rejected."""
        if not self.parts:
            return
        kept = {str(index): _described(each) for index, each in self._inputs.items()}
        sealed = seal(json.dumps(kept).encode(), _place(self.job_id, "inputs").encode(), self.keys)
        write_private(self.directory / _INPUTS, sealed)
        self.directory.replace(target / DIRECTORY)


def _described(each: Input) -> dict[str, Any]:
    """`KeptInput` as JSON. A claim number that the run made itself is kept as a column of the input."""
    source = each.source
    header = {f"c{n}": text for n, text in enumerate(source.header) if n not in each.header_map.own_columns}
    if DERIVED in each.layout.columns.values():
        header[DERIVED] = "claim_number"
    return {
        "name": source.name, "path": str(source.path), "format": source.format,
        "delimiter": source.delimiter, "encoding": source.encoding, "header": header,
        "columns": canonical_columns(each.header_map),
    }  # fmt: skip


def canonical_columns(header_map: HeaderMap) -> dict[str, str]:
    """The canonical column of each raw one, of a full name the last name."""
    columns = {f"c{n}": name for name, n in header_map.columns.items()}
    for name, n in (
        ("patient_last_name", header_map.patient_name_index),
        ("subscriber_last_name", header_map.subscriber_name_index),
    ):
        if n is not None:
            columns[f"c{n}"] = name
    return columns


def kept_inputs(workspace: Workspace, job_id: str, keys: Keys) -> dict[int, KeptInput]:
    """The inputs of the rejected rows that a job kept, by number; empty where it kept none."""
    path = workspace.job_directory(job_id) / DIRECTORY / _INPUTS
    if not path.exists():
        return {}
    found = json.loads(unseal(_read(path), _place(job_id, "inputs").encode(), keys))
    return {int(index): KeptInput(**described) for index, described in found.items()}


def kept_parts(workspace: Workspace, job_id: str, keys: Keys) -> Iterator[pl.DataFrame]:
    """The rejected rows that a job kept, part by part in file order; each part is of one `input`."""
    for path in sorted((workspace.job_directory(job_id) / DIRECTORY).glob("part-*.sealed")):
        yield unseal_columns(_read(path), _place(job_id, path.stem), keys)


def by_input(parts: Iterable[pl.DataFrame]) -> dict[int, pl.DataFrame]:
    """Parts of kept rows, or of some of their columns, taken together by number of their input."""
    found: dict[int, list[pl.DataFrame]] = {}
    for frame in parts:
        found.setdefault(frame["input"][0], []).append(frame)
    return {index: pl.concat(frames) for index, frames in found.items()}


def keep_constants(workspace: Workspace, job_id: str, constants: Mapping[str, str], keys: Keys) -> None:
    """Keep the values that stand for missing columns (--set, settings): they may be identifiers."""
    if constants:
        sealed = seal(json.dumps(dict(constants)).encode(), _place(job_id, "request").encode(), keys)
        write_private(workspace.job_directory(job_id) / _REQUEST, sealed)


def keep_sources(workspace: Workspace, job_id: str, databases: Sequence[FromDatabase], keys: Keys) -> None:
    """Keep what was typed of the databases to read: a condition may name a patient."""
    if databases:
        typed = json.dumps([dict(each.typed) for each in databases]).encode()
        sealed = seal(typed, _place(job_id, "sources").encode(), keys)
        write_private(workspace.job_directory(job_id) / _SOURCES, sealed)


def kept_sources(workspace: Workspace, job_id: str, keys: Keys) -> list[dict[str, str | None]]:
    """What `keep_sources` kept."""
    path = workspace.job_directory(job_id) / _SOURCES
    if not path.exists():
        return []
    found: list[dict[str, str | None]] = json.loads(
        unseal(_read(path), _place(job_id, "sources").encode(), keys)
    )
    return found


def kept_constants(workspace: Workspace, job_id: str, keys: Keys) -> dict[str, str]:
    """What `keep_constants` kept."""
    path = workspace.job_directory(job_id) / _REQUEST
    if not path.exists():
        return {}
    found: dict[str, str] = json.loads(unseal(_read(path), _place(job_id, "request").encode(), keys))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise StoreError(
            f"{path} cannot be read.", hint="Restore it from a backup, or run the file itself again."
        ) from None


def place_of(path: Path) -> bytes:
    """What a file that was kept is bound to, as `<job>/rejects/*.sealed` or `<job>/*.sealed`."""
    job_id = (path.parent.parent if path.parent.name == DIRECTORY else path.parent).name
    place = _place(job_id, path.stem)
    return columns_place(place) if path.stem.startswith("part-") else place.encode()


def _place(job_id: str, name: str) -> str:
    return f"{job_id}/{DIRECTORY}/{name}"


__all__: Sequence[str] = (
    "CLAIM_COLUMNS", "DIRECTORY", "KeptInput", "RejectKeeper", "by_input", "canonical_columns",
    "keep_constants", "keep_sources", "kept_constants", "kept_inputs", "kept_parts", "kept_sources",
    "place_of",
)  # fmt: skip
