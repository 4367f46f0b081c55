"""Refusing workbooks that would not fit into memory, before the Excel library opens them."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.stream import InputFile, Limits

# The library goes by the place of each cell, and reads a sheet from whatever part the workbook names: every
# part is looked at, as if it were one. `r="12"` is a row, `r="C12"` a cell.
_PLACE: Final = r"""\sr\s*=\s*["']([A-Za-z]{0,4})([0-9]+)["']"""
_BLANKS: Final = re.compile(rb"\s{2,}")
_OVERLAP: Final = 4096
_BLOCK: Final = 1 << 22


# Text that a formula gives may be blank; Excel then says that it is text.
_FORMULA: Final = re.compile(
    rb"<c(?:\s(?![^>]*t=.str.)[^>]*)?>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)


def check_workbook(file: InputFile, limits: Limits) -> bool:
    """Raise InputError when a workbook expands beyond the limits, whatever sizes it states.

    True where a formula is seen without a value, as programs write them that do not calculate.
    """
    total, valueless = 0, False
    try:
        with zipfile.ZipFile(file.path) as archive:
            for entry in archive.infolist():
                extent = _Extent()
                for block in inflated(file, entry):
                    total += len(block)
                    if total > limits.max_workbook_bytes or (
                        total > limits.ratio_applies_from and total > limits.max_ratio * file.size
                    ):
                        raise _too_large(file, f"expands to {total:,} bytes and more")
                    extent.add(block)
                    valueless = valueless or (b"<f" in block and _FORMULA.search(block) is not None)
                if extent.cells > limits.max_sheet_cells:
                    raise _too_large(
                        file, f"has a sheet that reaches to row {extent.rows:,} and column {extent.columns:,}"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        file.check()
        raise damaged(file) from None
    return valueless


def damaged(file: InputFile) -> InputError:
    """The one message for workbooks that cannot be read."""
    return InputError(
        f"{file.label}: the Excel workbook is damaged.",
        hint="Open it in Excel and save it again, or save the sheet as CSV.",
    )


def _too_large(file: InputFile, what: str) -> InputError:
    return InputError(
        f"{file.label}: the workbook {what}; that is too large for Excel input, or a zip bomb.",
        hint="Save the sheet as CSV and read that; stray cells far below or right of the data count too.",
    )


def inflated(file: InputFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part's content in blocks; the size it states is not believed, as `zipfile` would."""
    with file.open() as handle:
        handle.seek(entry.header_offset)
        local = handle.read(30)
        names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        handle.seek(entry.header_offset + 30 + names)
        left = entry.compress_size
        inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
        while left > 0 and (data := handle.read(min(left, _BLOCK))):
            left -= len(data)
            if inflate is None:
                yield data
                continue
            while data and not inflate.eof:
                yield inflate.decompress(data, _BLOCK)
                data = inflate.unconsumed_tail


class _Extent:
    """How far a sheet's cells reach; the library allocates the whole rectangle."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 1
        self._tail = b""

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def add(self, block: bytes) -> None:
        text = self._tail + block
        found = (
            pl.Series([text.decode("latin-1")]).str.extract_all(_PLACE).explode().str.extract_groups(_PLACE)
        )
        letters, rows = found.struct.unnest().get_columns()
        self.rows = max(self.rows, *map(int, rows.unique().drop_nulls()), 0)
        self.columns = max(self.columns, *map(_column_number, letters.unique().drop_nulls()), 0)
        # A place may be cut in two, and stretched by blanks.
        self._tail = _BLANKS.sub(b" ", text[max(text.rfind(b"<"), 0) :])[-_OVERLAP:]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
