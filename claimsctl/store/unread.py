"""Files of stored lines and sealed patients that are gone or damaged: found once reading fails, and told with
what mends them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from claimsctl.errors import StoreError
from claimsctl.store.database import DISK_FULL
from claimsctl.store.headers import quoted
from claimsctl.store.workspace import DETAILS


def mend(job_id: str) -> str:
    """What to do about a file of a job.

    To process the inputs again is not enough: the claims are in the store unchanged, so that their lines
    would not be stored again.
    """
    return (
        "Restore it from a backup; else take its job back and process the files of that job again: "
        f"claimsctl jobs rollback {job_id}"
    )


@contextmanager
def readable(paths: Collection[Path], *, hint: str | None = None) -> Iterator[None]:
    """Reading some Parquet files of jobs in the block: StoreError names one that is gone or damaged.

    They are looked at only when the block fails, by reading them one by one; other errors stay as they are.
    `hint` is what to do instead of `mend`.
    """
    from claimsctl.store.engine import duckdb

    try:
        yield
    except Exception as error:
        import polars as pl  # who only asks the store does without it

        if not isinstance(error, duckdb.Error | pl.exceptions.PolarsError | OSError):
            raise
        said = str(error)
        if any(sign in said for sign in DISK_FULL):  # to read them all takes a while, and is no help
            raise
        for path in paths:
            how = _wrong(path)
            if how is not None:  # the error itself quotes values
                raise StoreError(f"{path} is {how}.", hint=hint or mend(_job(path))) from None
        raise


def _wrong(path: Path) -> str | None:
    """Whether a file is `missing` or `damaged`; None where all of it can be read."""
    from claimsctl.store.engine import duckdb

    if not path.exists():
        return "missing"
    with closing(duckdb.connect(":memory:")) as reader:
        try:  # every value, as a sound footer says nothing of the pages before it
            reader.execute(f"SELECT min(COLUMNS(*)) FROM read_parquet({quoted(path)})")
        except duckdb.Error:
            return "damaged"
    return None


def _job(path: Path) -> str:
    """lines/<job>/part-*, jobs/<job>/details/found-*: the job."""
    directory = path.parent
    return directory.parent.name if directory.name == DETAILS else directory.name
