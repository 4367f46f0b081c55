"""How far the questions are: checked, paid, denied, pending, not found, failed, rate and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

from claimsctl.asking.work import Heard

if TYPE_CHECKING:
    from rich.live import Live

_LINE_SECONDS: Final = 5.0
_LIVE_SECONDS: Final = 0.2
KINDS: Final = ("paid", "denied", "pending", "other", "not_found", "failed")


class StatusProgress:
    """On a terminal a line that changes and vanishes at the end; elsewhere a line every five seconds when
    `verbose`; with `quiet` nothing. Counts only: nothing about any claim."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live_wanted = not quiet and self._stream.isatty()
        self._lines = not quiet and verbose and not self._live_wanted
        self._clock = clock
        self._begun: float | None = None
        self._before = 0
        self._at = clock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._live_wanted:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                "starting", console=Console(file=self._stream), transient=True, auto_refresh=False,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, stage: str, done: int, total: int, rows: int) -> None:
        """Rows are read and checked."""
        del done, total
        self._say(f"{stage}: {rows:,} rows", at_once=False)

    def heard(self, heard: Heard, total: int) -> None:
        """Another answer."""
        if self._begun is None:
            self._begun, self._before = self._clock(), heard.checked - 1
        self._say(self.text(heard, total), at_once=heard.checked == total)

    def text(self, heard: Heard, total: int) -> str:
        """The line."""
        spent = 0.0 if self._begun is None else self._clock() - self._begun
        new = heard.checked - self._before
        rate = new / spent if spent > 0 else 0.0
        parts = [f"{heard.checked:,} of {total:,} checked", counted(heard.counts)]
        if rate:
            parts.append(f"{rate:,.1f}/s")
        if rate and spent >= 1 and heard.checked < total:
            parts.append(_left((total - heard.checked) / rate))
        return " · ".join(part for part in parts if part)

    def _say(self, text: str, *, at_once: bool) -> None:
        now = self._clock()
        wait = _LIVE_SECONDS if self._live is not None else _LINE_SECONDS
        if now - self._at < wait and not at_once:
            return
        self._at = now
        if self._live is not None:
            self._live.update(text, refresh=True)
        elif self._lines:
            print(text, file=self._stream, flush=True)


def counted(counts: Mapping[str, int]) -> str:
    """ "40 paid, 3 denied"."""
    return ", ".join(f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in KINDS if counts.get(kind))


def _left(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 1), 60)
    return f"about {minutes} min {rest:02d} s left" if minutes else f"about {rest} s left"
