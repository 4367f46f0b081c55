"""The limit of requests per second is counted honestly, also by a server that stalls."""

from __future__ import annotations

from claimsctl.sandbox.limiter import Limiter


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(limiter: Limiter, clock: Hand, times: list[float]) -> list[bool]:
    """Answers of a server that beats all the time."""
    answers = []
    for moment in times:
        while clock.now < 100.0 + moment:
            clock.now = min(clock.now + 0.005, 100.0 + moment)
            limiter.pulse()
        answers.append(limiter.take())
    return answers


def test_never_more_within_any_second() -> None:
    clock = Hand()
    limiter = Limiter(3, clock)
    assert taken(limiter, clock, [0, 0.1, 0.5, 0.9]) == [True, True, True, False]
    assert taken(limiter, clock, [1.0, 1.05, 1.1]) == [True, False, True]
    assert taken(limiter, clock, [1.4, 1.5, 1.9]) == [False, True, False], "refused ones do not count"


def test_an_even_pace_at_the_limit_is_taken_for_ever() -> None:
    clock = Hand()
    assert all(taken(Limiter(10, clock), clock, [place / 10 for place in range(200)]))


def test_a_pace_just_above_the_limit_is_noticed() -> None:
    clock = Hand()
    answers = taken(Limiter(10, clock), clock, [place / 10.5 for place in range(105)])
    assert 8 <= answers.count(False) <= 10


def test_what_came_during_a_stall_may_have_come_evenly() -> None:
    clock = Hand()
    limiter = Limiter(10, clock)
    assert all(taken(limiter, clock, [place / 10 for place in range(10)]))
    clock.now = 100.0 + 1.5  # nothing was handled since 0.9: those of 1.0 to 1.5 are handled now
    assert [limiter.take() for _ in range(7)] == [True] * 6 + [False]


def test_what_is_handled_right_after_a_stall_may_have_come_in_it() -> None:
    """The server shows that it is alive before it gets to what had to wait."""
    clock = Hand()
    limiter = Limiter(10, clock)
    assert all(taken(limiter, clock, [place / 10 for place in range(10)]))
    clock.now = 100.0 + 1.5
    limiter.pulse()
    assert [limiter.take() for _ in range(7)] == [True] * 6 + [False]
    assert taken(limiter, clock, [1.59, 1.61, 1.7]) == [False, True, True], (
        "long after it nothing is forgiven"
    )


def test_without_a_limit() -> None:
    limiter = Limiter(None)
    assert all(limiter.take() for _ in range(1000))
