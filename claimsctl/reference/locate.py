"""Where the files beside the package are: rule packs and reference tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from claimsctl.errors import InternalError

Kind = Literal["rules", "reference_data"]


def data_path(kind: Kind) -> Path:
    """Folder of the shipped rule packs or reference tables, from the wheel or from a checkout.

    The wheel carries both under `claimsctl/_data`; an editable install and a checkout have them beside
    the package. Raises InternalError when neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise InternalError(f"The folder {kind} of the installation is missing.", hint="Reinstall claimsctl.")


def cache_folder(cache_dir: Path | None = None) -> Path | None:
    """The user's cache directory (0700), made when missing; None where it cannot be used safely."""
    if cache_dir is None:
        from platformdirs import user_cache_path

        cache_dir = user_cache_path("claimsctl", appauthor=False)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A folder that others can write to could hand us somebody else's code list.
        info = cache_dir.stat()
        if hasattr(os, "getuid") and (info.st_uid != os.getuid() or info.st_mode & 0o022):
            return None
    except OSError:
        return None
    return cache_dir
