"""SQL Server's types on the wire: TYPE_INFO and values, both ways (MS-TDS 2.2.5.4 to 2.2.5.6)."""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.tds.errors import SqlError
from tests.tds.types import CODE_PAGE, COLLATION, MAX, TEXT, SqlType

_INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
_FIXED = {
    0x30: "tinyint",
    0x32: "bit",
    0x34: "smallint",
    0x38: "int",
    0x7F: "bigint",
    0x3B: "real",
    0x3E: "float",
}
_TEXTS = {0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar"}
_BYTES = {0xA5: "varbinary", 0xAD: "binary"}
_LONG = {0x23: "varchar", 0x63: "nvarchar", 0x22: "varbinary"}
_CODES = {name: code for code, name in (_TEXTS | _BYTES).items()}
_FIRST_DAY = date(1, 1, 1)
_EPOCH = datetime.fromisoformat("1900-01-01")


class Reader:
    """Little-endian fields of a message."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) < count:
            raise SqlError(50000, "TDS test server: a message of the client ends too early")
        self.at += count
        return piece

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def text(self, size_of_length: int) -> str:
        return self.take(2 * self.number(size_of_length)).decode("utf-16-le")

    def all_headers(self) -> None:
        self.take(self.number(4) - 4)


def read_parameter(reader: Reader) -> tuple[SqlType, Any]:
    """TYPE_INFO and one value of a parameter."""
    code = reader.number(1)
    if code in _FIXED:
        kind = SqlType(_FIXED[code])
        return kind, _number(
            kind, reader.take(_INTEGERS.get(kind.name, {"bit": 1, "real": 4}.get(kind.name, 8)))
        )
    if code == 0x1F:
        return TEXT, None
    if code in (0x26, 0x68, 0x6D, 0x6F, 0x24):
        width = reader.number(1)
        raw = reader.take(reader.number(1))
        name = {
            0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}.get(width, ""),
            0x68: "bit",
            0x6D: "real" if width == 4 else "float",
            0x6F: "datetime",
            0x24: "uniqueidentifier",
        }[code]
        kind = SqlType(name)
        return kind, _number(kind, raw) if raw else None
    if code in (0x6A, 0x6C):
        _, precision, scale = reader.take(3)
        raw = reader.take(reader.number(1))
        return SqlType("decimal", precision=precision, scale=scale), _decimal(raw, scale) if raw else None
    if code == 0x28:
        raw = reader.take(reader.number(1))
        return SqlType("date"), _date(raw) if raw else None
    if code in (0x29, 0x2A):
        scale = reader.number(1)
        raw = reader.take(reader.number(1))
        kind = SqlType("time" if code == 0x29 else "datetime2", scale=scale)
        if not raw:
            return kind, None
        if code == 0x29:
            return kind, _time(raw, scale)
        return kind, datetime.combine(_date(raw[-3:]), _time(raw[:-3], scale))
    if code in _TEXTS or code in _BYTES:
        return _read_string(code, reader)
    if code in _LONG:
        name = _LONG[code]
        reader.take(4 + (5 if code != 0x22 else 0))
        size = reader.number(4)
        return SqlType(name, MAX), None if size == 0xFFFFFFFF else _characters(name, reader.take(size))
    raise SqlError(50000, f"TDS test server: it does not know parameters of type 0x{code:02x}")


def _read_string(code: int, reader: Reader) -> tuple[SqlType, Any]:
    name = _TEXTS.get(code) or _BYTES[code]
    size = reader.number(2)
    if code in _TEXTS:
        reader.take(5)
    if size == 0xFFFF:
        return SqlType(name, MAX), _characters(name, _read_chunks(reader))
    kind = SqlType(name, size // 2 if name in ("nvarchar", "nchar") else size)
    length = reader.number(2)
    return kind, None if length == 0xFFFF else _characters(name, reader.take(length))


def _read_chunks(reader: Reader) -> bytes | None:
    if reader.number(8) == 0xFFFFFFFFFFFFFFFF:
        return None
    chunks = []
    while size := reader.number(4):
        chunks.append(reader.take(size))
    return b"".join(chunks)


def _characters(name: str, raw: bytes | None) -> Any:
    if raw is None or "binary" in name:
        return raw
    return raw.decode("utf-16-le" if name.startswith("n") else CODE_PAGE, "replace")


def _number(kind: SqlType, raw: bytes) -> Any:
    if kind.name in ("float", "real"):
        return struct.unpack("<d" if len(raw) == 8 else "<f", raw)[0]
    if kind.name == "datetime":
        days, ticks = struct.unpack("<iI", raw)
        return _EPOCH + timedelta(days=days, milliseconds=round(ticks * 10 / 3))
    if kind.name == "uniqueidentifier":
        return raw
    return int.from_bytes(raw, "little", signed=kind.name not in ("tinyint", "bit"))


def _decimal(raw: bytes, scale: int) -> Decimal:
    value = Decimal(int.from_bytes(raw[1:], "little")).scaleb(-scale)
    return value if raw[0] else -value


def _date(raw: bytes) -> date:
    return _FIRST_DAY + timedelta(days=int.from_bytes(raw, "little"))


def _time(raw: bytes, scale: int) -> time:
    micros = int.from_bytes(raw, "little") * 10**6 // 10**scale
    return (_EPOCH + timedelta(microseconds=micros)).time()


def write_type(kind: SqlType) -> bytes:
    """TYPE_INFO of a result column or output value."""
    if kind.name in _INTEGERS:
        return bytes([0x26, _INTEGERS[kind.name]])
    if kind.name in ("bit", "float", "real", "datetime", "uniqueidentifier"):
        return {"bit": b"\x68\x01", "float": b"\x6d\x08", "real": b"\x6d\x04", "datetime": b"\x6f\x08"}.get(
            kind.name, b"\x24\x10"
        )
    if kind.name in ("decimal", "numeric"):
        return bytes([0x6A, _decimal_size(kind.precision), kind.precision, kind.scale])
    if kind.name == "date":
        return b"\x28"
    if kind.name in ("time", "datetime2"):
        return bytes([0x29 if kind.name == "time" else 0x2A, kind.scale])
    size = 0xFFFF if kind.length == MAX else kind.length * (2 if kind.national else 1)
    return struct.pack("<BH", _CODES[kind.name], size) + (COLLATION if kind.is_text else b"")


def _decimal_size(precision: int) -> int:
    return 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17


def write_value(kind: SqlType, value: Any) -> bytes:
    """One value of a ROW; what SQLite kept (texts of dates, numbers) in the form of its type."""
    if kind.name in _CODES:
        return _write_string(kind, value)
    if value is None:
        return b"\x00"
    if kind.name in _INTEGERS or kind.name == "bit":
        size = _INTEGERS.get(kind.name, 1)
        return bytes([size]) + int(value).to_bytes(size, "little", signed=kind.name not in ("tinyint", "bit"))
    if kind.name in ("float", "real"):
        return struct.pack("<Bd", 8, value) if kind.name == "float" else struct.pack("<Bf", 4, value)
    if kind.name in ("decimal", "numeric"):
        units = int(round(Decimal(str(value)), kind.scale).scaleb(kind.scale))
        size = _decimal_size(kind.precision)
        return bytes([size, units >= 0]) + abs(units).to_bytes(size - 1, "little")
    if kind.name == "date":
        return b"\x03" + _write_date(date.fromisoformat(str(value)[:10]))
    if kind.name == "time":
        raw = _write_time(str(value), kind.scale)
        return bytes([len(raw)]) + raw
    moment = str(value)
    if kind.name == "datetime2":
        raw = _write_time(moment[11:] or "00:00:00", kind.scale) + _write_date(
            date.fromisoformat(moment[:10])
        )
        return bytes([len(raw)]) + raw
    if kind.name == "datetime":
        since = datetime.fromisoformat(moment[:26]) - _EPOCH
        return struct.pack("<BiI", 8, since.days, round((since.seconds + since.microseconds / 1e6) * 300))
    return b"\x10" + bytes(value)


def _write_date(day: date) -> bytes:
    return (day - _FIRST_DAY).days.to_bytes(3, "little")


def _write_time(text: str, scale: int) -> bytes:
    whole, _, fraction = text.partition(".")
    hours, minutes, seconds = (int(part) for part in whole.split(":"))
    ticks = (hours * 3600 + minutes * 60 + seconds) * 10**scale + int(fraction.ljust(scale, "0")[:scale] or 0)
    return ticks.to_bytes(3 if scale <= 2 else 4 if scale <= 4 else 5, "little")


def _write_string(kind: SqlType, value: Any) -> bytes:
    if value is None:
        return b"\xff" * (8 if kind.length == MAX else 2)
    if isinstance(value, bytes):
        raw = value
    else:
        raw = str(value).encode("utf-16-le" if kind.national else CODE_PAGE, "replace")
    if kind.length == MAX:
        body = struct.pack("<I", len(raw)) + raw if raw else b""
        return struct.pack("<Q", len(raw)) + body + b"\x00" * 4
    return struct.pack("<H", len(raw)) + raw
