"""Importing slow libraries beside other work."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress

_SLOW = ("sqlalchemy", "duckdb", "cryptography.hazmat.primitives.ciphers.aead")


def warm() -> None:
    """Start importing what the store needs at the end of a run; returns at once.

    SQLAlchemy and DuckDB take 0.6 s to import, which a second core does while the first parts are read.
    """
    threading.Thread(target=_import, daemon=True, name="claimsctl-warm").start()


def _import() -> None:
    for name in _SLOW:
        with suppress(ImportError):  # whoever needs it reports it
            importlib.import_module(name)
