"""Where the files beside the package are: rule packs and reference tables."""

from __future__ import annotations

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
