"""What went wrong between here and a server, in words; and whether another try may go better."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator


class Busy(Exception):
    """The server asks to come again later; after `seconds` when it says."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = seconds


def reason(error: Exception, host: str) -> str:
    """What happened in words; messages of libraries may name a proxy with its password."""
    import httpx

    if isinstance(error, Busy):
        return f"{host} is busy or out of order ({error.status})"
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{host} was not found: this computer seems to be offline, or behind a proxy (HTTPS_PROXY)"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return (
            f"The certificate of {host} is not trusted here; SSL_CERT_FILE names those of your organisation"
        )
    if isinstance(error, httpx.ProxyError):
        return f"The proxy does not let the request through to {host}"
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return f"{host} does not answer"
    if isinstance(error, httpx.TimeoutException):
        return f"{host} has stopped sending"
    return f"The connection to {host} broke off"


def is_final(error: Exception) -> bool:
    """Whether another try would end the same way."""
    import httpx

    if isinstance(error, httpx.ProxyError | httpx.UnsupportedProtocol):
        return True
    return any(isinstance(c, socket.gaierror | ssl.SSLCertVerificationError) for c in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
