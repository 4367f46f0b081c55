"""Conversions and functions of T-SQL, as functions for SQLite.

Numbers are kept as SQLite's own (15 digits are exact, more is an error), dates as ISO texts, datetime2 with
seven digits, char padded: what is stored is what SQL Server would store, or the error it would raise.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tests.tds.errors import SqlError
from tests.tds.types import CODE_PAGE, MAX, SqlType

_RANGES = {"tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1)}
_RANGES["bigint"] = (-(2**63), 2**63 - 1)


def to_sqlite(value: Any) -> Any:
    """A parameter as SQLite keeps it."""
    if isinstance(value, Decimal):
        return _kept(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds") + "0"
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def _kept(value: Decimal) -> int | float:
    if value == value.to_integral_value():
        return int(value)
    if len(value.as_tuple().digits) > 15:
        raise SqlError(50000, "TDS test server: it keeps 15 digits of a decimal, this one has more")
    return float(value)


def convert(value: Any, kind: SqlType, column: str = "") -> Any:
    """CAST, or with a column the assignment to it: then nothing is cut off silently."""
    if value is None:
        return None
    if kind.name in _RANGES or kind.name == "bit":
        return _integer(value, kind)
    if kind.name in ("decimal", "numeric"):
        return _decimal(value, kind)
    if kind.name in ("float", "real"):
        return float(value)
    if kind.name in ("date", "time", "datetime2", "datetime", "smalldatetime"):
        return _moment(value, kind)
    if kind.is_text:
        return _text(value, kind, column)
    raw = value if isinstance(value, bytes) else str(value).encode(CODE_PAGE)
    return raw if kind.length == MAX or not column else _fitting(raw, len(raw), kind, column)


def _failed(value: Any, kind: SqlType) -> SqlError:
    return SqlError(
        245, f"Conversion failed when converting the nvarchar value '{value}' to data type {kind.name}."
    )


def _integer(value: Any, kind: SqlType) -> int:
    if kind.name == "bit":
        words = {"true": 1, "false": 0}
        text = str(value).strip().lower()
        return words[text] if text in words else int(float(text) != 0)
    try:
        whole = int(value) if isinstance(value, int | float) else int(str(value).strip() or 0)
    except ValueError:
        raise _failed(value, kind) from None
    low, high = _RANGES[kind.name]
    if not low <= whole <= high:
        raise SqlError(8115, f"Arithmetic overflow error converting expression to data type {kind.name}.")
    return whole


def _decimal(value: Any, kind: SqlType) -> int | float:
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        raise SqlError(8114, f"Error converting data type nvarchar to {kind.name}.") from None
    exact = exact.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    if exact.adjusted() >= kind.precision - kind.scale and exact != 0:
        raise SqlError(8115, f"Arithmetic overflow error converting numeric to data type {kind.name}.")
    return _kept(exact)


def _moment(value: Any, kind: SqlType) -> str:
    text = str(value).strip()
    try:
        if kind.name == "time":
            return time.fromisoformat(text[-15:] if len(text) > 15 else text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SqlError(
            241, "Conversion failed when converting date and/or time from character string."
        ) from None
    if kind.name == "date":
        return moment.date().isoformat()
    if kind.name == "datetime" and moment.year < 1753:
        raise SqlError(242, "The conversion of a datetime2 to a datetime resulted in an out-of-range value.")
    scale = kind.scale if kind.name == "datetime2" else 3
    if scale < 6:
        moment = moment.replace(microsecond=moment.microsecond // 10 ** (6 - scale) * 10 ** (6 - scale))
    return moment.isoformat(" ", "microseconds") + "0"


def as_text(value: Any) -> str:
    return value.decode(CODE_PAGE) if isinstance(value, bytes) else str(value)


def _text(value: Any, kind: SqlType, column: str) -> str:
    text = as_text(value)
    if not kind.national:
        # SQL Server damages characters that its code page lacks in the same way, without a word.
        text = text.encode(CODE_PAGE, "replace").decode(CODE_PAGE)
    if kind.length == MAX:
        return text
    size = len(text.encode("utf-16-le")) // 2 if kind.national else len(text)
    if size > kind.length:
        text = str(_fitting(text.rstrip(" "), len(text.rstrip(" ")), kind, column))[: kind.length]
    return text.ljust(kind.length) if kind.name in ("char", "nchar") else text


def _fitting(value: Any, size: int, kind: SqlType, column: str) -> Any:
    if column and size > kind.length:
        table, _, name = column.rpartition("/")
        raise SqlError(
            2628,
            f"String or binary data would be truncated in table 'claims.{table}', column '{name}'. "
            f"Truncated value: '{str(value)[: kind.length]}'.",
        )
    return value


def plus(left: Any, right: Any) -> Any:
    """T-SQL's +: texts are joined, a number beside a text makes the text a number."""
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    numbers = []
    for value in (left, right):
        try:
            numbers.append(float(value) if isinstance(value, str) and "." in value else value)
            numbers[-1] = int(numbers[-1]) if isinstance(numbers[-1], str) else numbers[-1]
        except ValueError:
            raise _failed(value, SqlType("int")) from None
    return numbers[0] + numbers[1]


def now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") + "0"


def today() -> str:
    return now()[:10]


def length(value: Any) -> int | None:
    return None if value is None else len(as_text(value).rstrip(" "))


def data_length(value: Any) -> int | None:
    if value is None or isinstance(value, bytes):
        return None if value is None else len(value)
    return 2 * len(value) if isinstance(value, str) else 8


def concat(*values: Any) -> str:
    return "".join("" if value is None else as_text(value) for value in values)


def charindex(wanted: str, text: str, start: int = 1) -> int:
    return text.lower().find(wanted.lower(), start - 1) + 1


def compare_like_server(left: str, right: str) -> int:
    """The default collation: case does not count, nor do blanks at the end."""
    a, b = left.rstrip(" ").casefold(), right.rstrip(" ").casefold()
    return (a > b) - (a < b)


def compare_binary(left: str, right: str) -> int:
    """A _BIN2 collation; blanks at the end do not count there either."""
    a, b = left.rstrip(" "), right.rstrip(" ")
    return (a > b) - (a < b)


# Name in SQLite, number of arguments (-1: any), function, whether equal arguments give equal answers.
FUNCTIONS = [
    ("tsql_plus", 2, plus, True),
    ("tsql_len", 1, length, True),
    ("datalength", 1, data_length, True),
    ("tsql_concat", -1, concat, True),
    ("charindex", 2, charindex, True),
    ("charindex", 3, charindex, True),
    ("sysutcdatetime", 0, now, False),
    ("sysdatetime", 0, now, False),
    ("getutcdate", 0, now, False),
    ("getdate", 0, now, False),
    ("tsql_today", 0, today, False),
]
