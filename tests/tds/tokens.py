"""What the server answers: a stream of tokens (MS-TDS 2.2.7)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.tds.errors import SqlError
from tests.tds.types import COLLATION, SqlType
from tests.tds.values import write_type, write_value

VERSION_74 = 0x74000004
SERVER = "TdsTest"

MORE, ERROR, IN_TRANSACTION, COUNT, ATTENTION = 0x1, 0x2, 0x4, 0x10, 0x20
DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF

DATABASE, LANGUAGE, PACKET_SIZE, SQL_COLLATION, BEGIN, COMMIT, ROLLBACK, RESET = 1, 2, 4, 7, 8, 9, 10, 18


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    type: SqlType
    nullable: bool = True


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _long(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _sized(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def login_ack() -> bytes:
    return _sized(
        0xAD, b"\x01" + struct.pack(">I", VERSION_74) + _short("Microsoft SQL Server") + bytes([16, 0, 16, 0])
    )


def environment(kind: int, new: str | bytes, old: str | bytes = "") -> bytes:
    """ENVCHANGE; bytes for collations and transaction descriptors, else text."""
    values = [_short(v) if isinstance(v, str) else bytes([len(v)]) + v for v in (new, old)]
    return _sized(0xE3, bytes([kind]) + b"".join(values))


def collation() -> bytes:
    return environment(SQL_COLLATION, COLLATION, b"")


def error(problem: SqlError) -> bytes:
    return _message(0xAA, problem.number, problem.severity, problem.message)


def information(number: int, text: str) -> bytes:
    return _message(0xAB, number, 0 if number == 0 else 10, text)


def _message(token: int, number: int, severity: int, text: str) -> bytes:
    head = struct.pack("<iBB", number, 1, severity)
    return _sized(token, head + _long(text) + _short(SERVER) + _short("") + struct.pack("<I", 1))


def columns(described: Sequence[Column]) -> bytes:
    body = bytearray(struct.pack("<BH", 0x81, len(described)))
    for column in described:
        body += (
            struct.pack("<IH", 0, 0x08 | int(column.nullable)) + write_type(column.type) + _short(column.name)
        )
    return bytes(body)


def row(described: Sequence[Column], values: Iterable[Any]) -> bytes:
    return b"\xd1" + b"".join(write_value(c.type, v) for c, v in zip(described, values, strict=True))


def done(token: int, status: int, count: int = 0, command: int = 0) -> bytes:
    return struct.pack("<BHHQ", token, status, command, count)


def return_status(value: int) -> bytes:
    return struct.pack("<Bi", 0x79, value)


def return_value(ordinal: int, name: str, kind: SqlType, value: Any) -> bytes:
    head = struct.pack("<BH", 0xAC, ordinal) + _short(name) + struct.pack("<BIH", 1, 0, 0)
    return head + write_type(kind) + write_value(kind, value)
