"""JSON lines, JSON arrays and JSON objects one after another: one flat object per claim line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.careful import MAX_FIELD_BYTES, MAX_RAW_BYTES, damage, shown
from claimsctl.ingest.json_text import RawRecord, read_lines, read_stream
from claimsctl.ingest.parts import Malformed, Piece, Source, raw_schema, split_blank
from claimsctl.ingest.recognise import Recognised
from claimsctl.ingest.sniff import MAX_COLUMNS, detect_encoding
from claimsctl.ingest.stream import InputFile, Limits, Utf8Stream

# Keys are collected from so much of the text before reading; later ones make their record malformed.
KEY_SCAN_BYTES = 64 << 20

_PIECE_ROWS = 20_000
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,}\]\[{"]+))')
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Bad:
    reason: str
    values: dict[str, str]


class JsonSource(Source):
    """Objects with text, numbers, true/false or null; numbers keep their literal text.

    `row_number` is the record number from 1. The columns are the keys of the first 64 MB in order of
    appearance; a record with another key, a nested value or a key given twice is malformed.
    """

    format = "json"

    def __init__(
        self,
        file: InputFile,
        index: int,
        name: str,
        recognised: Recognised,
        limits: Limits,
        key_scan_bytes: int = KEY_SCAN_BYTES,
    ) -> None:
        super().__init__(file, index, name)
        self.compression = recognised.compression
        self._limits = limits
        self._stated_encoding = detect_encoding(recognised.head)
        with self._stream() as stream:
            head = stream.read(1 << 18)
            self.encoding = stream.encoding
        text = head.decode("utf-8", "replace").lstrip()
        self._in_lines = not text.startswith("[") and not _first_object_spans_lines(text)
        self.header = tuple(self._collect_keys(key_scan_bytes))

    def _stream(self) -> Utf8Stream:
        return Utf8Stream(self.file, self.compression, self._stated_encoding, self._limits)

    def _records(self, stream: Utf8Stream) -> Iterator[RawRecord]:
        return read_lines(stream) if self._in_lines else read_stream(stream)

    def _collect_keys(self, limit: int) -> list[str]:
        keys: dict[str, None] = {}
        seen = good = size = 0
        first: dict[str, Any] = {}
        with self._stream() as stream:
            for record in self._records(stream):
                seen += 1
                size += len(record.text)
                value = parse(record)
                if isinstance(value, dict):
                    good += 1
                    first = first or value
                    keys.update(dict.fromkeys(value))
                if size > limit or (not good and seen >= 1000):
                    break
        if good <= 1:
            self._refuse_wrapped(first)
        if not good:
            found = "no records" if not seen else "text that begins like JSON but holds no readable objects"
            raise InputError(
                f"{self.path}: holds {found}.",
                hint="Give JSON lines or an array with one object per claim line.",
            )
        if not keys or len(keys) > MAX_COLUMNS:
            raise InputError(
                f"{self.path}: its objects have {len(keys):,} different keys.",
                hint="Give one object per claim line, with one key per column.",
            )
        for key in keys:
            if _SURROGATE.search(key):
                raise InputError(
                    f"{self.path}: a key is not valid text.", hint="Write the file again as UTF-8."
                )
        return list(keys)

    def _refuse_wrapped(self, first: dict[str, Any]) -> None:
        if "resourceType" in first:
            raise InputError(
                f"{self.path}: is a FHIR resource, not a table of claims.",
                hint="Export the claim lines as CSV or JSON.",
            )
        for key, value in first.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                raise InputError(
                    f"{self.path}: its records are nested under the key {key!r}.",
                    hint="Give the array itself, or one object per line.",
                )

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        known = frozenset(self.header)
        rows: list[list[str | None]] = []
        malformed: list[Malformed] = []
        number = 0
        with self._stream() as stream:
            for record in self._records(stream):
                number += 1
                checked = self._check(record, known)
                if isinstance(checked, _Bad):
                    malformed.append(self._malformed(number, checked, record))
                else:
                    rows.append([str(number), *checked])
                if len(rows) + len(malformed) >= _PIECE_ROWS:
                    yield self._piece(rows, malformed, stream.position)
                    rows, malformed = [], []
            yield self._piece(rows, malformed, stream.position)
            self.encoding = stream.encoding
            self._sha256 = stream.bytes.raw.hexdigest()

    def _piece(self, rows: list[list[str | None]], malformed: list[Malformed], position: int) -> Piece:
        if not rows:
            return Piece(None, malformed, [], position)
        numbers, *cells = zip(*rows, strict=True)
        frame = pl.DataFrame(
            [[int(n) for n in numbers if n is not None], *map(list, cells)], schema=raw_schema(self.width)
        )
        frame, blanks = split_blank(frame)
        return Piece(frame, malformed, blanks, position)

    def _check(self, record: RawRecord, known: frozenset[str]) -> list[str | None] | _Bad:
        value = parse(record)
        if isinstance(value, _Bad):
            return value
        if not value.keys() <= known:
            unknown = next(key for key in value if key not in known)
            return _Bad(
                f"has the key {unknown[:60]!r}, which no record in the first part of the file has "
                "(put it, with null, into the first record)",
                _texts(value),
            )
        cells = []
        for key in self.header:
            cell = value.get(key)
            if cell is not None and not isinstance(cell, str):
                if not isinstance(cell, bool):
                    return _Bad(f"has a nested value under the key {key[:60]!r}", _texts(value))
                cell = "true" if cell else "false"
            cells.append(cell)
        text = record.text
        if "\\u" in text or not text.isascii():
            joined = "".join(cell for cell in cells if cell)
            if _SURROGATE.search(joined):
                return _Bad("holds bytes or escapes that are not text", _texts(value))
            if "\0" in joined:
                return _Bad("holds a NUL character", _texts(value))
        if len(text) > MAX_FIELD_BYTES and any(
            len((cell or "").encode()) > MAX_FIELD_BYTES for cell in cells
        ):
            return _Bad("a value is larger than 1 MB", _texts(value))
        return cells

    def _malformed(self, number: int, bad: _Bad, record: RawRecord) -> Malformed:
        raw, reason = record.text, bad.reason
        if len(raw) > MAX_FIELD_BYTES or record.cut:
            raw = raw[:MAX_RAW_BYTES]
            reason += " (raw text cut to 64 KB)"
        cells = [_plain(bad.values.get(key, ""))[:MAX_RAW_BYTES] for key in self.header]
        return Malformed(number, reason, _plain(raw), cells)


def parse(record: RawRecord) -> dict[str, Any] | _Bad:
    """Object of a record, numbers as their literal text, or what is wrong with it."""
    if record.problem:
        return _Bad(record.problem, _scraped(record.text))
    if record.damaged is not None:
        return _Bad(damage(record.damaged), _scraped(record.text))
    try:
        value = _DECODER.decode(record.text)
    except json.JSONDecodeError as error:
        return _Bad(f"is not valid JSON ({error.msg} at character {error.pos + 1})", _scraped(record.text))
    except _RepeatedKey as error:
        return _Bad(f"has the key {error.key[:60]!r} twice", _scraped(record.text))
    except RecursionError:
        return _Bad("is nested too deeply", {})
    if not isinstance(value, dict):
        return _Bad("is not an object with one key per column", {})
    return value


class _RepeatedKey(Exception):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKey(next(key for key in keys if keys.count(key) > 1))
    return value


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name


_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_constant, object_pairs_hook=_object, strict=False
)


def _first_object_spans_lines(text: str) -> bool:
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return "\n" in text[:end]


def _texts(value: dict[str, Any]) -> dict[str, str]:
    """Best-effort text of every value of an object that is not taken."""
    texts = {}
    for key, cell in value.items():
        texts[key] = cell if isinstance(cell, str) else "" if cell is None else json.dumps(cell)
    return texts


def _scraped(text: str) -> dict[str, str]:
    """Best-effort values of an object that cannot be parsed."""
    return {key: quoted or plain for key, quoted, plain in _FIELD.findall(text[:MAX_RAW_BYTES])}


def _plain(text: str) -> str:
    return shown(text.encode("utf-8", "surrogateescape" if _only_escaped(text) else "backslashreplace"))


def _only_escaped(text: str) -> bool:
    return all("\udc80" <= mark <= "\udcff" for mark in _SURROGATE.findall(text))
