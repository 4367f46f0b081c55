"""The answer to one message: tokens in order, with the DONE tokens that drivers count on."""

from __future__ import annotations

import struct

from tests.tds import tokens
from tests.tds.batch import Session
from tests.tds.engine import Result
from tests.tds.errors import SqlError, untranslatable
from tests.tds.tokens import DONE, DONE_IN_PROC, DONE_PROC
from tests.tds.tsql import Statement
from tests.tds.wire import Wire

_COMMANDS = {"SELECT": 0xC1, "INSERT": 0xC3, "DELETE": 0xC4, "UPDATE": 0xC5}
_CHANGES = {"BEGIN TRANSACTION": tokens.BEGIN, "COMMIT": tokens.COMMIT, "ROLLBACK": tokens.ROLLBACK}


class Answer:
    """Listens to a batch and writes what it brings; `in_procedure` for what calls run."""

    def __init__(self, wire: Wire, session: Session, *, in_procedure: bool) -> None:
        self.wire, self.session, self.in_procedure = wire, session, in_procedure
        self.failures = 0
        self.fatal = False
        self._buffer = bytearray()
        self._held: tuple[int, int, int] | None = None

    def result(self, result: Result, statement: Statement) -> None:
        count = max(result.count, 0)
        status = 0 if result.count == -1 else tokens.COUNT
        if result.columns is not None:
            self.add(tokens.columns(result.columns))
            count = 0
            for values in result.rows:
                count += 1
                try:
                    self.add(tokens.row(result.columns, values))
                except (ValueError, TypeError, OverflowError, AttributeError, struct.error) as error:
                    why = f"a value does not fit the type taken for its column ({error})"
                    raise untranslatable(why, statement.text) from error
            status = tokens.COUNT
        self.session.engine.globals["ROWCOUNT"] = count
        if self.session.no_count and result.columns is None:
            if self.in_procedure:
                return
            status = 0
        self.done(status, count, _COMMANDS.get(statement.head, 0))

    def failed(self, error: SqlError, *, rolled_back: bool) -> None:
        self.failures += 1
        self.fatal = self.fatal or error.ends_connection
        self.add(tokens.error(error))
        if rolled_back:
            self.transaction("ROLLBACK")
        self.done(tokens.ERROR, 0)

    def transaction(self, what: str) -> None:
        new, old = (b"", _DESCRIPTOR) if what != "BEGIN TRANSACTION" else (_DESCRIPTOR, b"")
        self.add(tokens.environment(_CHANGES[what], new, old))

    def say(self, number: int, text: str) -> None:
        self.add(tokens.information(number, text))

    def add(self, token: bytes) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._buffer += self._done(held, tokens.MORE)
        self._buffer += token
        room = self.wire.packet_size - 8
        if len(self._buffer) > 4 * room:
            whole = len(self._buffer) // room * room
            self.wire.send(bytes(self._buffer[:whole]), last=False)
            del self._buffer[:whole]

    def done(self, status: int, count: int = 0, command: int = 0) -> None:
        """A statement ended; whether more follows is known later."""
        if self._held is not None:
            self.add(b"")
        self._held = (status, count, command)

    def _done(self, held: tuple[int, int, int], more: int) -> bytes:
        status, count, command = held
        inside = tokens.IN_TRANSACTION if self.session.engine.transactions else 0
        token = DONE_IN_PROC if self.in_procedure else DONE
        return tokens.done(token, status | more | inside, count, command)

    def end_batch(self) -> None:
        held = self._held or (0, 0, 0)
        self._buffer += self._done(held, 0)
        self._send()

    def end_call(self, status: int, *, more: bool, values: bytes = b"") -> None:
        """RETURNSTATUS, output values and DONEPROC of a call."""
        self.add(tokens.return_status(status) + values)
        inside = tokens.IN_TRANSACTION if self.session.engine.transactions else 0
        flags = (tokens.MORE if more else 0) | (tokens.ERROR if status else 0) | inside
        self._buffer += tokens.done(DONE_PROC, flags)
        if not more:
            self._send()

    def end_cancelled(self) -> None:
        self._held = None
        self._buffer += tokens.done(DONE, tokens.ATTENTION)
        self._send()

    def _send(self) -> None:
        self.wire.send(bytes(self._buffer))
        self._buffer.clear()


_DESCRIPTOR = (1).to_bytes(8, "little")
