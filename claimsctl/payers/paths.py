"""Paths into replies (JMESPath): the first of several that finds something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult


@lru_cache(maxsize=2048)
def compiled(path: str) -> ParsedResult:
    """The path; raises JMESPathError for one that is none."""
    return jmespath.compile(path)


@lru_cache(maxsize=2048)
def _keys_alone(path: str) -> tuple[str, ...] | None:
    """The keys of a path that is nothing but keys, as in `claimStatus.statusCode`; None for any other.

    Nearly all paths are so, and JMESPath's interpreter takes some ten times as long for them.
    """
    node = compiled(path).parsed
    nodes = node["children"] if node["type"] == "subexpression" else [node]
    if any(each["type"] != "field" for each in nodes):
        return None
    return tuple(each["value"] for each in nodes)


def search(path: str, document: Any) -> Any:
    """What a path finds, else None; raises JMESPathError where a function meets a value of another type
    than it takes."""
    keys = _keys_alone(path)
    if keys is None:
        return compiled(path).search(document)
    for key in keys:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def find(paths: tuple[str, ...], document: Any) -> Any:
    """What the first path finds that finds anything, else None; an empty list is something."""
    for path in paths:
        try:
            value = search(path, document)
        except JMESPathError:
            continue
        if value is not None:
            return value
    return None


def find_all(paths: tuple[str, ...], document: Any) -> list[Any]:
    """The same as a list, flat; a single value is a list of one, nothing an empty one."""
    value = find(paths, document)
    if value is None:
        return []
    if not isinstance(value, list):
        return [value]
    flat: list[Any] = []
    for each in value:
        flat += each if isinstance(each, list) else [each]
    return flat


def keys_of(path: str) -> set[str]:
    """The keys of all objects that a path makes, as in `lines[].{charge_amount: billed}`."""
    return set(_keys(compiled(path).parsed))


def _keys(node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    if node.get("type") == "key_val_pair":
        yield node["value"]
    for child in node.get("children", ()):
        yield from _keys(child)


def holds(condition: str | None, context: Any) -> bool:
    """Whether a condition is true of the context; no condition always is."""
    if condition is None:
        return True
    value = search(condition, context)
    return value not in (None, False, "", [], {})
