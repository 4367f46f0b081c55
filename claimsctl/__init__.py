"""Batch toolkit for US medical claims: load, check, explain, price, follow up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claimsctl.checker import Checker, Result

__version__ = "0.1.0"
__all__ = ["Checker", "Result", "__version__"]


def __getattr__(name: str) -> object:
    """The Python API, imported when first used, so that `claimsctl --help` stays quick."""
    if name in ("Checker", "Result"):
        from claimsctl import checker

        return getattr(checker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
