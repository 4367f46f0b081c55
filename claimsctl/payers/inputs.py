"""Requests as connectors describe them: which input comes from where, and the bytes that are sent."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from claimsctl.claim import BY_NAME
from claimsctl.payers.connector import Connector, Step
from claimsctl.payers.template import Format, MissingInput, parse, placeholders, render, value_of
from claimsctl.security.masking import MASKED, mask_value

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready but for its token. `inputs` are shown by nothing but a dry run."""

    step: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    inputs: Any = field(default=None, repr=False)
    repeatable: bool = False
    timeout_seconds: float | None = None


def all_inputs(step: Step) -> Iterator[tuple[str, str, str]]:
    """Every input of a step: where it goes, its name there, its text."""
    yield "path", "path", step.path
    if step.poll is not None:
        yield "poll.path", "path", step.poll.path
        yield from (("poll.headers", name, text) for name, text in step.poll.headers.items())
    yield from (("headers", name, text) for name, text in step.headers.items())
    yield from (("form", name, text) for name, text in step.form.items())
    yield from (("json", name, text) for name, text in _leaves(step.body))


def _leaves(tree: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from _leaves(value, name)
    elif isinstance(tree, str):
        yield name, tree


def input_names(connector: Connector) -> frozenset[str]:
    """The names of all inputs that are sent in any step."""
    return frozenset(name for step in connector.claim_status.steps for _, name, _ in all_inputs(step))


def is_sensitive(text: str) -> bool:
    """Whether an input is fed from a column that names a person."""
    columns = (source.partition(".") for p in placeholders(text) for source in p.sources)
    return any(
        space == "claim" and (BY_NAME[name].phi == "identifier" or name.endswith("_dob"))
        for space, _, name in columns
        if name in BY_NAME
    )


def build(
    step: Step, shared: Mapping[str, str], context: Mapping[str, Any], form: Format, omit: frozenset[str]
) -> Request:
    """The request of a step; inputs in `omit` are left away. Raises MissingInput.

    `shared` are headers of every request; a step's own go before them.
    """
    headers = rendered({**shared, **step.headers}, context, form, omit)
    content, content_type, inputs = None, None, None
    if step.form:
        inputs = rendered(step.form, context, form, omit)
        content, content_type = urlencode(inputs).encode(), FORM
    elif step.body:
        inputs = _tree(step.body, context, form, omit) or {}
        content, content_type = json.dumps(inputs, ensure_ascii=False).encode(), JSON
    repeatable = step.repeatable or step.method == "GET"
    return Request(
        step.name, step.method, path_of(step.path, context, form), headers, content, content_type, inputs,
        repeatable, step.timeout_seconds,
    )  # fmt: skip


def rendered(
    texts: Mapping[str, str], context: Mapping[str, Any], form: Format, omit: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Texts with their values, those without a value left away."""
    values = {name: render(text, context, form) for name, text in texts.items() if name not in omit}
    return {name: value for name, value in values.items() if value is not None}


def path_of(text: str, context: Mapping[str, Any], form: Format) -> str:
    """A path whose values are quoted, so that none can lead anywhere else; raises MissingInput."""
    written = []
    for part in parse(text):
        if isinstance(part, str):
            written.append(part)
            continue
        value = value_of(part, context, form)
        if not value or not value.strip("."):  # an empty part, or dots, would be another address
            raise MissingInput(part.sources)
        written.append(quote(value, safe=""))
    return "".join(written)


def _tree(tree: Any, context: Mapping[str, Any], form: Format, omit: frozenset[str]) -> Any:
    """A JSON value with its inputs; objects and lists that end up empty are left away."""
    if isinstance(tree, Mapping):
        made = {k: _tree(v, context, form, omit) for k, v in tree.items() if k not in omit}
        return {key: value for key, value in made.items() if value is not None} or None
    if isinstance(tree, list):
        return [v for each in tree if (v := _tree(each, context, form, omit)) is not None] or None
    return render(tree, context, form) if isinstance(tree, str) else tree


def header_bytes(value: str) -> bytes:
    """A header's value as bytes; accents are dropped, since headers are ASCII."""
    plain = unicodedata.normalize("NFKD", value)
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace")


def masked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Claim values as people may see them: identifiers and birth dates masked."""
    shown: dict[str, Any] = {}
    for name, value in values.items():
        column = BY_NAME.get(name)
        if name.endswith("_dob") or column is None:
            shown[name] = MASKED
        else:
            shown[name] = value if column.phi != "identifier" else mask_value(column, str(value))
    return shown


def masked_inputs(tree: Any, redact: frozenset[str]) -> Any:
    """Inputs with those of the connector's redaction list hidden."""
    if isinstance(tree, Mapping):
        return {k: MASKED if k in redact and not isinstance(v, (dict, list)) else masked_inputs(v, redact)
                for k, v in tree.items()}  # fmt: skip
    if isinstance(tree, list):
        return [masked_inputs(each, redact) for each in tree]
    return tree
