"""How far a run is: a bar on a terminal, plain lines when asked for elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

STAGES: Final[Mapping[str, float]] = {"reading": 0.3, "checking": 0.7}
"""Stages of `process` in order, with their measured share of the time."""
_LINE_SECONDS: Final = 5.0
_STEPS: Final = 1000


class Progress:
    """Rows, rows/s and time left of a run; a context manager, called as `progress(stage, done, total, rows)`.

    On a terminal a bar that vanishes at the end; elsewhere a line every five seconds when `verbose`;
    with `quiet` nothing. `stages` gives each stage's share of the whole.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        stages: Mapping[str, float] = STAGES,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shows_bar = not quiet and self._stream.isatty()
        self._shows_lines = not quiet and verbose and not self._shows_bar
        self._stages = stages
        self._clock = clock
        self._begun = self._stage_begun = self._line_at = clock()
        self._stage = ""
        self._fraction = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._begun = self._stage_begun = self._line_at = self._clock()
        if self._shows_bar:
            self._bar = self._make_bar()
            self._task = self._bar.add_task("starting", total=_STEPS, speed="", left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        """Tell how far a stage is: `done` of `total` in any unit (0: unknown), `rows` handled in it."""
        now = self._clock()
        if stage != self._stage:
            self._stage, self._stage_begun = stage, now
        self._fraction = max(self._fraction, self._overall(stage, done, total))
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=self._fraction * _STEPS,
                description=stage,
                speed=self._speed(rows, now),
                left=self._left(now),
            )
        elif self._shows_lines and now - self._line_at >= _LINE_SECONDS:
            self._line_at = now
            notes = [f"{self._fraction:.0%}", self._speed(rows, now), self._left(now)]
            self.note(f"{stage}: " + ", ".join(note for note in notes if note))

    def note(self, text: str) -> None:
        """Print a line of text above the bar."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def _overall(self, stage: str, done: int, total: int) -> float:
        before = 0.0
        for name, share in self._stages.items():
            if name == stage:
                return before + share * (min(done / total, 1.0) if total > 0 else 0.0)
            before += share
        return self._fraction

    def _speed(self, rows: int, now: float) -> str:
        spent = now - self._stage_begun
        rate = f", {rows / spent:,.0f} rows/s" if rows and spent > 0 else ""
        return f"{rows:,} rows{rate}"

    def _left(self, now: float) -> str:
        spent = now - self._begun
        if self._fraction <= 0.02 or spent < 1:  # too early to tell
            return ""
        seconds = max(round(spent * (1 - self._fraction) / self._fraction), 1)
        minutes, rest = divmod(seconds, 60)
        return f"about {minutes} min {rest:02d} s left" if minutes else f"about {rest} s left"

    def _make_bar(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        return RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=Console(file=self._stream),
            transient=True,
            refresh_per_second=5,
            redirect_stdout=False,
            redirect_stderr=False,
        )
