"""Web addresses: how they are shown, what their files are called, where a redirect may lead."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def shown(url: str) -> str:
    """An address without name, password and query, which may hold a key."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    return f"{parts.scheme}://{host}{parts.path}" if host else url


def host_of(url: str) -> str:
    """The server an address is on."""
    return urlsplit(url).hostname or ""


def is_web_address(url: str) -> bool:
    """Whether it names a server to be asked over HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_zip(url: str) -> bool:
    """Whether the file is called a zip."""
    return urlsplit(url).path.lower().endswith(".zip")


def file_name(url: str) -> str:
    """The name of a published file, safe as the name of a file of ours."""
    last = unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", last).lstrip(".")[-120:] or "download"


def may_follow(url: str, target: str) -> bool:
    """Whether a redirect may be followed: over https, or to the very server that was asked."""
    if not is_web_address(target):
        return False
    before, after = urlsplit(url), urlsplit(target)
    same = (before.scheme, before.hostname, before.port) == (after.scheme, after.hostname, after.port)
    return same or after.scheme == "https"
