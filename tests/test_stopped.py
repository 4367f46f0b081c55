"""A stop is told from an error, also where clean-up stumbles over what the stop kept from being done."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from claimsctl.cli.crash import message_and_code
from claimsctl.errors import Interrupted, StoreError, was_stopped


def stumble(stop: BaseException) -> None:
    try:
        raise stop
    finally:
        del sys.modules["what the stop kept from being there"]


def refuse() -> None:
    try:
        raise KeyboardInterrupt
    finally:
        raise StoreError("The disk is full.")


def fail() -> None:
    try:
        int("one")
    finally:
        del sys.modules["what was never there"]


@pytest.mark.parametrize(
    ("does", "stopped", "code"),
    [
        (lambda: stumble(KeyboardInterrupt()), True, 130),
        (lambda: stumble(Interrupted("Cancelled from elsewhere.")), True, 130),
        (refuse, False, 4),
        (fail, False, 70),
    ],
)
def test_what_came_of_a_stop_is_a_stop(does: Callable[[], None], stopped: bool, code: int) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it ends with
        does()
    assert was_stopped(caught.value) is stopped
    assert message_and_code(caught.value)[1] == code
