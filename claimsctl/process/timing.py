"""Where the time of a run went."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STAGES = ("ingest", "facts", "price", "validate", "score", "write", "store")


@dataclass
class Timings:
    """Seconds by stage; a stage inside a stage counts for itself only.

    Parts are worked on at once, so the stages of a run may add up to more than its total.
    """

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: float = field(default_factory=time.perf_counter)
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as part of stage `name`."""
        begun = time.perf_counter()
        stack: list[float] = self._local.__dict__.setdefault("open", [])
        stack.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            inner = stack.pop()
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent - inner
            if stack:
                stack[-1] += spent

    def as_dict(self) -> dict[str, float]:
        """Seconds by stage and in total, to milliseconds."""
        total = time.perf_counter() - self.started
        return {**{k: round(v, 3) for k, v in self.seconds.items()}, "total": round(total, 3)}
