"""Where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STAGES = ("ingest", "facts", "price", "validate", "score", "write", "store")


@dataclass
class Timings:
    """Seconds by stage; a stage inside a stage counts for itself only."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: float = field(default_factory=time.perf_counter)
    _open: list[float] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as part of stage `name`."""
        begun = time.perf_counter()
        self._open.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            inner = self._open.pop()
            self.seconds[name] += spent - inner
            if self._open:
                self._open[-1] += spent

    def as_dict(self) -> dict[str, float]:
        """Seconds by stage and in total, to milliseconds."""
        total = time.perf_counter() - self.started
        return {**{k: round(v, 3) for k, v in self.seconds.items()}, "total": round(total, 3)}
