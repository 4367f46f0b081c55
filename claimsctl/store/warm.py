"""Importing slow libraries beside other work."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from contextlib import suppress

_SLOW = ("sqlalchemy", "claimsctl.store.engine", "cryptography.hazmat.primitives.ciphers.aead")


_ANSWERING = ("claimsctl.store.engine", "cryptography.hazmat.primitives.ciphers.aead")


def warm() -> None:
    """Start importing what the store needs at the end of a run; returns at once.

    SQLAlchemy and DuckDB take 0.6 s to import, which a second core does while the first parts are read.
    """
    _start(_SLOW)


def warm_answer(*names: str) -> None:
    """Start importing what reading the store and recording it need, then `names`; returns at once.

    DuckDB first, as nothing can be asked without it: what follows is imported while it opens and reads the
    store, which needs no Python.
    """
    _start((*_ANSWERING, *names))


def _start(names: Sequence[str]) -> None:
    threading.Thread(target=_import, args=[names], daemon=True, name="claimsctl-warm").start()


def _import(names: Sequence[str]) -> None:
    for name in names:
        with suppress(ImportError):  # whoever needs it reports it
            importlib.import_module(name)
