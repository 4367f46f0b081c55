"""Running a sandbox: in a thread for as long as it is needed, or in the foreground."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from claimsctl.errors import OutsideError
from claimsctl.sandbox.app import build_app
from claimsctl.sandbox.box import Sandbox

HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 15.0


class Server:
    """A server for one sandbox, bound to a port from the start; port 0 takes a free one."""

    def __init__(self, box: Sandbox, port: int = 0) -> None:
        transports: dict[tuple[str, int], asyncio.Transport] = {}

        class Protocol(H11Protocol):
            # Knows its clients, so that a connection can be closed without an answer.
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    transports.pop(self.client, None)
                super().connection_lost(exc)

        def drop(client: tuple[str, int]) -> None:
            transport = transports.get(client)
            if transport is not None:
                transport.abort()

        self._socket = _bound(port)
        box.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            build_app(box, drop), http=Protocol, ws="none", lifespan="off", log_config=None,
            log_level="critical", access_log=False, server_header=False,
            timeout_graceful_shutdown=1, timeout_keep_alive=30,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until told to stop (or Ctrl-C, in the foreground)."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def wait(self, thread: threading.Thread) -> None:
        """Return when requests are answered; OutsideError when that does not come."""
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not thread.is_alive():
                raise OutsideError("The sandbox did not start.", hint="Try again, or another --port.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Ask the server to end."""
        self._server.should_exit = True


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY), not 40 ms later.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise OutsideError(
            f"Port {port} of this machine is not free: {error.strerror}.", hint="Choose another --port."
        ) from error
    return listening


@contextmanager
def running_sandbox(*, port: int = 0, **options: Any) -> Iterator[Sandbox]:
    """A sandbox that is served by a thread within the block; options are those of Sandbox."""
    box = Sandbox(**options)
    server = Server(box, port)
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    try:
        server.wait(thread)
        yield box
    finally:
        server.stop()
        thread.join(timeout=10)
