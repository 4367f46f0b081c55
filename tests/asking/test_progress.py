"""Progress counts answers, tells the rate and what is left, and nothing about any claim."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime

from claimsctl.asking.work import Heard
from claimsctl.cli.checkprogress import StatusProgress
from claimsctl.cli.joblist import progress_text
from claimsctl.store.job import Job


def test_a_line_every_five_seconds_where_asked_for() -> None:
    now, stream = [0.0], io.StringIO()
    heard = Heard(counts=Counter(paid=6, denied=1, not_found=2, failed=1))
    with StatusProgress(verbose=True, stream=stream, clock=lambda: now[0]) as progress:
        for checked, moment in ((1, 0.0), (3, 2.0), (11, 5.0), (40, 8.0)):
            heard.checked, now[0] = checked, moment
            progress.heard(heard, 40)
    first, last = stream.getvalue().splitlines()
    assert first == ("11 of 40 checked · 6 paid, 1 denied, 2 not found, 1 failed · 2.2/s · about 13 s left")
    assert last.startswith("40 of 40 checked · 6 paid")
    assert "left" not in last


def test_nothing_where_nobody_looks() -> None:
    stream = io.StringIO()
    for options in ({}, {"quiet": True, "verbose": True}):
        with StatusProgress(stream=stream, **options) as progress:
            progress("reading", 1, 2, 3)
            progress.heard(Heard(checked=1), 1)
    assert stream.getvalue() == ""


def test_a_job_elsewhere_tells_how_far_it_is() -> None:
    job = Job(
        "20260630-120000-0001", "check-status", "PROCESSING", "me", datetime.now(UTC), cancel_requested=True,
        progress={"stage": "asking", "done": 30, "total": 120, "counts": {"paid": 20, "failed": 1}},
    )  # fmt: skip
    assert progress_text(job) == "asking: 25%, 30 of 120 claims checked, 20 paid, 1 failed; asked to stop"
