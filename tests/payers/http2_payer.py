"""An ASGI application served over TLS and HTTP/2, with the protocol library that httpx uses too."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded


@dataclass
class Http2Payer:
    """Serves `app`; ends each connection after `per_connection` requests (0: none), as payers do."""

    app: Any
    per_connection: int = 0
    requests: list[int] = field(default_factory=list)
    """Requests by connection."""
    at_once: int = 0
    """The most that were under way on one connection."""
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self, certificate: Path) -> AsyncIterator[str]:
        """Its address, for the block; who asks it closes every connection within."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2"])

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._connections.add(asyncio.create_task(self._served(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        async with server:
            yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*self._connections)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.requests)
        self.requests.append(0)
        http = H2Connection(H2Configuration(client_side=False))
        http.initiate_connection()
        writer.write(http.data_to_send())
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        answering: set[asyncio.Task[None]] = set()
        while data := await reader.read(65_536):
            for event in http.receive_data(data):
                if isinstance(event, RequestReceived):
                    heads[event.stream_id] = {n.decode(): v.decode() for n, v in event.headers}
                    bodies[event.stream_id] = b""
                elif isinstance(event, DataReceived):
                    bodies[event.stream_id] += event.data
                    http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    self.requests[number] += 1
                    stream = event.stream_id
                    task = asyncio.create_task(
                        self._answer(http, writer, stream, heads.pop(stream), bodies.pop(stream))
                    )
                    answering.add(task)
                    task.add_done_callback(answering.discard)
                    self.at_once = max(self.at_once, len(answering))
            writer.write(http.data_to_send())
            # A request that has begun is answered: its stream is among those that the end acknowledges.
            if self.per_connection and self.requests[number] >= self.per_connection and not heads:
                break
        await asyncio.gather(*answering)
        if not reader.at_eof():
            http.close_connection()
            writer.write(http.data_to_send())
            with suppress(ConnectionError):  # who asks may hang up as well
                while await reader.read(65_536):
                    pass  # to close now would break what is on its way
        writer.close()

    async def _answer(
        self, http: H2Connection, writer: asyncio.StreamWriter, stream: int, head: dict[str, str], body: bytes
    ) -> None:
        path, _, query = head[":path"].partition("?")
        plain = [(name.encode(), value.encode()) for name, value in head.items() if name[0] != ":"]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "2", "method": head[":method"],
            "scheme": "https", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(b"host", head[":authority"].encode()), *plain], "client": None, "server": None,
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                status = [(b":status", str(message["status"]).encode())]
                http.send_headers(stream, [*status, *message["headers"]])
            else:
                http.send_data(stream, message["body"], end_stream=not message.get("more_body", False))
            writer.write(http.data_to_send())

        await self.app(scope, receive, send)
