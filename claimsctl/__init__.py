"""Batch toolkit for US medical claims: load, check, explain, price, follow up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claimsctl.checker import Checker, Result
    from claimsctl.crypt.frames import decrypt_dict, decrypt_frame, encrypt_dict, encrypt_frame

__version__ = "0.1.0"
__all__ = [
    "Checker", "Result", "__version__", "decrypt_dict", "decrypt_frame", "encrypt_dict", "encrypt_frame",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """The Python API, imported when first used, so that `claimsctl --help` stays quick."""
    if name in ("Checker", "Result"):
        from claimsctl import checker

        return getattr(checker, name)
    if name in __all__:
        from claimsctl.crypt import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
