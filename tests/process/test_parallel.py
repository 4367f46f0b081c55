"""Working on several items at once: order, bound, errors."""

from collections.abc import Iterator
from threading import Event, Lock

import pytest

from claimsctl.process import parallel
from claimsctl.process.parallel import checkers, ordered, workers


@pytest.mark.parametrize("count", [0, 1, 3])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    assert list(ordered(range(20), lambda n: n * n, count=count)) == [n * n for n in range(20)]


@pytest.mark.parametrize(("cores", "expected"), [(1, 0), (2, 0), (4, 1), (6, 2), (8, 3), (64, 3)])
def test_parts_are_worked_on_at_once_where_there_are_cores_to_spare(
    monkeypatch: pytest.MonkeyPatch, cores: int, expected: int
) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    assert workers() == expected


@pytest.mark.parametrize(("cores", "expected"), [(1, 0), (2, 1), (4, 1), (6, 2), (8, 3), (64, 3)])
def test_a_part_is_checked_while_another_is_written(
    monkeypatch: pytest.MonkeyPatch, cores: int, expected: int
) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    assert checkers() == expected


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_more_items_are_made_than_can_be_worked_on(count: int) -> None:
    made, most, used, lock = 0, 0, 0, Lock()

    def items() -> Iterator[int]:
        nonlocal made, most
        for n in range(10):
            with lock:
                made += 1
                most = max(most, made - used)
            yield n

    for _ in ordered(items(), lambda n: n, count=count):
        used += 1
    assert (made, most) == (10, count + 1)


def test_the_next_item_is_worked_on_while_a_result_is_used() -> None:
    begun = [Event(), Event()]
    results = ordered((0, 1), lambda n: begun[n].set(), count=1)
    next(results)
    assert begun[1].wait(10)
    assert list(results) == [None]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_error_comes_where_its_result_would_have_come(count: int) -> None:
    def fails_at_three(n: int) -> int:
        if n == 3:
            raise ValueError(n)
        return n

    met: list[int] = []
    with pytest.raises(ValueError, match="3"):
        met.extend(ordered(range(6), fails_at_three, count=count))
    assert met == [0, 1, 2]
