"""What clients ask: PRELOGIN, LOGIN7, remote procedure calls, transaction requests."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from tests.tds.errors import SqlError
from tests.tds.types import SqlType
from tests.tds.values import Reader, read_parameter

ENCRYPT_OFF, ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED, ENCRYPT_REQUIRED = 0, 1, 2, 3

PROCEDURES = {10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}
BEGIN, COMMIT, ROLLBACK, SAVE = 5, 7, 8, 9


def read_prelogin(data: bytes) -> int:
    """The client's wish for encryption."""
    at = 0
    while at < len(data) and data[at] != 0xFF:
        token, offset, _ = struct.unpack_from(">BHH", data, at)
        if token == 1:
            return data[offset]
        at += 5
    return ENCRYPT_NOT_SUPPORTED


def prelogin_reply(encryption: int) -> bytes:
    options = [
        (0, bytes([16, 0, 16, 0, 0, 0])),
        (1, bytes([encryption])),
        (2, b"\x00"),
        (3, b""),
        (4, b"\x00"),
    ]
    head, body, at = b"", b"", 5 * len(options) + 1
    for token, value in options:
        head += struct.pack(">BHH", token, at + len(body), len(value))
        body += value
    return head + b"\xff" + body


@dataclass(frozen=True)
class Login:
    user: str
    password: str
    database: str
    program: str
    packet_size: int
    encrypted: bool = False


def read_login(data: bytes) -> Login:
    """LOGIN7; the password travels with its nibbles swapped and XOR 0xA5."""

    def field(at: int) -> bytes:
        offset, length = struct.unpack_from("<HH", data, at)
        return data[offset : offset + 2 * length]

    password = bytes(((b ^ 0xA5) >> 4 | (b ^ 0xA5) << 4) & 0xFF for b in field(44))
    texts = [raw.decode("utf-16-le") for raw in (field(40), password, field(68), field(48))]
    return Login(*texts, packet_size=struct.unpack_from("<I", data, 8)[0])


@dataclass(frozen=True)
class Parameter:
    """`name` without @, empty where it goes by position."""

    name: str
    type: SqlType
    value: Any
    output: bool = False


@dataclass(frozen=True)
class Call:
    """A remote procedure call."""

    procedure: str
    parameters: list[Parameter]


def read_calls(data: bytes) -> list[Call]:
    """All calls of one RPC message (drivers send arrays of parameters as many calls)."""
    reader = Reader(data)
    reader.all_headers()
    calls = []
    while reader:
        length = reader.number(2)
        if length == 0xFFFF:
            number = reader.number(2)
            if number not in PROCEDURES:
                raise SqlError(50000, f"TDS test server: it does not know the procedure number {number}")
            procedure = PROCEDURES[number]
        else:
            procedure = reader.take(2 * length).decode("utf-16-le")
        reader.take(2)
        parameters = []
        while reader and reader.data[reader.at] not in (0xFF, 0xFE, 0x80):
            name = reader.text(1).lstrip("@")
            output = bool(reader.number(1) & 1)
            parameters.append(Parameter(name, *read_parameter(reader), output))
        if reader:
            reader.take(1)
        calls.append(Call(procedure, parameters))
    return calls


def read_transaction(data: bytes) -> tuple[int, str, bool]:
    """Kind of request, savepoint's name, whether a new transaction shall begin at once."""
    reader = Reader(data)
    reader.all_headers()
    kind = reader.number(2)
    if kind == BEGIN:
        reader.take(1)
        return kind, reader.text(1), False
    if kind in (COMMIT, ROLLBACK):
        name = reader.text(1)
        return kind, name, bool(reader.number(1) & 1)
    if kind == SAVE:
        return kind, reader.text(1), False
    raise SqlError(50000, f"TDS test server: it does not know the transaction request {kind}")
