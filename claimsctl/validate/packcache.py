"""Packs as they were read, kept between runs: reading TOML and parsing take most of a small run.

A kept pack is used only for the same bytes at the same path, the same columns and facts, and the same
version of the code that reads it. It holds rules, never data. Whatever is wrong with it, the pack is
read anew; a cache that cannot be written is no error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Collection
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from claimsctl.claim import BY_NAME
from claimsctl.validate.language import parser, serial
from claimsctl.validate.pack import Example, Pack, Rule, fact_names, load_pack

_LISTS = ("fields", "requires", "needs", "uses")
_EXAMPLES = ("passes", "fails")
_DATE = b'"$date"'
_LONG_SECONDS: Final = 180 * 24 * 3600


def load_pack_cached(path: Path | Traversable, cache: Path, *, facts: Collection[str] | None = None) -> Pack:
    """`load_pack`, through files in the directory `cache`, which must exist."""
    known = fact_names() if facts is None else facts
    try:
        content = path.read_bytes()
    except OSError:
        return load_pack(path, facts=known)
    place = blake2b(str(path).encode(), digest_size=6).hexdigest()
    digest = blake2b(
        b"\0".join([content, _code(), *sorted(name.encode() for name in (*BY_NAME, *known))]), digest_size=12
    ).hexdigest()
    kept = cache / f"{path.name}-{place}-{digest}.json"
    with contextlib.suppress(Exception):
        return _read(kept.read_bytes())
    pack = load_pack(path, facts=known)
    # An expression that does not parse is reported when the rule is compiled, not here.
    with contextlib.suppress(Exception):
        _write(kept, pack)
        _tidy(cache, f"{path.name}-{place}-", kept)
    return pack


def _tidy(cache: Path, pack: str, kept: Path) -> None:
    """Remove what was kept of the same pack before, and of packs that were long not kept anew: an
    installation that is gone cleans up nothing, and one that is there reads its pack once more."""
    long_ago = time.time() - _LONG_SECONDS
    for old in cache.glob("*.toml-*.json"):
        if old != kept and (old.name.startswith(pack) or old.stat().st_mtime < long_ago):
            old.unlink()


@lru_cache(maxsize=1)
def _code() -> bytes:
    """Digest of the code that decides what a kept pack looks like."""
    validate = files("claimsctl.validate")
    sources = ["pack.py", "packcache.py", "packreader.py", "rule.py"]
    sources += [
        f"language/{name}" for name in ("grammar.lark", "actions.py", "ast.py", "parser.py", "serial.py")
    ]
    found = [validate.joinpath(source).read_bytes() for source in sources]
    return blake2b(b"\0".join(found), digest_size=12).digest()


def _write(kept: Path, pack: Pack) -> None:
    texts = {text for rule in pack.rules for text in rule.texts}
    document = {
        "pack": {"name": pack.name, "title": pack.title, "file": pack.file, "description": pack.description},
        "rules": [
            {
                f.name: getattr(rule, f.name)
                for f in dataclasses.fields(rule)
                if getattr(rule, f.name) != f.default
            }
            for rule in pack.rules
        ],
        "trees": {text: serial.dump(parser.tree(text)) for text in sorted(texts)},
    }
    with NamedTemporaryFile("w", dir=kept.parent, prefix=".pack-", delete=False, encoding="utf-8") as aside:
        try:
            json.dump(document, aside, default=_dumped, separators=(",", ":"))
            aside.close()
            os.replace(aside.name, kept)
        except BaseException:
            os.unlink(aside.name)
            raise


def _dumped(value: object) -> object:
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Example):
        return {"rows": value.rows, "as_of": value.as_of, "history": value.history}
    raise TypeError(type(value).__name__)


def _hook(table: dict[str, Any]) -> Any:
    return date.fromisoformat(table["$date"]) if len(table) == 1 and "$date" in table else table


def _read(content: bytes) -> Pack:
    document = json.loads(content, object_hook=_hook if _DATE in content else None)
    parser.remember({text: serial.load(tree) for text, tree in document["trees"].items()})
    return Pack(rules=tuple(_rule(fields) for fields in document["rules"]), **document["pack"])


def _rule(fields: dict[str, Any]) -> Rule:
    for key in _LISTS:
        if fields.get(key) is not None:
            fields[key] = tuple(fields[key])
    for key in _EXAMPLES:
        if key in fields:
            fields[key] = tuple(
                Example(tuple(each["rows"]), each["as_of"], tuple(each["history"])) for each in fields[key]
            )
    return Rule(**fields)
