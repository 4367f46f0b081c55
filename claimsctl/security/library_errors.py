"""Errors of libraries on their way to a caller of the Python API: their words quote the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from claimsctl.errors import InternalError

_QUOTING: Final = frozenset(
    {"polars", "duckdb", "_duckdb", "pyarrow", "sqlalchemy", "fastexcel", "_fastexcel"}
)


@contextmanager
def values_kept_out() -> Iterator[None]:
    """Turn an error of a library that handles cells into an InternalError with its kind and places."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _QUOTING:
            raise
        from claimsctl.security.crashes import our_places

        raise InternalError(
            f"internal error {type(error).__name__} at {our_places(error)}.",
            hint="Please report this line; it holds no patient data.",
        ) from None
