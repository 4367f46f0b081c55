"""One connection from login to end: messages in, answers out."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.tds import requests, tokens, wire
from tests.tds.answer import Answer
from tests.tds.batch import Session, declared_parameters
from tests.tds.engine import Engine, Result
from tests.tds.errors import Cancelled, Dropped, SqlError
from tests.tds.functions import to_sqlite
from tests.tds.requests import Call, Login, Parameter
from tests.tds.types import INT, SqlType

if TYPE_CHECKING:
    from tests.tds.server import TdsServer

_TRANSACTIONS = {
    requests.BEGIN: "BEGIN TRANSACTION", requests.COMMIT: "COMMIT TRANSACTION",
    requests.ROLLBACK: "ROLLBACK TRANSACTION", requests.SAVE: "SAVE TRANSACTION",
}  # fmt: skip

_MOST_PARAMETERS = 2100


class Connection:
    """Serves one client."""

    def __init__(self, server: TdsServer, connected: wire.Wire) -> None:
        self.server, self.wire = server, connected
        self.prepared: dict[int, tuple[list[tuple[str, SqlType]], str]] = {}
        self.engine: Engine | None = None

    def serve(self) -> None:
        """Until the client leaves, or a fault ends it."""
        try:
            login = self.log_in()
            if login is None:
                return
            self.engine = Engine(self.server, self.wire.pause, login.user)
            self.session = Session(self.engine, self.carried)
            while True:
                kind, status, data = self.wire.receive()
                self.server.log.round_trips += 1
                if status & (wire.RESET_CONNECTION | wire.RESET_KEEPING_TRANSACTION):
                    self.session.reset()
                if not self.answer(kind, data):
                    self.wire.part()
                    return
        except (Dropped, ConnectionError, OSError, ssl.SSLError):
            pass
        finally:
            if self.engine is not None:
                self.engine.close()
            self.wire.close()

    def log_in(self) -> Login | None:
        kind, _, data = self.wire.receive()
        wish = requests.read_prelogin(data)
        offer = requests.ENCRYPT_NOT_SUPPORTED
        if self.server.tls is not None:
            asked = wish in (requests.ENCRYPT_ON, requests.ENCRYPT_REQUIRED)
            offer = requests.ENCRYPT_ON if asked else requests.ENCRYPT_NOT_SUPPORTED
            if self.server.tls_required:
                offer = requests.ENCRYPT_REQUIRED
        self.wire.send(requests.prelogin_reply(offer))
        encrypted = offer != requests.ENCRYPT_NOT_SUPPORTED
        if encrypted:
            self.wire.start_tls(self.server.tls)  # type: ignore[arg-type]
        kind, _, data = self.wire.receive()
        if kind != wire.LOGIN:
            return None
        login = replace(requests.read_login(data), encrypted=encrypted)
        self.server.log.logins += 1
        self.server.logins.append(replace(login, password=""))
        try:
            self.meet_faults(f"LOGIN {login.user}")
            self.server.admit(login)
        except SqlError as error:
            self.wire.send(tokens.error(error) + tokens.done(tokens.DONE, tokens.ERROR))
            self.wire.part()
            return None
        size = min(max(login.packet_size or 4096, 512), 32767)
        self.wire.send(
            tokens.environment(tokens.DATABASE, login.database or "claims", "master")
            + tokens.information(5701, "Changed database context to 'claims'.")
            + tokens.collation()
            + tokens.environment(tokens.LANGUAGE, "us_english")
            + tokens.login_ack()
            + tokens.environment(tokens.PACKET_SIZE, str(size), "4096")
            + tokens.done(tokens.DONE, 0)
        )
        self.wire.packet_size = size
        return login

    def answer(self, kind: int, data: bytes) -> bool:
        """One message; False when the connection shall end."""
        answer = Answer(self.wire, self.session, in_procedure=kind == wire.RPC)
        try:
            if kind == wire.BATCH:
                text = data[int.from_bytes(data[:4], "little") :].decode("utf-16-le")
                self.session.run(text, {}, answer)
                answer.end_batch()
            elif kind == wire.RPC:
                calls = requests.read_calls(data)
                for number, call in enumerate(calls, 1):
                    self.call(call, answer, more=number < len(calls))
            elif kind == wire.TRANSACTION:
                self.transact(*requests.read_transaction(data), answer)
            elif kind == wire.ATTENTION:
                answer.end_cancelled()
            else:
                answer.failed(SqlError(50000, f"TDS test server: messages of type {kind}"), rolled_back=False)
                answer.end_batch()
        except Cancelled:
            if self.session.xact_abort and self.engine is not None and self.engine.transactions:
                self.engine.rollback()
                answer.transaction("ROLLBACK")
            answer.end_cancelled()
        except SqlError as error:
            answer.failed(error, rolled_back=False)
            answer.end_batch()
        return not answer.fatal

    def meet_faults(self, text: str, *, after: bool = False) -> None:
        for fault in self.server.faults.due(text, after=after):
            if fault.delay:
                self.wire.pause(fault.delay)
            if fault.act is not None:
                fault.act()

    def carried(self, text: str, act: Callable[[], Result]) -> Result:
        """Carry a statement out, with its faults, and note it."""
        self.server.log.statements.append(text)
        self.meet_faults(text)
        result = act()
        self.meet_faults(text, after=True)
        return result

    def transact(self, kind: int, name: str, anew: bool, answer: Answer) -> None:
        text = f"{_TRANSACTIONS[kind]} {name}".strip()
        self.session.run(text, {}, answer)
        if anew and not answer.failures:
            self.session.run("BEGIN TRANSACTION", {}, answer)
        answer.end_batch()

    def call(self, call: Call, answer: Answer, *, more: bool) -> None:
        """One remote procedure call."""
        name, given = call.procedure.lower().rpartition(".")[2], call.parameters
        if len(given) > _MOST_PARAMETERS + 3:
            raise SqlError(8003, "The incoming request has too many parameters. The server supports 2100.")
        before, values = answer.failures, b""
        kept = self.session.settings()  # SET in a procedure, or in what sp_executesql runs, ends with it
        status = 0
        if name == "sp_executesql":
            declared = declared_parameters(given[1].value) if len(given) > 1 else []
            self.session.run(given[0].value, _bound(declared, given[2:]), answer)
        elif name in ("sp_prepexec", "sp_prepare"):
            handle = self.server.new_handle()
            self.prepared[handle] = (declared_parameters(given[1].value), given[2].value)
            values = tokens.return_value(0, "", INT, handle)
            if name == "sp_prepexec":
                self.execute(handle, given[3:], answer)
        elif name == "sp_execute":
            self.execute(int(given[0].value), given[1:], answer)
        elif name == "sp_unprepare":
            self.prepared.pop(int(given[0].value), None)
        else:
            arguments = {p.name.lower() or str(i): p.value for i, p in enumerate(given)}
            try:
                status = self.session.call(name, arguments, answer, f"EXEC {name}")
            except SqlError as error:
                answer.failed(error, rolled_back=False)
        self.session.set_back(kept)
        failed = answer.failures > before
        answer.end_call(status or int(failed), more=more, values=values)

    def execute(self, handle: int, given: list[Parameter], answer: Answer) -> None:
        if handle not in self.prepared:
            answer.failed(
                SqlError(8179, f"Could not find prepared statement with handle {handle}."), rolled_back=False
            )
            return
        declared, text = self.prepared[handle]
        self.session.run(text, _bound(declared, given), answer)


def _bound(declared: list[tuple[str, SqlType]], given: list[Parameter]) -> dict[str, Any]:
    """Values by the name of their parameter; those without a name in order."""
    names = [name for name, _ in declared]
    values: dict[str, Any] = dict.fromkeys(names)
    for name, parameter in zip(names, given, strict=False):
        values[parameter.name or name] = to_sqlite(parameter.value)
    if len(given) < len(names):
        missing = names[len(given)]
        raise SqlError(8178, f"The parameterized query expects the parameter '@{missing}', which is missing.")
    return values
