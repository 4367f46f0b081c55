"""What a schema cannot see: whether a connector's parts fit together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from jmespath.exceptions import JMESPathError

from claimsctl.claim import BY_NAME
from claimsctl.payers.connector import Connector, Reply, Step, Transaction
from claimsctl.payers.inputs import all_inputs, is_sensitive
from claimsctl.payers.mapping import ADJUSTMENT_FIELDS, FIELDS, LINE_FIELDS
from claimsctl.payers.paths import compiled, keys_of
from claimsctl.payers.template import TemplateError, placeholders

_SPACES = {
    "payer": ("id",),
    "window": ("from", "to"),
    "page": ("token",),
    "poll": ("id",),
    "request": ("uuid", "number9"),
    "match": ("payer_claim_number", "claim_number"),
}
_NAMED = re.compile(r"\b(?:claim|practice|payer|settings|match|steps)(?:\.[a-z0-9_]+)+")
_MATCH = frozenset({"match.status", "match.is_decided", "match.is_paid"})
_PRACTICE = (
    "npi", "tax_id", "name", "taxonomy", "address", "city", "state", "zip", "provider_id", "last_name",
    "first_name", "submitter_id",
)  # fmt: skip


def troubles(connector: Connector) -> Iterator[str]:
    """Everything that does not fit, each with its key."""
    yield from _auth(connector)
    for name, transaction in connector.transactions.items():
        where = f"transactions.{name}"
        yield from _steps(transaction, connector, where)
        yield from _group(transaction, where)
        yield from _examples(transaction, where)
    yield from _redaction(connector)
    yield from _paths(connector.errors.code, "errors.code")
    yield from _paths(connector.errors.field, "errors.field")
    yield from _paths(connector.errors.trace, "errors.trace")
    for kind, environment in connector.environments.items():
        for setting in environment.settings:
            yield from _known(setting, connector.settings, f"environments.{kind}.settings", "setting")


def _auth(connector: Connector) -> Iterator[str]:
    auth = connector.auth
    texts = [("auth.value", auth.value), *((f"auth.fields.{n}", t) for n, t in auth.fields.items())]
    for where, text in texts if auth.kind != "none" else ():
        yield from _template(text, where, connector, ("credentials", "settings", "token"))
    if auth.kind == "client_credentials" and not auth.fields:
        yield "auth.fields: is missing: what the request for a token holds"
    if auth.kind == "key" and "${credentials." not in auth.value:
        yield "auth.value: names no ${credentials....}"


def _steps(transaction: Transaction, connector: Connector, where: str) -> Iterator[str]:
    earlier: dict[str, Step] = {}
    for step in transaction.steps:
        here = f"{where}.steps.{step.name}"
        if step.name in earlier:
            yield f"{here}: there is a step of this name before"
        if step.form and step.body:
            yield f"{here}: has both form and json; a request has one body"
        for kind, name, text in all_inputs(step):
            yield from _template(text, f"{here}.{kind}.{name}", connector, None, earlier)
        if any(name.lower() == connector.auth.header.lower() for name in step.headers):
            yield f"{here}.headers.{connector.auth.header}: is set by [auth] alone"
        if step.when is not None:
            yield from _paths((step.when,), f"{here}.when")
            yield from _condition(step.when, f"{here}.when", connector, earlier)
        yield from _reply(step.reply, f"{here}.reply")
        if step.kind == "find" and not step.reply.root:
            yield f"{here}.reply.root: is missing: where the reply holds its claims"
        if step.kind == "find" and not step.reply.required:
            yield f"{here}.reply.required: is missing: a key without which the reply is not the one we know"
        if step.paging is not None:
            yield from _paths((*step.paging.token, *step.paging.more), f"{here}.paging")
            if not _sends(step, "page.token"):
                yield f"{here}.paging: no input sends ${{page.token?}}"
            names = {name for _, name, _ in all_inputs(step)}
            for name in step.paging.omit:
                yield from _known(name, names, f"{here}.paging.omit", "input")
        if step.poll is not None:
            yield from _paths(step.poll.id, f"{here}.poll.id")
            if "${poll.id}" not in step.poll.path:
                yield f"{here}.poll.path: does not hold ${{poll.id}}"
        earlier[step.name] = step
    if not any(step.kind == "find" for step in transaction.steps):
        yield f'{where}.steps: none of kind "find"'


def _condition(text: str, where: str, connector: Connector, earlier: dict[str, Step]) -> Iterator[str]:
    for found in _NAMED.finditer(text):
        source = found.group(0)
        space, _, name = source.partition(".")
        if source not in _MATCH:
            yield from _source(source, space, name, where, connector, None, earlier)


def _sends(step: Step, source: str) -> bool:
    return any(source in text for _, _, text in all_inputs(step))


def _reply(reply: Reply, where: str) -> Iterator[str]:
    named = {
        "required": reply.required, "root": reply.root, "statuses": reply.statuses, "lines": reply.lines,
        "adjustments": reply.adjustments,
        **{f"fields.{name}": paths for name, paths in reply.fields.items()},
        **{f"raw.{name}": paths for name, paths in reply.raw.items()},
        **{f"outputs.{name}": paths for name, paths in reply.outputs.items()},
        **({"state.code": reply.state.code} if reply.state is not None else {}),
    }  # fmt: skip
    for key, paths in named.items():
        yield from _paths(paths, f"{where}.{key}")
    for name in reply.fields:
        yield from _known(name, FIELDS, f"{where}.fields", "field")
    lists = (
        ("statuses", reply.statuses, FIELDS), ("adjustments", reply.adjustments, ADJUSTMENT_FIELDS),
        ("lines", reply.lines, LINE_FIELDS | ADJUSTMENT_FIELDS),
    )  # fmt: skip
    for key, paths, known in lists:
        for path in paths:
            with suppress(JMESPathError):  # said already
                for name in sorted(keys_of(path)):
                    yield from _known(name, known, f"{where}.{key}", "field")


def _group(transaction: Transaction, where: str) -> Iterator[str]:
    group = transaction.group
    if group is None:
        return
    here = f"{where}.group"
    finds = {step.name: step for step in transaction.steps if step.kind == "find"}
    yield from _known(group.step, finds, f"{here}.step", "step of kind find")
    step = finds.get(group.step)
    if step is not None and not (_sends(step, "window.from") and _sends(step, "window.to")):
        yield f"{here}.step: {group.step} does not send ${{window.from}} and ${{window.to}}"
    for source in group.by:
        space, _, name = source.partition(".")
        if space == "claim":
            yield from _known(name, BY_NAME, f"{here}.by", "claim column")
        elif space not in ("practice", "payer"):
            yield f"{here}.by: {source!r} is neither claim., practice. nor payer."
    for column in (group.date, group.last_date):
        yield from _known(column, BY_NAME, f"{here}.date", "claim column")
    for rule in group.match:
        for column, field in rule.items():
            yield from _known(column, BY_NAME, f"{here}.match", "claim column")
            yield from _known(field, FIELDS, f"{here}.match", "field")
            if step is not None and field in FIELDS and not _maps(step.reply, field):
                yield f"{here}.match: {group.step} maps no field {field}"


def _maps(reply: Reply, field: str) -> bool:
    days = field.startswith("service_date_") and "service_dates" in reply.fields
    return days or field in reply.fields or any(f"{field}:" in path for path in reply.statuses)


def _examples(transaction: Transaction, where: str) -> Iterator[str]:
    steps = {step.name: step for step in transaction.steps}
    for example in transaction.examples:
        here = f"{where}.examples ({example.name})"
        yield from _known(example.step, steps, f"{here}.step", "step")
        for match in example.matches:
            for name in match:
                yield from _known(name, (*FIELDS, "status", "flags", "adjustments", "lines"), here, "field")


def _redaction(connector: Connector) -> Iterator[str]:
    inputs = {name: text for step in connector.claim_status.steps for _, name, text in all_inputs(step)}
    for name in connector.redact:
        yield from _known(name, inputs, "redact", "input")
    for step in connector.claim_status.steps:
        for kind, name, text in all_inputs(step):
            try:
                shown = is_sensitive(text) and name not in connector.redact
            except TemplateError:
                continue  # said already
            if shown and kind in ("path", "poll.path"):
                yield f"steps.{step.name}.{kind}: a person's data may not stand in an address"
            elif shown:
                yield f"redact: {name!r} of step {step.name} names a person and must be listed"


def _template(
    text: str, where: str, connector: Connector, spaces: tuple[str, ...] | None,
    earlier: dict[str, Step] | None = None,
) -> Iterator[str]:  # fmt: skip
    try:
        sources = [source for part in placeholders(text) for source in part.sources]
    except TemplateError as error:
        yield f"{where}: {error}"
        return
    for source in sources:
        space, _, name = source.partition(".")
        if spaces is not None and space in spaces:
            if space == "settings":
                yield from _known(name, connector.settings, where, "setting")
            continue
        yield from _source(source, space, name, where, connector, spaces, earlier or {})


def _source(
    source: str, space: str, name: str, where: str, connector: Connector, spaces: tuple[str, ...] | None,
    earlier: dict[str, Step],
) -> Iterator[str]:  # fmt: skip
    if spaces is not None:
        yield f"{where}: {source} cannot be used here; {', '.join(spaces)} can"
    elif space == "claim":
        yield from _known(name, BY_NAME, where, "claim column")
    elif space == "practice":
        yield from _known(name, _PRACTICE, where, "value of a practice")
    elif space == "settings":
        yield from _known(name, connector.settings, where, "setting")
    elif space == "steps":
        step, _, output = name.partition(".")
        yield from _known(step, earlier, where, "earlier step")
        if step in earlier:
            yield from _known(output, earlier[step].reply.outputs, where, f"output of {step}")
    elif space in _SPACES:
        yield from _known(name, _SPACES[space], where, f"value of {space}")
    else:
        spaces_known = ("claim", "practice", "settings", "steps", *_SPACES)
        yield from _known(space, spaces_known, where, "source")


def _known(name: str, known: Iterable[str], where: str, what: str) -> Iterator[str]:
    names = list(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(names)[:12]) or 'none'}"
    yield f"{where}: no {what} {name!r}; {guess}"


def _paths(paths: Iterable[str], where: str) -> Iterator[str]:
    for path in paths:
        try:
            compiled(path)
        except JMESPathError as error:
            yield f"{where}: {path!r} is no JMESPath: {str(error).splitlines()[0]}"
