"""Reading a reply as its connector says: claims, statuses, lines, and values for later steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, cast

from claimsctl.payers import codes
from claimsctl.payers.connector import Connector, Formats, Paths, Reply
from claimsctl.payers.found import PERSON, Found
from claimsctl.payers.headline import chosen_status, normalised
from claimsctl.payers.inquiry import Match, MatchLine, Status
from claimsctl.payers.paths import find, find_all
from claimsctl.payers.values import Reader

_COMPUTED: Final = frozenset({"status", "adjustments", "lines", "payer_ids", "flags", "raw"})
FIELDS: Final = frozenset(
    {item.name for item in fields(Match)} - _COMPUTED | {"service_dates", "status_word", "payer_id", *PERSON}
)
"""What `fields` and `statuses` of a connector may name."""
ADJUSTMENT_FIELDS: Final = frozenset({"group", "kind", "code"})
LINE_FIELDS: Final = frozenset(item.name for item in fields(MatchLine))


class Unreadable(Exception):
    """The reply is not the one the connector knows: a key it needs is not there. Holds only that key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_claims(reply: Reply, document: Any, connector: Connector, payer_id: str) -> list[Found]:
    """Every claim of a reply, in its order; raises Unreadable, never takes an absent key for "no claims"."""
    for path in reply.required:
        if find((path,), document) is None:
            raise Unreadable(path)
    if not reply.root:
        return []
    root = find(reply.root, document)
    if root is None:
        raise Unreadable(" or ".join(reply.root))
    items = root if isinstance(root, list) else [root]
    if not all(isinstance(item, Mapping) for item in items):
        raise Unreadable(" or ".join(reply.root))
    return [_claim(reply, item, connector, payer_id) for item in items]


def outputs(reply: Reply, document: Any) -> dict[str, Any]:
    """Values for later steps; what the reply leaves out is left out."""
    found = {name: find(paths, document) for name, paths in reply.outputs.items()}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _claim(reply: Reply, item: Any, connector: Connector, payer_id: str) -> Found:
    reader = Reader(connector.formats)
    statuses = [reader.read_all(status) for status in _objects(reply.statuses, item)]
    chosen = chosen_status(statuses)
    own = reader.read_all({name: find(paths, item) for name, paths in reply.fields.items()})
    values = {name: value for name, value in (chosen | own).items() if name in FIELDS}
    told = values.pop("payer_id", None) or payer_id
    word = connector.status_words.get(str(values.pop("status_word", "")).strip())
    status = normalised(values.get("category_code"), word, values.get("paid_amount"))
    person: dict[str, Any] = {name: values.pop(name) for name in PERSON if name in values}
    _explain(values)
    flags = [*reader.flags]
    if len({entry.get("category_code") for entry in statuses}) > 1:
        flags.append("several_statuses")
    if status == "PAID" and values.get("paid_amount") == 0:
        flags.append("paid_zero")
    if status == "UNKNOWN":
        flags.append("unknown_status")
    failed = status if status in ("INPUT_ERROR", "RETRY") else None
    match = Match(
        status=cast(Status, "UNKNOWN" if failed else status),
        **values,
        lines=tuple(_line(line, connector.formats) for line in _objects(reply.lines, item)),
        adjustments=adjustments(_objects(reply.adjustments, item)),
        payer_ids=(told,) if told else (),
        flags=tuple(flags),
        raw=_raw(reply.raw, item),
    )
    return Found(match, person, failed)


def _explain(values: dict[str, Any]) -> None:
    """Texts of codes in our words, the payer's own only for codes we have no words for."""
    told = codes.category(values.get("category_code")).text or values.get("category_text")
    values["category_text"] = told
    values["status_text"] = codes.status_text(values.get("status_code")) or values.get("status_text")


def _line(line: Mapping[str, Any], formats: Formats) -> MatchLine:
    given = dict(line)
    told = adjustments(given.pop("adjustments", None) or ())
    modifiers = tuple(str(m) for m in given.pop("modifiers", None) or () if m)
    values = {name: value for name, value in Reader(formats).read_all(given).items() if name in LINE_FIELDS}
    return MatchLine(**values, modifiers=modifiers, adjustments=told)


def adjustments(entries: Iterable[Any]) -> tuple[str, ...]:
    """Codes as text, each once: "CO-45" where the group is known, else the kind before: "RARC N130"."""
    written = []
    for entry in entries:
        if isinstance(entry, str):
            written.append(entry.strip())
        elif isinstance(entry, Mapping) and entry.get("code"):
            written.append(_adjustment(str(entry["code"]).strip().upper(), entry))
    return tuple(dict.fromkeys(text for text in written if text))


def _adjustment(code: str, entry: Mapping[str, Any]) -> str:
    group = str(entry.get("group") or "").strip().upper()
    if not group and code[:2] in ("CO", "PR", "OA", "PI", "CR") and code[2:].lstrip("-").isalnum():
        group, code = code[:2], code[2:].lstrip("-")
    kind = str(entry.get("kind") or "").strip().upper()
    if group:
        return f"{group}-{code}"
    return f"{kind} {code}" if kind else code


def _raw(table: Mapping[str, Paths], item: Any) -> dict[str, str]:
    found = {
        name: [str(v) for v in find_all(paths, item) if v not in (None, "")] for name, paths in table.items()
    }
    return {name: ";".join(dict.fromkeys(values)) for name, values in found.items() if values}


def _objects(paths: Sequence[str], item: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in find_all(tuple(paths), item) if isinstance(entry, Mapping)]
