"""What the notes of the ICD-10-CM tabular list say of pairs of codes.

A note names codes in brackets: `Excludes1: renal colic (N23)`. Many notes depend on what only the record
tells ("if applicable", "such as"); of the notes on sequence and further codes only those are read that name
the codes and leave nothing open.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import polars as pl

KINDS: Final = ("excludes1", "code_first", "use_additional", "history")
SCHEMA: Final[dict[str, pl.DataType]] = {"kind": pl.String(), "code": pl.String(), "other": pl.String()}
"""A pair of beginnings of codes. excludes1: never together. code_first: `other` stands before `code`.
use_additional: `other` belongs to `code`. history: `code` says that the neoplasm `other` is past."""

_CODE: Final = r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"
Between = Callable[[str, str], list[str]]
"""The fewest beginnings of codes that hold a range, both ends included."""

_TAGS: Final = {"excludes1": "excludes1", "code_first": "codeFirst", "use_additional": "useAdditionalCode"}
_BRACKETED: Final = re.compile(r"\(([^()]*)\)")
_SPAN: Final = re.compile(rf"({_CODE})(?:\.?-?\s*-\s*({_CODE}))?")
_OPEN: Final = re.compile(
    r"if applicable|if known|\bany\b|\bassociated\b|complicating|such as|if documented|when specified|, if |"
    r"\bcharacters?\b",
    re.IGNORECASE,
)
"""Words of notes that depend on the record, or on the place of a character in a code."""
_ASKED: Final = re.compile(
    r"\b(?:stage|severity|site|percentage|type of heart failure|the heart failure|dialysis status"
    r"|limb amputated|retinal detachment)\b"
)
"""What a further code always tells. The others, such as organisms and external causes, may be unknown."""
_HISTORY: Final = re.compile(r"Conditions classifiable to (.+)")


def note_pairs(root: Element, codes: Sequence[str]) -> pl.DataFrame:
    """The pairs of a tabular list (SCHEMA), each once; `codes` are all of its codes, sorted, without dots."""
    pairs = dict.fromkeys(_pairs(root, _Ranges(codes)))
    return pl.DataFrame(list(pairs), schema=SCHEMA, orient="row")


def _pairs(element: Element, between: Between) -> Iterator[tuple[str, str, str]]:
    for child in element:
        if child.tag not in ("chapter", "section", "diag"):
            continue
        own = _own(child, between)
        drugs = any(
            "adverse effect" in (note.text or "") for note in child.iterfind("useAdditionalCode/note")
        )
        for kind, tag in _TAGS.items():
            if kind == "code_first" and drugs:  # a toxic agent or a drug: the one first, the other behind
                continue
            for group in child.findall(tag):
                notes = [" ".join("".join(note.itertext()).split()) for note in group.findall("note")]
                for note in notes:
                    if _counts(kind, note, len(notes)):
                        named = named_codes(note, between)
                        yield from ((kind, code, other) for code in own for other in named)
        for term in child.iterfind("inclusionTerm/note"):
            history = _HISTORY.match(term.text or "")
            if history is not None and own[0].startswith("Z85"):
                yield from (("history", own[0], other) for other in named_codes(f"({history[1]})", between))
        yield from _pairs(child, between)


def _own(element: Element, between: Between) -> list[str]:
    """The codes a note stands at: one, or the categories of a block or chapter."""
    match element.tag:
        case "diag":
            return [(element.findtext("name") or "").replace(".", "")]
        case "section":
            return _span(element.get("id") or "", between)
        case _:
            brackets = _BRACKETED.findall(element.findtext("desc") or "")
            return _span(brackets[-1], between) if brackets else []


def _counts(kind: str, note: str, notes: int) -> bool:
    if kind == "excludes1":
        return not re.search(r"\bcharacters?\b", note)
    if notes > 1 or _OPEN.search(note):  # several notes are alternatives that may all be absent
        return False
    return kind == "code_first" or _ASKED.search(note) is not None


def named_codes(note: str, between: Between) -> list[str]:
    """The codes that a note names in its brackets, without dots; ranges as the codes they hold."""
    return [code for text in _BRACKETED.findall(note) for code in _span(text, between)]


def _span(text: str, between: Between) -> list[str]:
    found: list[str] = []
    for low, high in _SPAN.findall(text):
        first, last = low.replace(".", ""), high.replace(".", "")
        found += between(first, last) if last else [first]
    return found


class _Ranges:
    """`Between` of a list of codes."""

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = list(codes)

    def __call__(self, first: str, last: str) -> list[str]:
        length = max(len(first), len(last))
        start = bisect_left(self._codes, first)
        stop = bisect_right(self._codes, last + "~")
        found: list[str] = []
        for code in self._codes[start:stop]:
            if len(code) > length or (found and code.startswith(found[-1])):
                continue
            # A shorter code that has longer ones below it is in the range by these.
            if len(code) == length or not self._has_below(code):
                found.append(code)
        return found

    def _has_below(self, code: str) -> bool:
        after = bisect_right(self._codes, code)
        return after < len(self._codes) and self._codes[after].startswith(code)
