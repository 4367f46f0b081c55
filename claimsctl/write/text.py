"""CSV pieces: quoting that any reader undoes, cells no spreadsheet runs, files fed part by part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import polars as pl

from claimsctl.write.files import OutputDir
from claimsctl.write.trouble import writing

DANGEROUS: Final = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""What makes a spreadsheet read a cell as a formula, full-width signs included (OWASP, CSV injection)."""
PLAIN_NUMBER: Final = r"^[+-]?\$?\d[\d,]*(\.\d*)?%?$|^[+-]?\$?\.\d+%?$"
"""What begins as a formula does and is a number."""
_BOM: Final = "\ufeff".encode()
CsvQuoteStyle = Literal["necessary", "never", "non_numeric"]
_TIME: Final = "%H:%M:%S%.f"


def neutralise(expr: pl.Expr) -> pl.Expr:
    """Put an apostrophe before text that a spreadsheet would run; plain signed numbers and nulls stay."""
    safe = ~expr.str.contains(DANGEROUS) | expr.str.contains(PLAIN_NUMBER)
    return pl.when(safe).then(expr).otherwise("'" + expr)


def neutralise_columns(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """`neutralise` the named text columns; columns without a suspicious cell cost half."""
    if not names:
        return frame
    suspicious = frame.select(pl.col(list(names)).str.contains(DANGEROUS).any()).row(0)
    return frame.with_columns(
        neutralise(pl.col(name)) for name, some in zip(names, suspicious, strict=True) if some
    )


def neutral_header(names: Iterable[str]) -> list[str]:
    """`neutralise` header cells."""
    return (
        pl.Series(list(names), dtype=pl.String)
        .to_frame("name")
        .select(neutralise(pl.col("name")))["name"]
        .to_list()
    )


def quote(expr: pl.Expr, delimiter: str) -> pl.Expr:
    """Quote text where it needs it, and also where a line would start with `#` or hold a BOM."""
    escape = "\\" if delimiter in "|^\\$.?*+()[]{}" else ""
    plain = ~expr.str.contains(f'^[#\ufeff]|[{escape}{delimiter}"\r\n]')
    quoted = '"' + expr.str.replace_all('"', '""', literal=True) + '"'
    return pl.when(plain).then(expr).otherwise(quoted)


def ready_cells(frame: pl.DataFrame, texts: Sequence[str], delimiter: str) -> tuple[pl.DataFrame, bool]:
    """Rows of foreign text ready for `CsvStream.write`, and whether their cells are quoted already."""
    # An empty text would be written as "", which reads as a value.
    frame = frame.with_columns(pl.when(pl.col(text) != "").then(pl.col(text)) for text in texts)
    first = frame.to_series(0)
    if first.dtype == pl.String and first.str.contains("^[#\ufeff]").any():
        return frame.with_columns(quote(pl.col(text), delimiter) for text in texts), True
    return frame, False


class CsvStream:
    """One CSV file: a header as given, then frames; UTF-8, `\\n` at line ends.

    Header names may repeat or be blank. `quoting` "all" quotes every text cell.
    """

    def __init__(
        self,
        out: OutputDir,
        name: str,
        header: Sequence[str],
        *,
        delimiter: str = ",",
        bom: bool = False,
        quoting: Literal["minimal", "all"] = "minimal",
    ) -> None:
        self.path = out.path / name
        self.rows = 0
        self._out = out
        self._delimiter = delimiter
        self._style: CsvQuoteStyle = "necessary" if quoting == "minimal" else "non_numeric"
        self._file = out.open_temp(name)
        out.register(self)
        cells = pl.DataFrame({"header": list(header)}, schema={"header": pl.String})
        line = delimiter.join(cells.select(quote(pl.col("header"), delimiter)).to_series())
        with writing(self.path):
            self._file.write((_BOM if bom else b"") + line.encode() + b"\n")

    def write(self, part: pl.DataFrame, *, quoted: bool = False) -> None:
        """Append rows in the order and columns of the header; `quoted` cells are written as they are."""
        if not part.height:
            return
        self.rows += part.height

        with writing(self.path):
            self._file.flush()  # Polars writes to the descriptor, past Python's buffer
            part.write_csv(
                self._file,
                include_header=False,
                separator=self._delimiter,
                quote_style="never" if quoted else self._style,
                time_format=_TIME,
                datetime_format="%Y-%m-%dT" + _TIME,
            )

    def close(self) -> None:
        """Finish the file; OutputError when it could not be written."""
        with writing(self.path):
            self._file.close()
        self._out.release(self)

    def stop(self) -> None:
        """Give the file up."""
        self._file.close()


class JsonLinesStream:
    """One file of JSON objects, one a line, fed with frames whose column names become the keys."""

    def __init__(self, out: OutputDir, name: str) -> None:
        self.path = out.path / name
        self.rows = 0
        self._out = out
        self._file = out.open_temp(name)
        out.register(self)

    def write(self, part: pl.DataFrame) -> None:
        """Append rows."""
        self.rows += part.height
        with writing(self.path):
            part.write_ndjson(self._file)

    def close(self) -> None:
        """Finish the file; OutputError when it could not be written."""
        with writing(self.path):
            self._file.close()
        self._out.release(self)

    def stop(self) -> None:
        """Give the file up."""
        self._file.close()
