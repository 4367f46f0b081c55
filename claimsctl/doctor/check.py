"""One thing that was looked at, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from claimsctl.errors import ClaimsctlError, StoreBusy

State = Literal["ok", "note", "warning", "wrong"]
"""`note`: worth knowing; `warning`: works, but not as well as it could; `wrong`: to be mended."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at (`name`), how it is and what to do. Texts hold no patient data."""

    name: str
    state: State
    says: str
    mend: str | None = None


def guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The checks of `look`; what keeps it from looking is one more of them."""
    try:
        yield from look()
    except StoreBusy as error:
        yield Check(name, "warning", f"Not checked: {error.message}", "Run claimsctl doctor again later.")
    except ClaimsctlError as error:
        yield Check(name, "wrong", error.message, error.hint)
    except OSError as error:
        yield Check(
            name, "wrong", f"Cannot be read: {error.strerror} ({error.filename}).", "Check its rights."
        )
    except Exception as error:  # a check that fails must not hide the others; messages may quote values
        yield Check(
            name, "wrong", f"The check itself failed ({type(error).__name__}).", "Please report this."
        )
