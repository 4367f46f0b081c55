"""The log as it is written: one line for each note, as text or JSON, by the logging of Python.

What libraries log, from warnings on, appears as who logged and where, never as what they said: they quote
the data they work on. The same holds of errors.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from claimsctl.errors import OutputError, StoreError
from claimsctl.security.crashes import our_places
from claimsctl.security.files import FILE_MODE, create_private, private_directory
from claimsctl.security.keys import config_directory
from claimsctl.security.logfilter import without_phi
from claimsctl.security.logs import LogFact, LogFormat, hidden

OUR_LOGGER: Final = "claimsctl"
_FACTS: Final = "claimsctl_facts"
_SUFFIXES: Final = frozenset(
    ".csv .tsv .txt .xlsx .parquet .json .jsonl .ndjson .gz .zst .zip .toml .xml".split()
)
"""Endings that are shown; any other may be part of a name."""


class LogSink:
    """Where notes go while it is open: a private file that is appended to, or standard error (None)."""

    def __init__(self, file: Path | None, log_format: LogFormat) -> None:
        stream = sys.stderr if file is None else _opened(file)
        self._stream = None if file is None else stream
        self._key = _mark_key()
        self._handler = _Handler(stream)
        self._handler.setFormatter(_JsonLines() if log_format == "json" else _TextLines())
        self._handler.setLevel(logging.INFO)
        self._logger = logging.getLogger(OUR_LOGGER)
        self._before = self._logger.level
        self._logger.setLevel(logging.INFO)
        logging.getLogger().addHandler(self._handler)

    def note(self, event: str, level: str, facts: Mapping[str, LogFact]) -> None:
        """Write one line."""
        plain = {name: self._plain(value) for name, value in facts.items()}
        number = logging.getLevelNamesMapping()[level.upper()]
        self._logger.log(number, event, extra={_FACTS: plain})

    def close(self) -> None:
        """Let go of the file; later notes go nowhere."""
        logging.getLogger().removeHandler(self._handler)
        self._logger.setLevel(self._before)
        if self._stream is not None:
            with suppress(OSError):  # a full disk, which has been told
                self._stream.close()

    def _plain(self, value: LogFact) -> object:
        if isinstance(value, Path):
            return file_mark(value, self._key)
        if isinstance(value, Mapping):
            return {name: self._plain(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(each) for each in value]
        return value


def file_mark(path: Path, key: bytes) -> str:
    """`file:` and a keyed hash of the absolute path, with known endings: the same for the same file.

    Keyed, because names of people are few enough to try them all.
    """
    digest = hmac.new(key, os.fsencode(path.absolute()), hashlib.sha256).hexdigest()[:16]
    return f"file:{digest}" + "".join(each.lower() for each in path.suffixes if each.lower() in _SUFFIXES)


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that says once, without the line, when it cannot write: a full disk ends no run."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Called by Python in place of raising."""
        del record
        if not self._told:
            self._told = True
            print("claimsctl: the log cannot be written; the run goes on without it.", file=sys.stderr)


class _Lines(logging.Formatter):
    """A record as facts without PHI; the filter is the last that touches them."""

    def facts(self, record: logging.LogRecord) -> dict[str, object]:
        ours = record.name == OUR_LOGGER
        given: Mapping[str, object] = getattr(record, _FACTS, {}) if ours else {}
        if not ours:
            given = {"logger": record.name, "at": f"{record.module}:{record.lineno}"}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            given = {**given, "error": type(error).__name__, "places": our_places(error)}
        hide = hidden()
        return {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": without_phi(record.msg, hide) if ours and isinstance(record.msg, str) else "library",
            "pid": os.getpid(),
            **{name: _filtered(value, hide) for name, value in given.items()},
        }


class _JsonLines(_Lines):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.facts(record), ensure_ascii=False, default=lambda _: None)


class _TextLines(_Lines):
    def format(self, record: logging.LogRecord) -> str:
        facts = self.facts(record)
        head = " ".join(str(facts.pop(name)) for name in ("time", "level", "event"))
        return head + "".join(
            f" {name}={_shown(value)}" for name, value in facts.items() if value is not None
        )


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=lambda _: None)
    plain = text.isprintable() and not any(each in text for each in ' "=')
    return text if plain or not isinstance(value, str) else json.dumps(value, ensure_ascii=True)


def _filtered(value: object, hide: frozenset[str]) -> object:
    if isinstance(value, str):
        return without_phi(value, hide)
    if isinstance(value, Mapping):
        return {without_phi(str(name), hide): _filtered(each, hide) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_filtered(each, hide) for each in value]
    return value if isinstance(value, int | float) or value is None else without_phi(str(value), hide)


def _opened(file: Path) -> TextIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(file, flags, FILE_MODE)
    except OSError as error:
        why = "it is a link" if file.is_symlink() else error.strerror
        raise OutputError(
            f"Cannot write the log {file}: {why}.",
            hint="Name another file with --log, or - for standard error.",
        ) from None
    # Line by line: what stands in the log is complete whenever a run is killed.
    return open(handle, "a", encoding="utf-8", errors="backslashreplace", buffering=1)


def _mark_key() -> bytes:
    """Key of the marks of files, kept beside the secrets; one of this process where none can be kept."""
    path = config_directory() / "log.key"
    try:
        private_directory(path.parent)
        create_private(path, secrets.token_bytes(32))
        return path.read_bytes()
    except (StoreError, OSError):
        return secrets.token_bytes(32)
