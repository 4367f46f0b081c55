"""Texts with placeholders: `${claim.member_id}`, as connectors write the inputs of a request.

A placeholder names one source or several parted by `|`, of which the first with a value counts; `?` after
them says that the whole input is left away without one; filters follow after `:`, as in
`${claim.service_date_to|claim.service_date_from:days(7):until_today}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_FILTER = re.compile(r"([a-z_]+)(?:\((-?\d+)\))?$")
_SOURCE = re.compile(r"[a-z]+(\.[a-z0-9_]+)+$")


class TemplateError(ValueError):
    """A placeholder that cannot be meant; the message says which and why."""


class MissingInput(Exception):
    """A required placeholder has no value; `names` are the sources that could give it."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(" or ".join(names))
        self.names = names


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder: sources in order, whether it may stay empty, filters with their number."""

    sources: tuple[str, ...]
    optional: bool
    filters: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Format:
    """How a connector writes values: `strptime` format of dates, characters that become blanks."""

    send_date: str
    forbidden: str
    today: date


Template = tuple[str | Placeholder, ...]


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Text and placeholders in order; raises TemplateError."""
    parts: list[str | Placeholder] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        parts += [text[end : found.start()], _placeholder(found.group(1).strip())]
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and "${" in part for part in parts):
        raise TemplateError("a placeholder that begins with ${ has no end }")
    return tuple(part for part in parts if part != "")


def _placeholder(text: str) -> Placeholder:
    head, *filters = (part.strip() for part in text.split(":"))
    optional = head.endswith("?")
    sources = tuple(source.strip() for source in head.removesuffix("?").split("|"))
    for source in sources:
        if not _SOURCE.match(source):
            raise TemplateError(f"${{{text}}}: {source!r} is no source such as claim.member_id")
    return Placeholder(sources, optional, tuple(_filter(part, text) for part in filters))


def _filter(text: str, where: str) -> tuple[str, int | None]:
    found = _FILTER.match(text)
    if found is None or found.group(1) not in FILTERS:
        raise TemplateError(f"${{{where}}}: no filter {text!r}; there are {', '.join(sorted(FILTERS))}")
    name, number = found.group(1), found.group(2)
    if (number is not None) != (name in _WITH_NUMBER):
        raise TemplateError(
            f"${{{where}}}: {name} {'needs a' if name in _WITH_NUMBER else 'takes no'} number"
        )
    return name, int(number) if number is not None else None


def placeholders(text: str) -> Iterator[Placeholder]:
    """The placeholders of a text; raises TemplateError."""
    return (part for part in parse(text) if isinstance(part, Placeholder))


def render(text: str, context: Mapping[str, Any], form: Format) -> str | None:
    """The text with its values, None when an optional one has none; raises MissingInput."""
    written = []
    for part in parse(text):
        value = part if isinstance(part, str) else value_of(part, context, form)
        if value is None:
            return None
        written.append(value)
    return "".join(written)


def value_of(placeholder: Placeholder, context: Mapping[str, Any], form: Format) -> str | None:
    """The value of one placeholder as text, None when an optional one has none; raises MissingInput."""
    value = next((v for s in placeholder.sources if (v := look_up(s, context)) not in (None, "")), None)
    if value is None:
        if placeholder.optional:
            return None
        raise MissingInput(placeholder.sources)
    for name, number in placeholder.filters:
        value = FILTERS[name](value, number, form)
    return text_of(value, form)


def look_up(source: str, context: Mapping[str, Any]) -> Any:
    """What a dotted source names in the context, None where it leads nowhere."""
    value: Any = context
    for part in source.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any, form: Format) -> str:
    """A value as the connector writes it: dates in its format, amounts with cents."""
    if isinstance(value, date):
        return value.strftime(form.send_date)
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    text = str(value).strip()
    return "".join(" " if c in form.forbidden or ord(c) < 32 or ord(c) == 127 else c for c in text).strip()


def _days(value: Any, number: int | None, _form: Format) -> Any:
    return value + timedelta(days=number or 0) if isinstance(value, date) else value


def _until_today(value: Any, _number: int | None, form: Format) -> Any:
    return min(value, form.today) if isinstance(value, date) else value


def _trim_zeros(value: Any, number: int | None, form: Format) -> Any:
    text = text_of(value, form)
    spare = max(len(text) - (number or 0), 0)
    return text[:spare].lstrip("0") + text[spare:]


FILTERS: Final[Mapping[str, Callable[[Any, int | None, Format], Any]]] = {
    "days": _days,
    "until_today": _until_today,
    "trim_zeros": _trim_zeros,
    "upper": lambda value, _number, form: text_of(value, form).upper(),
    "digits": lambda value, _number, form: re.sub(r"\D", "", text_of(value, form)),
    "first": lambda value, number, form: text_of(value, form)[: number or 0],
    "last": lambda value, number, form: text_of(value, form)[-(number or 0) :],
    "pad": lambda value, number, form: text_of(value, form).rjust(number or 0, "0"),
}
"""Filters by name; those of `_WITH_NUMBER` need one."""
_WITH_NUMBER: Final = frozenset({"days", "trim_zeros", "first", "last", "pad"})
