"""Working on several parts at once, with results in order and a bounded number in flight."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many there are."""
    return os.cpu_count() or 1


def workers() -> int:
    """Parts worked on beside the one whose result is being used: none on two cores, three from eight on.

    Polars uses all cores inside a part: on two cores a second part brought nothing that could be measured
    and a fifth more memory.
    """
    return max(0, min(4, cores() // 2) - 1)


def checkers() -> int:
    """Parts checked beside the one whose results are written: as `workers`, but one on two cores.

    Writing keeps one core busy at most, and what waits meanwhile is a part's facts and hits: measured on
    two cores, a million lines take a tenth less time, and 90 MB more.
    """
    return max(workers(), min(1, cores() - 1))


def ordered(
    items: Iterable[Item], work: Callable[[Item], Result], *, count: int | None = None
) -> Iterator[Result]:
    """`work` of every item, in the order of the items; Polars lets go of the interpreter meanwhile.

    While a result is used, the next items are worked on, one per worker (`count`, else `workers()`; none
    with 0). An error of `work` is raised where its result would have come; work under way is waited for.
    """
    count = workers() if count is None else count
    if not count:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(count, thread_name_prefix="part") as pool:
        flying: deque[Future[Result]] = deque()
        try:
            for item in items:
                flying.append(pool.submit(work, item))
                del item  # or it would stay in memory while the next one is made
                if len(flying) > count:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            for future in flying:
                future.cancel()
