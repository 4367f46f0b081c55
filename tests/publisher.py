"""A publisher of files on this computer: a real HTTP server that also answers as bad ones do."""

from __future__ import annotations

import hashlib
import io
import socket
import struct
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

MUE_HEAD = (
    '"Current Procedural Terminology (CPT) codes, descriptions and other data only are copyright 2025\n'
    'American Medical Association. All rights reserved."\n'
    '"HCPCS/\nCPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
)
MUE_ZIP = "medicare-ncci-2026-q2-practitioner-services-mue-table.zip"
MUE_CSV = "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv"
DIRECTORY = "/files/zip"


def mue_zip(units: int = 1, codes: int = 14_000, name: str = MUE_CSV) -> bytes:
    """A quarter's file as CMS publishes it, with invented limits; 90834 is in it."""
    numbers = [90834, *range(10_000, 10_000 + codes - 1)]
    rows = "".join(f"{n:05d},{units},3 Date of Service Edit: Clinical,Clinical: Data\n" for n in numbers)
    return zipped({name: (MUE_HEAD + rows).encode("cp1252")})


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip file, the same bytes every time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]


Answer = Callable[["_Handler", bytes], None]


@dataclass
class PublisherServer:
    """Files by path below the root. `answers` are used up one a request before the file itself is sent."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    kind: str = "application/zip"

    @property
    def base(self) -> str:
        """What CLAIMSCTL_REFERENCE_BASE has to be."""
        return self.url + DIRECTORY

    def publish(self, name: str, data: bytes, *answers: Answer) -> bytes:
        """Put a file there, to be answered for in these ways first."""
        self.files[f"{DIRECTORY}/{name}"] = data
        self.answers[f"{DIRECTORY}/{name}"] = list(answers)
        return data

    def ranges(self) -> list[str | None]:
        """The Range header of every request."""
        return [request.headers.get("range") for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    publisher: PublisherServer

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)  # a proxy is asked for a whole address
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.publisher.requests.append(Request(self.path, headers))
        data = self.publisher.files.get(path, b"")
        answers = self.publisher.answers.get(path, [])
        if answers:
            answers.pop(0)(self, data)
        elif path in self.publisher.files:
            send_file(self, data)
        else:
            status(404)(self, b"")

    def start(self, code: int, length: int | None, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal of the tests."""


def tag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def send_file(handler: _Handler, data: bytes) -> None:
    """As a good server does: with a tag, from where it is asked."""
    tag = tag_of(data)
    headers = {"Content-Type": handler.publisher.kind, "ETag": tag, "Accept-Ranges": "bytes"}
    asked = handler.headers.get("Range")
    if asked is None or handler.headers.get("If-Range") not in (None, tag):
        handler.start(200, len(data), headers)
        handler.wfile.write(data)
        return
    start = int(asked.removeprefix("bytes=").rstrip("-"))
    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    handler.start(206, len(data) - start, headers)
    handler.wfile.write(data[start:])


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """An error, with headers such as Retry_After."""

    def answer(handler: _Handler, data: bytes) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.start(code, len(body), named)
        handler.wfile.write(body)

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, Location=location)


def page(kind: str = "text/html; charset=utf-8") -> Answer:
    """A page with a licence to click, instead of the file."""
    return status(200, b"<!DOCTYPE html>\n<html><body>Do you accept?</body></html>", Content_Type=kind)


def cut(after: int, tag: str | None = None) -> Answer:
    """The whole length announced, fewer bytes sent, and an orderly end."""

    def answer(handler: _Handler, data: bytes) -> None:
        headers = {"Content-Type": handler.publisher.kind, "ETag": tag or tag_of(data)}
        handler.start(200, len(data), headers)
        handler.wfile.write(data[:after])
        handler.close_connection = True

    return answer


def cut_without_tag(after: int) -> Answer:
    def answer(handler: _Handler, data: bytes) -> None:
        handler.start(200, len(data), {"Content-Type": handler.publisher.kind})
        handler.wfile.write(data[:after])
        handler.close_connection = True

    return answer


def reset(after: int) -> Answer:
    """The connection is torn down after some bytes."""

    def answer(handler: _Handler, data: bytes) -> None:
        handler.start(200, len(data), {"ETag": tag_of(data)})
        handler.wfile.write(data[:after])
        handler.wfile.flush()
        # Closed with time to linger of 0, a socket sends RST.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True

    return answer


def whole(handler: _Handler, data: bytes) -> None:
    """As a server that knows no ranges."""
    handler.start(200, len(data), {"Content-Type": handler.publisher.kind})
    handler.wfile.write(data)


def unmeasured(handler: _Handler, data: bytes) -> None:
    """Without a length, until the connection ends."""
    handler.start(200, None, {"Content-Type": handler.publisher.kind})
    handler.wfile.write(data)


def careless(handler: _Handler, data: bytes) -> None:
    """As a server that goes on in the file whatever it has become."""
    start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
    said = {"ETag": tag_of(data), "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
    handler.start(206, len(data) - start, said)
    handler.wfile.write(data[start:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is no fault of the server: nothing on the terminal of the tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def publishing() -> Iterator[PublisherServer]:
    """A server for the block."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        there = PublisherServer(f"http://127.0.0.1:{server.server_address[1]}")
        handler.publisher = there  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
