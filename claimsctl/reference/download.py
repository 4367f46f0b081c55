"""One file over HTTP: resumed where it broke off, never from where it does not belong.

Nothing is sent but the request for the file: no cookies of a browser, no netrc, no data. A proxy, its
exceptions and further certificates come from the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from claimsctl import __version__
from claimsctl.errors import OutsideError
from claimsctl.reference.addresses import host_of, is_web_address, is_zip, may_follow, shown
from claimsctl.reference.partial import Note, discard, size_of, write_note
from claimsctl.reference.trouble import Busy, is_final, reason
from claimsctl.security.files import FILE_MODE, disk_errors

if TYPE_CHECKING:
    import httpx

Watch = Callable[[int, int], None]
"""Told bytes received and bytes in all (0: the server does not say) as they arrive."""

WAITS: Final = (1.0, 4.0, 15.0)
"""Seconds before each further try after a broken connection or a busy server."""
_LONGEST_WAIT: Final = 60.0
_PROGRESS: Final = 8_000_000
"""After so many further bytes a broken connection counts as the first one again: NPPES takes an hour."""
_MOST_REDIRECTS: Final = 8
_CONNECT_SECONDS, _READ_SECONDS = 15.0, 60.0
_HEAD: Final = 256
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAGES: Final = ("text/html", "application/xhtml+xml")
_PAGE: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|\?xml[^>]*>\s*<html)", re.I)
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class FetchError(OutsideError):
    """A published file could not be had.

    `missing`: the address does not lead to it, another one may. `kept`: what arrived is kept for the
    next time.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, missing: bool = False, kept: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.missing = missing
        self.kept = kept


class _Changed(Exception):
    """What was received before is not the beginning of the file as it is now."""


def download(url: str, part: Path, *, most: int, watch: Watch, waits: Sequence[float] | None = None) -> None:
    """Bring `part` to the whole file at `url`; FetchError when that fails.

    What is in `part` already is asked for no more when the server can tell that the file is the same.
    """
    import httpx

    waits = WAITS if waits is None else waits
    failures, best = 0, size_of(part)
    with _client() as client:
        while True:
            try:
                _receive(client, url, part, most, watch)
            except _Changed:
                discard(part)  # asked for without a range the next time, so this comes once
            except (httpx.TransportError, Busy) as error:
                have = size_of(part)
                if have >= best + _PROGRESS:
                    failures, best = 0, have
                if failures >= len(waits) or is_final(error):
                    raise _given_up(error, url, part) from error
                wait = error.seconds if isinstance(error, Busy) else None
                time.sleep(waits[failures] if wait is None else min(wait, _LONGEST_WAIT))
                failures += 1
            else:
                return


def followed(url: str, location: str) -> str:
    """Where a redirect leads; FetchError when it is not safe to go there."""
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if may_follow(url, target):
        return target
    where = shown(target) if is_web_address(target) else "nowhere on the web"
    raise FetchError(f"{shown(url)} sends on to {where}, which is not safe to follow.")


def _client() -> httpx.Client:
    import httpx

    try:
        return httpx.Client(
            timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
            # Packed bytes could not be resumed, nor compared with the length the server says.
            headers={"User-Agent": f"claimsctl/{__version__}", "Accept-Encoding": "identity"},
            follow_redirects=False,
        )
    except (ValueError, ImportError) as error:
        raise FetchError(
            "The proxy that the environment names cannot be used.",
            hint="HTTPS_PROXY and ALL_PROXY take http://host:port.",
        ) from error
    except OSError as error:
        raise FetchError(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read.",
            hint="Correct the variable or remove it.",
        ) from error


def _receive(client: httpx.Client, url: str, part: Path, most: int, watch: Watch) -> None:
    """One request: from where `part` ends, when it is the beginning of the same file, else from the start."""
    import httpx

    note, start, headers = Note.read(part, url), 0, dict[str, str]()
    if note is not None:
        # At least one byte is asked for, so that the answer says whether the file is still the same.
        start = size_of(part) if note.total is None else min(size_of(part), note.total - 1)
    if note is not None and start:
        headers = {"Range": f"bytes={start}-", "If-Range": note.validator}
    with _opened(client, url, headers) as response:
        if start and response.status_code == 416:
            raise _Changed
        _check_status(response)
        if response.status_code == 206:
            total = _continued(response, note, start)
        else:
            start, total = 0, _length(response)
        _check_headers(response, url, total, most)
        with disk_errors(part, "write"):
            if not start:
                discard(part)
                part.touch(mode=FILE_MODE)
                write_note(part, url, response, total)
            with part.open("r+b") as file:
                file.truncate(start)
                file.seek(start)
                done, head = start, b""
                for block in response.iter_raw():
                    done += len(block)
                    if done > most:
                        discard(part)
                        raise _too_big(url, done, most)
                    file.write(block)
                    if not start and len(head) < _HEAD:
                        head += block[:_HEAD]
                        _check_head(head, url, part)
                    watch(done, total or 0)
    if total is not None and done != total:
        raise httpx.RemoteProtocolError("fewer bytes than announced")


@contextmanager
def _opened(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer at the end of the redirects."""
    import httpx

    for _ in range(_MOST_REDIRECTS):
        try:
            request = client.build_request("GET", url, headers=headers)
        except httpx.InvalidURL as error:
            raise FetchError(f"{shown(url)} is no address.") from error
        response = client.send(request, stream=True)
        try:
            if not response.has_redirect_location:
                yield response
                return
            url = followed(url, response.headers["Location"])
        finally:
            response.close()
    raise FetchError(f"{host_of(url)} sends on and on, and never to the file.", missing=True)


def _check_status(response: httpx.Response) -> None:
    status, host = response.status_code, response.url.host
    if status in (200, 206):
        return
    if status in _BUSY:
        said = response.headers.get("Retry-After", "")
        raise Busy(status, float(said) if said.isdigit() else None)
    address = shown(str(response.url))
    if status in (404, 410):
        raise FetchError(f"There is no file at {address} ({status}): it has another name.", missing=True)
    if status in (401, 403, 451):
        raise FetchError(
            f"{host} refuses {address} ({status}): it may want a browser, or the terms accepted in one.",
            missing=True,
        )
    raise FetchError(f"{host} answers {status} for {address}.")


def _continued(response: httpx.Response, note: Note | None, start: int) -> int | None:
    """Size of the whole file, where the answer goes on from `start` of the same version."""
    said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if note is None or not start:
        raise FetchError(f"{response.url.host} sends a part of the file that nobody asked for.")
    total = None if said is None or said[2] == "*" else int(said[2])
    tag = response.headers.get("ETag", note.validator)
    other = note.validator.startswith('"') and tag != note.validator
    if said is None or int(said[1]) != start or other or (note.total and total not in (None, note.total)):
        raise _Changed
    return total or note.total


def _length(response: httpx.Response) -> int | None:
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isdigit() else None


def _check_headers(response: httpx.Response, url: str, total: int | None, most: int) -> None:
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind in _PAGES:
        raise _page(url)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError(f"{response.url.host} sends the file packed in a way that cannot be checked.")
    if total is not None and total > most:
        raise _too_big(url, total, most)


def _check_head(head: bytes, url: str, part: Path) -> None:
    """A page may come under any type; a zip is known by its first two bytes."""
    wrong = is_zip(url) and not b"PK".startswith(head[:2])
    if _PAGE.match(head) or wrong:
        discard(part)
        raise _page(url) if _PAGE.match(head) else FetchError(f"What {shown(url)} sends is no zip file.")


def _page(url: str) -> FetchError:
    return FetchError(
        f"The publisher shows a page instead of {shown(url)}: the file has moved, or wants the terms "
        "accepted in a browser.",
        missing=True,
    )


def _too_big(url: str, size: int, most: int) -> FetchError:
    return FetchError(
        f"{shown(url)} is larger than this table can be: {size:,} bytes, where {most:,} are the most."
    )


def _given_up(error: Exception, url: str, part: Path) -> FetchError:
    have = size_of(part)
    kept = bool(have and Note.read(part, url))
    got = f" after {have:,} bytes" if have else ""
    return FetchError(f"{reason(error, host_of(url))}{got}.", kept=kept)
