from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from claimsctl.ingest.parts import RawPart, Source
from claimsctl.ingest.sources import open_sources


@dataclass
class Everything:
    """All parts of a source, gathered."""

    source: Source
    parts: list[RawPart]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    malformed: list[tuple[int, str, str, list[str] | None]] = field(default_factory=list)
    blanks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for part in self.parts:
            self.rows += [row[1:] for row in part.rows.rows()]
            self.numbers += part.rows["row_number"].to_list()
            self.malformed += part.malformed.rows()
            self.blanks += part.blank_rows.to_list()

    @property
    def reasons(self) -> dict[int, str]:
        return {number: reason for number, reason, _, _ in self.malformed}


def gather(
    source: Source, batch_rows: int = 1000, required_indexes: frozenset[int] = frozenset()
) -> Everything:
    return Everything(source, list(source.parts(batch_rows, required_indexes=required_indexes)))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Everything]:
    """Write bytes to a file, open it as a source and gather all of it."""

    def read_bytes(
        data: bytes | str,
        name: str = "claims.csv",
        batch_rows: int = 1000,
        required: Sequence[int] = (),
        **options: Any,
    ) -> Everything:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        (source,) = open_sources([str(path)], spool_dir=tmp_path, **options)
        return gather(source, batch_rows, frozenset(required))

    return read_bytes
