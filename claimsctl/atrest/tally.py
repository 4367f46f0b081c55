"""How far a store has been sealed anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.security.keys import Keys
from claimsctl.security.sealing import key_id_of, reseal_many


@dataclass
class Tally:
    """What one practice's keys seal anew. `sealed` counts by kind, `left` says why something was not."""

    practice_id: str
    keys: Keys
    notify: Callable[[str], None]
    sealed: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)

    def leave(self, why: str) -> None:
        """Something is as it was; the older key is still needed."""
        self.left.append(why)
        self.notify(why)

    def is_old(self, sealed: bytes) -> bool:
        """Whether a value was sealed with another key than the current one."""
        return key_id_of(sealed) != self.keys.key_id

    def anew(self, kind: str, what: str, sealed: Sequence[bytes], places: Sequence[bytes]) -> list[bytes]:
        """Values sealed with the current key. One that cannot be opened stays, and is told as `what`."""
        try:
            found = reseal_many(sealed, places, self.keys)
        except (StoreError, PermissionDenied):
            found = [self._one(what, *each) for each in zip(sealed, places, strict=True)]
        self.sealed[kind] += sum(new != old for new, old in zip(found, sealed, strict=True))
        return found

    def _one(self, what: str, sealed: bytes, place: bytes) -> bytes:
        try:
            return reseal_many([sealed], [place], self.keys)[0]
        except (StoreError, PermissionDenied):  # an altered key id is one that nobody has
            self.leave(f"{what} has a sealed value that was altered; it is left as it is.")
            return sealed
