"""Packets, messages and TLS inside packets (MS-TDS 2.2.3, 2.2.6.5)."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from contextlib import suppress

from tests.tds.errors import Cancelled, Dropped

BATCH, RPC, REPLY, ATTENTION, TRANSACTION, LOGIN, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x0E, 0x10, 0x12
END, RESET_CONNECTION, RESET_KEEPING_TRANSACTION = 0x01, 0x08, 0x10


class Wire:
    """One connection: whole messages in, packets out."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.packet_size = 4096
        self.messages_in = 0
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._waiting = bytearray()

    def receive(self) -> tuple[int, int, bytes]:
        """The next message: type, status bits of its first packet, data."""
        kind, first, data = -1, 0, bytearray()
        while True:
            packet_kind, status, size = struct.unpack(">BBH", self._exactly(4))
            self._exactly(4)
            if kind < 0:
                kind, first = packet_kind, status
            data += self._exactly(size - 8)
            if status & END:
                self.messages_in += 1
                return kind, first, bytes(data)

    def send(self, data: bytes, *, kind: int = REPLY, last: bool = True) -> None:
        room = self.packet_size - 8
        pieces = [data[i : i + room] for i in range(0, len(data), room)] or [b""]
        for number, piece in enumerate(pieces):
            end = END if last and number == len(pieces) - 1 else 0
            self._raw_send(
                struct.pack(">BBHHBB", kind, end, len(piece) + 8, 0, (number + 1) % 256, 0) + piece
            )

    def pause(self, seconds: float) -> None:
        """Wait; an attention of the client, or its end, ends the waiting."""
        if not self._waiting and select.select([self.sock], [], [], seconds)[0]:
            kind, _, _ = self.receive()
            if kind == ATTENTION:
                raise Cancelled
            raise Dropped

    def _exactly(self, count: int) -> bytes:
        while len(self._waiting) < count:
            self._waiting += self._raw_receive()
        piece = bytes(self._waiting[:count])
        del self._waiting[:count]
        return piece

    def _raw_receive(self) -> bytes:
        while True:
            if self._tls is not None:
                try:
                    return self._tls.read(65536) or self._gone()
                except ssl.SSLWantReadError:
                    pass
            data = self.sock.recv(65536) or self._gone()
            if self._tls is None:
                return data
            self._incoming.write(data)

    def _raw_send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self.sock.sendall(data)

    def _gone(self) -> bytes:
        raise Dropped

    def start_tls(self, context: ssl.SSLContext) -> None:
        """The handshake travels in PRELOGIN packets; what follows is TLS around packets."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if answer := self._outgoing.read():
                    self.send(answer, kind=PRELOGIN)
                self._incoming.write(self.receive()[2])
        if answer := self._outgoing.read():
            self.send(answer, kind=PRELOGIN)
        self._tls = tls

    def part(self) -> None:
        """End the connection once the client has read what was sent last."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(2)
            while self.sock.recv(65536):
                pass

    def close(self) -> None:
        # A reset instead of a farewell: clients must take it as a lost connection.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
