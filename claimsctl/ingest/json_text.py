"""Cutting JSON text into records, one at a time and with bounded memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from claimsctl.ingest.stream import Utf8Stream, is_utf8

MAX_RECORD_CHARS = 1 << 20
MAX_LINE_BYTES = 16 << 20

_BLOCK = 4 << 20
_GAP = re.compile(r"[\s,]*")
_NEXT_OBJECT = re.compile(r"\}\s*,?\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Text of one record.

    `damaged` are its bytes when they are not UTF-8, `problem` is a reason to refuse it, `cut` says that
    only the beginning of its text is there.
    """

    text: str
    damaged: bytes | None = None
    problem: str | None = None
    cut: bool = False


def read_lines(stream: Utf8Stream) -> Iterator[RawRecord]:
    """One record per line that is not blank."""
    pending = b""
    while True:
        block = stream.read(max(_BLOCK, len(pending)))
        buffer = pending + block
        cut = len(buffer) if not block else buffer.rfind(b"\n") + 1
        if not cut and len(buffer) > MAX_LINE_BYTES:
            problem = f"the line is longer than {MAX_LINE_BYTES >> 20} MB"
            start = buffer[: MAX_RECORD_CHARS // 16].decode("utf-8", "replace")
            yield RawRecord(start, problem=problem, cut=True)
            pending = _after_line(stream)
            continue
        pending = buffer[cut:]
        for line in buffer[:cut].split(b"\n"):
            stripped = line.strip()
            if stripped and stripped != b"\x1a":
                yield RawRecord(
                    stripped.decode("utf-8", "surrogateescape"), None if is_utf8(stripped) else stripped
                )
        if not block:
            return


def _after_line(stream: Utf8Stream) -> bytes:
    while block := stream.read(_BLOCK):
        at = block.find(b"\n")
        if at >= 0:
            return block[at + 1 :]
    return b""


def read_stream(stream: Utf8Stream) -> Iterator[RawRecord]:
    """The elements of an array, or values one after another, over any number of lines.

    A record that cannot be parsed ends where the next object seems to begin. An array that is not closed
    ends with a record that says so.
    """
    window = _Window(stream)
    window.fill()
    window.skip()
    in_array = window.peek() == "["
    if in_array:
        window.at += 1
    scanner = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
    while True:
        window.skip()
        if not window.peek():
            if in_array:
                yield RawRecord("", problem="the JSON array is not closed; the file may be cut short")
            return
        if in_array and window.peek() == "]":
            in_array = False
            window.at += 1
            continue
        try:
            _, end = scanner.raw_decode(window.text, window.at)
        except (json.JSONDecodeError, RecursionError):
            yield window.take_bad()
        else:
            text = window.text[window.at : end]
            window.at = end
            yield RawRecord(text, None if is_utf8(text.encode("utf-8", "surrogateescape")) else _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class _Window:
    """A stretch of the text that always reaches at least one record's length ahead."""

    def __init__(self, stream: Utf8Stream) -> None:
        self.text = ""
        self.at = 0
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._ended = False

    def fill(self) -> None:
        """Read on until a whole record of the largest size lies ahead, or the text ends."""
        while not self._ended and len(self.text) - self.at < MAX_RECORD_CHARS:
            block = self._stream.read(_BLOCK)
            self._ended = not block
            self.text = self.text[self.at :] + self._decoder.decode(block, final=self._ended)
            self.at = 0

    def skip(self) -> None:
        """Pass over white space and commas."""
        while True:
            self.fill()
            gap = _GAP.match(self.text, self.at)
            assert gap is not None
            self.at = gap.end()
            if self.at < len(self.text) or self._ended:
                self.fill()
                return

    def peek(self) -> str:
        """Next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def take_bad(self) -> RawRecord:
        """Take the text up to where the next object seems to begin."""
        start, taken = self.at, ""
        while True:
            found = _NEXT_OBJECT.search(self.text, self.at)
            end = found.end() if found else len(self.text)
            taken = taken or self.text[start:end].rstrip(", \t\r\n")
            if found or self._ended:
                self.at = end
                return RawRecord(taken, problem=None if _fails(taken) else "is not valid JSON")
            # Keep the last bytes: the pattern may stand across the edge.
            self.at = max(self.at + 1, end - 64)
            self.fill()
            start = self.at


def _fails(text: str) -> bool:
    try:
        json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return True
    return False
