"""Application locks."""

from __future__ import annotations

import threading


class Locks:
    """Application locks (sp_getapplock), exclusive ones."""

    def __init__(self) -> None:
        self._owners: dict[str, object] = {}
        self._lock = threading.Lock()

    def take(self, name: str, owner: object) -> bool:
        with self._lock:
            return self._owners.setdefault(name, owner) is owner

    def release(self, owner: object, name: str | None = None) -> bool:
        with self._lock:
            mine = [n for n, o in self._owners.items() if o is owner and name in (None, n)]
            for each in mine:
                del self._owners[each]
            return bool(mine)
