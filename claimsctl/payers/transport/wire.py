"""The HTTP client of one access: TLS always verified, nothing of a request in any log."""

from __future__ import annotations

import ipaddress
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from claimsctl.errors import SettingsError
from claimsctl.payers.account import Account
from claimsctl.payers.verdict import UNREADABLE, Reply

# Their messages hold URLs, headers and bodies, and those hold names and dates of birth.
for _logger in ("httpx", "httpcore", "h2", "hpack", "hyperframe", "h11", "stamina"):
    logging.getLogger(_logger).setLevel(logging.CRITICAL + 1)

_KEPT_HEADERS: Final = 8_192
_IDLE_SECONDS: Final = 30.0
_STREAMS: Final = 32
"""Requests at once on a connection of HTTP/2; payers allow a hundred and more."""
_HOSTS: Final = 2
"""A route's requests and its tokens may be of two hosts."""


class TooLarge(Exception):
    """The reply is larger than the connector allows."""


class Line:
    """A connection with its client: httpx looks through all connections of a client for every request, so
    that one client for each costs far less than one for all."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._room = 1
        self._busy = 0

    @property
    def is_free(self) -> bool:
        """Whether one more request may go over it now."""
        return self._busy < self._room

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The beginning of the reply; over HTTP/2 many requests may be under way at once from then on."""
        response = await self.client.send(request, stream=True)
        self._room = _STREAMS if response.http_version == "HTTP/2" else 1
        return response

    @contextmanager
    def taken(self) -> Iterator[Line]:
        """Takes the place of one request."""
        self._busy += 1
        try:
            yield self
        finally:
            self._busy -= 1

    async def aclose(self) -> None:
        """Close the connection."""
        await self.client.aclose()


class Connections:
    """The connections of one access: HTTP/2 where the payer speaks it, reused, never more than `most`.

    An asynchronous context. Raises SettingsError for addresses and files that cannot be used.
    """

    def __init__(self, account: Account, route: str, url: str, most: int) -> None:
        local = check_address(route, "base_url", url)
        self._options: dict[str, Any] = {
            "http2": True, "verify": _tls(account, route), "proxy": account.proxy,
            "trust_env": not local,  # a company's proxy is not for addresses of this machine
            "follow_redirects": False,  # a redirect could carry a person's data elsewhere
            "limits": httpx.Limits(max_connections=_HOSTS, keepalive_expiry=_IDLE_SECONDS),
        }  # fmt: skip
        self._most = most
        self._lines: list[Line] = []
        try:
            self._add()
        except (ValueError, httpx.InvalidURL):
            raise SettingsError(f"[payer_route.{route}] proxy: is no address of a proxy.") from None

    async def __aenter__(self) -> Connections:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            await line.aclose()

    def line(self) -> AbstractContextManager[Line]:
        """The first connection that is free, so that few serve; a new one while there are none."""
        free = next((line for line in self._lines if line.is_free), None)
        if free is None:
            free = self._add() if len(self._lines) < self._most else self._lines[-1]
        return free.taken()

    def _add(self) -> Line:
        self._lines.append(Line(httpx.AsyncClient(**self._options)))
        return self._lines[-1]


def check_address(route: str, name: str, url: str) -> bool:
    """Whether an address is of this machine; raises SettingsError unless it is https or of this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise SettingsError(f"[payer_route.{route}] {name}: is no address.") from None
    local = host == "localhost" or _is_loopback(host)
    if not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not local):
        raise SettingsError(
            f"[payer_route.{route}] {name}: claims are sent only to https addresses.",
            hint="Plain http is for a sandbox on this machine (127.0.0.1).",
        )
    return local


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(account: Account, route: str) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    for name, file in (("ca_file", account.ca_file), ("client_certificate", account.client_certificate)):
        if file is None:
            continue
        try:
            if name == "ca_file":
                context.load_verify_locations(cafile=file)
            else:
                context.load_cert_chain(file)
        except (OSError, ssl.SSLError):
            where = f"[payer_route.{route}] {name}"
            raise SettingsError(f"{where}: {file} is no PEM file that can be read.") from None
    return context


async def read(response: httpx.Response, most_bytes: int) -> Reply:
    """The whole reply; raises TooLarge as soon as it grows beyond the limit."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most_bytes:
            raise TooLarge
        parts.append(part)
    headers = {name.lower(): value[:_KEPT_HEADERS] for name, value in response.headers.items()}
    return Reply(response.status_code, headers, _document(b"".join(parts)))


def _document(content: bytes) -> Any:
    try:
        document = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return UNREADABLE
    return document if isinstance(document, (dict, list)) else UNREADABLE


def failure_code(error: Exception) -> tuple[str, str]:
    """A code and words for a request that got no reply; nothing of the request."""
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | httpx.ProxyError):
        return "NO_CONNECTION", "no connection to the payer"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "TIMEOUT", "the payer did not answer in time"
    if isinstance(error, httpx.DecodingError):
        return "NOT_READABLE", "the reply cannot be decoded"
    return "BROKEN_OFF", "the connection to the payer broke"
