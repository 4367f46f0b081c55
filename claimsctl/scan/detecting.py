"""What in a text looks like patients' data, or is that of a stored patient."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, urlsafe_b64decode
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from claimsctl.scan.known import Known
from claimsctl.security.masking import MASKED

Kind = Literal["ssn", "member id", "patient id", "name", "birth date", "phone", "address"]
Certainty = Literal["known", "likely"]
"""`known` is what a stored patient has; `likely` has the shape, or stands in a column of that name."""
Encoding = Literal["plain", "base64", "hex", "utf-16"]

_SSN: Final = re.compile(r"(?<![\w-])(\d{3})-(\d{2})-(\d{4})(?![\w-])")
_SAID_SSN: Final = re.compile(r"(?i)\b(?:ssn|social)\b[^0-9\n]{0,15}(\d{3})(\d{2})(\d{4})(?!\d)")
_NINE: Final = re.compile(r"(?<!\d)\d{3}[- ]?\d{2}[- ]?\d{4}(?!\d)")
_PHONE: Final = re.compile(r"(?<![\w-])(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])")
_DATE: Final = r"(?:(?:18|19|20)\d\d-\d\d?-\d\d?|\d\d?[/-]\d\d?[/-](?:(?:18|19|20)\d\d|\d\d)|(?:19|20)\d{6})"
_ANY_DATE: Final = re.compile(rf"(?<!\d){_DATE}(?![\dT]| \d\d:)")
"""A date without a time, which would be when a line was logged."""
_BIRTH: Final = re.compile(rf"(?i)(?:\bdob|birth|\bborn)\w*[^0-9\n]{{0,25}}({_DATE})(?!\d)")
_TOKEN: Final = re.compile(r"(?<![\w-])(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9-]{4,29}(?![\w-])")
_WORD: Final = r"[^\W\d_][^\W\d_]*(?:['\u2019-][^\W\d_]+)*"
_NAME: Final = re.compile(rf"(?=\b({_WORD})(,?)[ \t]+({_WORD}))")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}){8,}(?![0-9A-Za-z])")
_MAYBE: Final = (
    r"(?i)\d{3}-\d{2}-\d{4}|\bssn|social|\bdob|birth|\bborn|\d{3}\)?[-. ]\d{3}[-. ]\d{4}|[a-z0-9+/_]{11}"
)
"""What no line lacks in which a shape is found; a fast look, so that few lines need the careful one."""
_NEAR: Final = 40
_PRINTABLE: Final = 0.9

HARMLESS: Final = re.compile(
    rf"\*\*|{re.escape(MASKED)}|^phi1[rk]\.|^[CKPMN][0-9A-F]{{18}}$|^\S\.$|^\s*$|^(?:null|none|nan)$", re.I
)
"""Cells that are masked, encrypted, pseudonyms or blank."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found in a text: `line` from 1; `shown` is masked."""

    kind: Kind
    line: int
    shown: str
    certainty: Certainty
    encoding: Encoding = "plain"


def detect_lines(lines: pl.Series, known: Known | None, encoding: Encoding = "plain") -> list[Hit]:
    """What is found in lines, given as texts without line ends."""
    maybe = lines.str.contains(_MAYBE)
    if known is not None:
        maybe |= known.maybe(lines)
    some = lines.filter(maybe).to_list()
    numbers = maybe.arg_true().to_list()
    found = detect("\n".join(some), known, encoding) if some else []
    return [replace(hit, line=numbers[hit.line - 1] + 1) for hit in found]


def detect(text: str, known: Known | None, encoding: Encoding = "plain", *, deep: bool = True) -> list[Hit]:
    """What is found in a text; `deep` looks into base64 and hexadecimal in it too."""
    ends = [found.start() for found in re.finditer("\n", text)]

    def hit(kind: Kind, at: int, shown: str, certainty: Certainty, coded: Encoding = encoding) -> Hit:
        return Hit(kind, bisect_right(ends, at - 1) + 1 if at else 1, shown, certainty, coded)

    hits = [
        hit("ssn", found.start(), f"***-**-{found[3]}", "likely")
        for pattern in (_SSN, _SAID_SSN)
        for found in pattern.finditer(text)
        if _is_ssn(found[1], found[2], found[3])
    ]
    hits += [hit("phone", found.start(), "***", "likely") for found in _PHONE.finditer(text)]
    hits += [hit("birth date", found.start(1), "***", "likely") for found in _BIRTH.finditer(text)]
    if known is not None:
        hits += [hit(kind, at, shown, sure) for kind, at, shown, sure in _of_known(text, known)]
    if deep:
        for at, inner, coded in _decoded(text):
            hits += [
                hit(each.kind, at, each.shown, each.certainty, coded)
                for each in detect(inner, known, coded, deep=False)
            ]
    return _once(hits)


def _is_ssn(area: str, group: str, serial: str) -> bool:
    """Numbers that the Social Security Administration gives out."""
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _of_known(text: str, known: Known) -> Iterator[tuple[Kind, int, str, Certainty]]:
    numbers = [(found.start(), found[0]) for found in _NINE.finditer(text)]
    for at, number in known.having("ssn", numbers):
        yield "ssn", at, f"***-**-{number[-4:]}", "known"
    for at, number in known.having("member", [(f.start(), f[0]) for f in _TOKEN.finditer(text)]):
        yield "member id", at, f"***{number[-4:]}" if len(number) >= 8 else "***", "known"
    pairs = []
    for found in _NAME.finditer(text):
        one, other = found[1], found[3]
        pairs.append((found.start(1), f"{one}\t{other}"))
        if not found[2]:
            pairs.append((found.start(1), f"{other}\t{one}"))
    for at, name in known.having("name", pairs):
        yield "name", at, f"{name[0]}.", "known"
        start = max(text.rfind("\n", 0, at) + 1, at - _NEAR)
        end = text.find("\n", at, at + len(name) + _NEAR)
        if _ANY_DATE.search(text, start, end if end >= 0 else at + len(name) + _NEAR):
            yield "birth date", at, "***", "likely"


def _decoded(text: str) -> Iterator[tuple[int, str, Encoding]]:
    """Texts that stand in base64 or hexadecimal in a text, and where."""
    for found in _HEX.finditer(text):
        inner = _readable(bytes.fromhex(found[0]))
        if inner is not None:
            yield found.start(), inner, "hex"
    for found in _BASE64.finditer(text):
        run = found[0].rstrip("=")
        padded = run + "=" * (-len(run) % 4)
        decode = urlsafe_b64decode if "-" in run or "_" in run else b64decode
        try:
            inner = _readable(decode(padded))
        except (binascii.Error, ValueError):
            continue
        if inner is not None:
            yield found.start(), inner, "base64"


def _readable(data: bytes) -> str | None:
    """Bytes as text, of UTF-8 or UTF-16; None where they are none."""
    for encoding in ("utf-16-le", "utf-16-be") if b"\0" in data[:8] else ("utf-8",):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text and sum(c.isprintable() or c in "\r\n\t" for c in text) >= _PRINTABLE * len(text):
            return text
    return None


def _once(hits: list[Hit]) -> list[Hit]:
    """Without what is likely where the same is known in the line."""
    sure = {(each.kind, each.line) for each in hits if each.certainty == "known"}
    return [each for each in hits if each.certainty == "known" or (each.kind, each.line) not in sure]
