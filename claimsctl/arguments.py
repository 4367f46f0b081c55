"""What callers of the Python API give: what cannot be meant is refused in plain words, without values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from os import PathLike
from pathlib import Path

import polars as pl

from claimsctl.errors import UsageError

_LINES = "Give check a line as a dict of column and value, or a list of such lines."


def day_of(value: object) -> date | None:
    """`as_of` as a day; the day of a date with a time."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    if isinstance(value, datetime):
        return value.date()
    raise UsageError(
        f"as_of is a {_kind(value)}, not a date.", hint="Write it as datetime.date(2026, 6, 30)."
    )


def pack_paths(value: object) -> list[Path]:
    """Rule packs as paths."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        packs = list(value)
        if all(isinstance(pack, str | PathLike) for pack in packs):
            return [Path(pack) for pack in packs]
    raise UsageError("rule_packs is not a list of paths.", hint='Write it as rule_packs=["house.toml"].')


def require(name: str, value: object, kind: type | tuple[type, ...], words: str) -> None:
    """Refuse an argument of another kind."""
    if not isinstance(value, kind):
        raise UsageError(f"{name} is a {_kind(value)}, not {words}.")


def require_texts(name: str, value: object) -> None:
    """Refuse what does not give texts by name."""
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{name} is a {_kind(value)}, not a dict of column and text.",
            hint=f'Write it as {name}={{"billing_npi": "1234567893"}}.',
        )
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str):
            told = repr(key) if isinstance(key, str) else "a column"
            raise UsageError(f"{name} gives {told} what is not text.", hint="Put column and value in quotes.")


def lines_of(value: object) -> list[Mapping[str, object]]:
    """One line or several as a list."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise UsageError(f"A {_kind(value)} is no line of a claim.", hint=_LINES)
    lines = list(value)
    for number, line in enumerate(lines, 1):
        if not isinstance(line, Mapping):
            raise UsageError(f"Line {number} is a {_kind(line)}, not a dict.", hint=_LINES)
    return lines


def require_keys(keys: Sequence[object]) -> None:
    """Refuse keys of lines that cannot be headers."""
    for key in keys:
        if not isinstance(key, str):
            raise UsageError(
                f"A key of a line is a {_kind(key)}, not text.", hint="Keys are columns or headers."
            )
        if not _is_text(key):
            raise UsageError("A key of a line holds half a character (a lone surrogate).", hint=_DECODE)


def cells_of(name: str, key: str, texts: Sequence[str | None]) -> pl.Series:
    """The values of one key, line by line, as a column `name`."""
    try:
        return pl.Series(name, texts, dtype=pl.String)
    except UnicodeEncodeError:
        line = next(n for n, text in enumerate(texts, 1) if text is not None and not _is_text(text))
    raise UsageError(f"{key!r} of line {line} holds half a character (a lone surrogate).", hint=_DECODE)


_DECODE = "Read the text with the encoding it was written in, without errors='surrogateescape'."


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    return f"value of type {type(value).__name__}"
