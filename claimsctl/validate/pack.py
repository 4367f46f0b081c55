"""Rule packs: TOML files of rules, read strictly, so that a mistake in a rule is never read as bad data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable
from importlib.resources.abc import Traversable
from pathlib import Path

from claimsctl.errors import RuleError
from claimsctl.validate.packreader import PackReader
from claimsctl.validate.rule import LEVELS, SEVERITIES, Example, Level, Pack, Rule, Severity

__all__ = [
    "LEVELS", "SEVERITIES", "Example", "Level", "Pack", "Rule", "Severity", "fact_names", "load_pack",
    "load_packs",
]  # fmt: skip


def load_packs(
    paths: Iterable[Path | Traversable],
    *,
    facts: Collection[str] | None = None,
    cache: Path | None = None,
) -> tuple[Pack, ...]:
    """Read several packs; codes, rule names and pack names are unique across them.

    `cache` is a directory for packs as they were read (see `packcache`).
    """
    packs = tuple(_load(path, facts, cache) for path in paths)
    seen: dict[tuple[str, str], str] = {}
    for pack in packs:
        _refuse_twice(seen, "pack", pack.name, pack.file)
        for rule in pack.rules:
            _refuse_twice(seen, "rule", rule.code, f"{rule.file}, line {rule.line}")
            _refuse_twice(seen, "rule", rule.name, f"{rule.file}, line {rule.line}")
    return packs


def _load(path: Path | Traversable, facts: Collection[str] | None, cache: Path | None) -> Pack:
    if cache is None:
        return load_pack(path, facts=facts)
    from claimsctl.validate.packcache import load_pack_cached

    return load_pack_cached(path, cache, facts=facts)


def _refuse_twice(seen: dict[tuple[str, str], str], kind: str, name: str, place: str) -> None:
    if (kind, name) in seen:
        raise RuleError(
            f"{place}: the {kind} {name} exists already, in {seen[kind, name]}; give it another name"
        )
    seen[kind, name] = place


def load_pack(path: Path | Traversable, *, facts: Collection[str] | None = None) -> Pack:
    """Read one pack; RuleError names file, line, rule and key of the first mistake.

    Expressions are parsed when `Rule.holds` and `Rule.guard` are first read. `facts` are the names beside
    the canonical columns that messages and examples may use; by default those of `claimsctl.facts`.
    """
    shown = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleError(f"{shown}: not a text file in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise RuleError(f"{shown}: cannot be read: {error.strerror or error}") from None
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _toml_error(shown, text, str(error)) from None
    return PackReader(shown, text, frozenset(fact_names() if facts is None else facts)).pack(document)


def fact_names() -> Collection[str]:
    """Names of the facts of `claimsctl.facts`."""
    from claimsctl.facts.table import FACT_TYPES

    return FACT_TYPES.keys()


def _toml_error(file: str, text: str, message: str) -> RuleError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    problem = re.sub(r"\s*\(at .*\)$", "", message)
    problem = problem[:1].lower() + problem[1:]
    if found is None:
        return RuleError(f"{file}: not valid TOML: {problem}")
    line, column = int(found.group(1)), int(found.group(2))
    lines = text.splitlines()
    source = lines[line - 1].replace("\t", " ") if line <= len(lines) else ""
    caret = f"\n    {source[:100]}\n    {' ' * (column - 1)}^" if column <= 100 else ""
    return RuleError(f"{file}, line {line}, column {column}: not valid TOML: {problem}{caret}")
