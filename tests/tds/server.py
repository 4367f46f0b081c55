"""The TDS test server: listens on a port of this machine and serves each client in a thread of its own."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile
from types import TracebackType

from tests.tds import catalogue
from tests.tds.catalogue import TableDef
from tests.tds.engine import open_file
from tests.tds.errors import SqlError
from tests.tds.faults import Faults, Log
from tests.tds.locks import Locks
from tests.tds.requests import Login
from tests.tds.session import Connection
from tests.tds.translate import Translated
from tests.tds.wire import Wire


class TdsServer:
    """A server with one database, `claims`, kept in `directory`; use it as a context.

    `stop` and `start` keep data and port, as a restart of a real server does. Each connection is a thread.
    """

    def __init__(
        self, directory: Path, *, tls: ssl.SSLContext | None = None, tls_required: bool = False,
        user: str = "loader", password: str = "Not-a-real-1",
    ) -> None:  # fmt: skip
        self.directory = directory
        self.tls, self.tls_required = tls, tls_required
        self.passwords = {user: password}
        self.user = user
        self.port = 0
        self.locks, self.faults, self.log = Locks(), Faults(), Log()
        # Tables and translations by the digest of a catalogue: sessions and files have them in common.
        self.known: dict[str, tuple[dict[str, TableDef], dict[str, Translated]]] = {}
        self.logins: list[Login] = []
        self._handles, self._numbers = itertools.count(1), itertools.count(1)
        self._listener: socket.socket | None = None
        self._holder: socket.socket | None = None
        self._open: set[Wire] = set()
        self.clean()

    @property
    def password(self) -> str:
        return self.passwords[self.user]

    def clean(self, *, kept: str = "") -> None:
        """An empty database, or the one that was kept, for those who connect from now on."""
        # A new file each time: the last session on the old one deletes what lies beside it when it ends.
        self.file = self.directory / f"claims-{next(self._numbers)}.db"
        if kept:
            copyfile(self.directory / f"{kept}.kept", self.file)
        connection = open_file(self.file)
        connection.execute("PRAGMA journal_mode = WAL")
        if not kept:
            catalogue.set_up(connection)
        connection.close()

    def keep(self, name: str) -> None:
        """Keep a copy of the database as it is; making many tables takes longer than copying them."""
        kept = self.directory / f"{name}.kept"
        kept.unlink(missing_ok=True)
        with closing(open_file(self.file)) as now, closing(open_file(kept)) as copy:
            now.backup(copy)

    def start(self) -> TdsServer:
        """Listen, on the port of the last time if there was one; nothing where it listens already."""
        if self._listener is not None:
            return self
        if self._holder is None:  # keeps the port while nothing listens there, so that nobody else takes it
            self._holder = socket.socket()
            self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._holder.bind(("127.0.0.1", 0))
            self.port = self._holder.getsockname()[1]
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        threading.Thread(target=self._accept, args=[self._listener], name="tds-accept", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and cut all connections; open transactions are gone."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop_all()

    def drop_all(self) -> None:
        """Cut all connections."""
        for each in list(self._open):
            with suppress(OSError):
                each.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> TdsServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._holder is not None:
            self._holder.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=[Wire(sock)], name="tds-client", daemon=True).start()

    def _serve(self, connected: Wire) -> None:
        self._open.add(connected)
        try:
            Connection(self, connected).serve()
        finally:
            self._open.discard(connected)

    def new_handle(self) -> int:
        return next(self._handles)

    def admit(self, login: Login) -> None:
        """Raise what SQL Server says to a wrong login or database."""
        if self.passwords.get(login.user) != login.password:
            raise SqlError(18456, f"Login failed for user '{login.user}'.")
        if login.database.lower() not in ("", "claims", "master"):
            raise SqlError(
                4060, f'Cannot open database "{login.database}" requested by the login. The login failed.'
            )
