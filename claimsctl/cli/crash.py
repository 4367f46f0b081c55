"""What is said when claimsctl itself fails: where, never with which data."""

from __future__ import annotations

import traceback
from pathlib import Path

from claimsctl import __version__


def describe_crash(error: BaseException) -> str:
    """Type of the error and the places in claimsctl it came through; no message, no values.

    Messages of libraries may quote cells, so only the type and our own file names and lines are shown.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "claimsctl" in Path(f.filename).parts]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(ours[-4:]))
    return (
        f"claimsctl: internal error {type(error).__name__} at {places or 'unknown place'} "
        f"(version {__version__}). Nothing was published; your input is unchanged. "
        "Please report this line; it holds no patient data."
    )
