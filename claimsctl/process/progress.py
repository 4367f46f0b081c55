"""Who is told how far a run is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how far a run is."""

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        """`done` of `total` (bytes or rows; 0: unknown) in a stage; `rows` so far."""
