"""Trouble with the private temporary files of a run, told as what it is: a full disk, not a defect."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.security.files import disk_hint
from claimsctl.write.files import system_error


@contextmanager
def temporary_files() -> Iterator[None]:
    """Turn what the system refused inside the block into a StoreError; errors of outputs are that already."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        number = system_error(error)
        if number is None:
            raise
        raise StoreError(
            f"Cannot use the temporary files in the workspace: {os.strerror(number)}.",
            hint=disk_hint(errno.ENOSPC if number == errno.EIO else number),
        ) from None
