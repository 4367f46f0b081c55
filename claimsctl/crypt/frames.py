"""The Python API of encryption: columns of frames, and values of dicts.

Offered as `claimsctl.encrypt_frame`, `decrypt_frame`, `encrypt_dict` and `decrypt_dict`. The keys are those
of a workspace, found as the command finds it, for who is at the keyboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.security import audit
from claimsctl.security.access.opening import open_access
from claimsctl.security.audit_watch import access
from claimsctl.security.cells import SEALED, Binding, new_table, seal_cells, table_of, unseal_cells
from claimsctl.security.keys import Keys
from claimsctl.settings import find_workspace, load_settings
from claimsctl.store.workspace import Workspace

Where = str | Path | None


def encrypt_frame(
    frame: pl.DataFrame,
    columns: Sequence[str],
    *,
    key: Sequence[str] = (),
    workspace: Where = None,
    practice: str = "default",
    keys: Keys | None = None,
) -> pl.DataFrame:
    """The frame with the values of these columns encrypted (AES-256-GCM) as text; null stays null.

    A value is bound to its column and to its row: to the row's place in the frame or, with `key`, to what
    these columns say of the row, so that rows may be sorted, filtered and joined before `decrypt_frame`.
    Then only rows with equal keys could be swapped unnoticed. `keys` are used instead of those of a
    workspace, whose audit file says how many rows its keys were used for. UsageError for unknown columns and
    types without a text; PermissionDenied without the key.
    """
    _require(frame.columns, (*columns, *key))
    _require_apart(columns, key)
    held = keys or _held(workspace, practice, "crypt encrypt", frame.height)
    binding = Binding.by_key(frame.select(key)) if key else Binding.by_place(new_table(), 0, frame.height)
    return frame.with_columns(seal_cells(frame[name], binding, held) for name in columns)


def decrypt_frame(
    frame: pl.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    key: Sequence[str] = (),
    workspace: Where = None,
    practice: str = "default",
    keys: Keys | None = None,
) -> pl.DataFrame:
    """What `encrypt_frame` was given; without `columns` every column that has an encrypted value.

    Integers come back as Int64, decimals with 38 digits. PermissionDenied for another key; InputError where
    a value was altered or moved: both name row (from 0) and column, never a value.
    """
    found = [name for name in frame.columns if _is_sealed(frame[name])] if columns is None else columns
    _require(frame.columns, (*found, *key))
    _require_apart(found, key)
    held = keys or _held(workspace, practice, "crypt decrypt", frame.height)
    if key:
        binding = Binding.by_key(frame.select(key))
    else:
        tables = (table_of(frame[name].cast(pl.String)) for name in found)
        binding = Binding.by_place(next((t for t in tables if t), new_table()), 0, frame.height)
    return frame.with_columns(
        unseal_cells(frame[name], binding, held, lambda row: f"Row {row}") for name in found
    )


def encrypt_dict(
    values: Mapping[str, Any],
    names: Sequence[str],
    *,
    key: Sequence[str] = (),
    workspace: Where = None,
    practice: str = "default",
    keys: Keys | None = None,
) -> dict[str, Any]:
    """The dict with the values of these names encrypted, as `encrypt_frame` does with one row.

    Texts, numbers, truth values, dates and times; None stays None.
    """
    _require(values, (*names, *key))
    held = {name: values[name] for name in (*names, *key)}
    sealed = encrypt_frame(
        pl.DataFrame({name: [value] for name, value in held.items()}), names, key=key, workspace=workspace,
        practice=practice, keys=keys,
    )  # fmt: skip
    return {**values, **{name: sealed[name][0] for name in names}}


def decrypt_dict(
    values: Mapping[str, Any],
    names: Sequence[str] | None = None,
    *,
    key: Sequence[str] = (),
    workspace: Where = None,
    practice: str = "default",
    keys: Keys | None = None,
) -> dict[str, Any]:
    """What `encrypt_dict` was given; without `names` every encrypted value. Errors as `decrypt_frame`."""
    if names is None:
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        names = [name for name, text in texts.items() if _is_sealed(pl.Series([text]))]
    _require(values, (*names, *key))
    held = {name: values[name] for name in (*names, *key)}
    opened = decrypt_frame(
        pl.DataFrame({name: [value] for name, value in held.items()}), names, key=key, workspace=workspace,
        practice=practice, keys=keys,
    )  # fmt: skip
    return {**values, **{name: opened[name][0] for name in names}}


def _held(workspace: Where, practice: str, action: str, rows: int) -> Keys:
    """The keys of a workspace, whose audit file says what they are used for, as its settings say."""
    there = Workspace.open(find_workspace(None if workspace is None else Path(workspace)))
    keys = open_access(there).keys(practice)
    audit.follow(load_settings(there.root).security)
    if action == "crypt decrypt":
        access(there, action, count=rows, exported=True, api=True)
    else:
        audit.record(there, action, count=rows, api=True)
    return keys


def _is_sealed(values: pl.Series) -> bool:
    return values.dtype == pl.String and bool(values.str.contains(SEALED).any())


def _require(there: Iterable[str], asked: Sequence[str]) -> None:
    known = list(there)
    missing = [name for name in asked if name not in known]
    if missing:
        raise UsageError(f"There is no column {missing[0]!r}.", hint=f"There are {', '.join(known)}.")


def _require_apart(columns: Sequence[str], key: Sequence[str]) -> None:
    both = [name for name in columns if name in key]
    if both:
        raise UsageError(f"The column {both[0]} cannot be encrypted and be the key of its row.")
