"""Progress on stderr: a bar on a terminal, lines elsewhere when asked, otherwise nothing."""

import io

import pytest

from claimsctl.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(stream: io.StringIO, *, quiet: bool = False, verbose: bool = False) -> str:
    clock = Clock()
    with Progress(quiet=quiet, verbose=verbose, stream=stream, clock=clock) as progress:
        for second in range(1, 13):
            clock.now += 1
            progress("reading", second, 12, second * 1000)
        for second in range(1, 13):
            clock.now += 1
            progress("checking", second * 1000, 12_000, second * 1000)
    return stream.getvalue()


def test_lines_when_asked() -> None:
    assert run(io.StringIO(), verbose=True).splitlines() == [
        "reading: 12%, 5,000 rows, 1,250 rows/s, about 35 s left",
        "reading: 25%, 10,000 rows, 1,111 rows/s, about 30 s left",
        "checking: 48%, 3,000 rows, 1,500 rows/s, about 17 s left",
        "checking: 77%, 8,000 rows, 1,143 rows/s, about 6 s left",
    ]


@pytest.mark.parametrize(
    ("stream", "quiet", "verbose"),
    [(io.StringIO(), False, False), (io.StringIO(), True, True), (Terminal(), True, True)],
)
def test_otherwise_nothing(stream: io.StringIO, quiet: bool, verbose: bool) -> None:
    assert run(stream, quiet=quiet, verbose=verbose) == ""


def test_a_bar_on_a_terminal_that_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = run(Terminal())
    assert "12,000 rows" in text
    assert "100 %" in text
    assert text.endswith("\x1b[2K"), "the last thing done is to clear the line"


def test_an_unknown_total_and_an_unknown_stage_are_borne() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(verbose=True, stream=stream, clock=clock) as progress:
        for stage in ("reading", "storing"):
            clock.now += 6
            progress(stage, 5, 0, 5)
        progress.note("seen before")
    assert stream.getvalue().splitlines()[-1] == "seen before"
