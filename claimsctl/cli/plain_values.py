"""Values of options as they stand, where they need no Pydantic.

Typer makes a Pydantic adapter for each option of a command, also for those that nobody gave, and imports
Pydantic for the first one: that takes longer than many a command. Text, choices, whole numbers, days, paths
and options that were not given are read here, everything else is left to Typer; so is what is no number or
cannot be read, as Typer words that well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final

from typer import BadParameter

_UNREAD: Final = object()


def read_plainly(command: Any) -> None:
    """Let a command of Typer take plain values as they are."""
    command.get_params = partial(_parameters, command.get_params)


def _parameters(of_command: Any, context: Any) -> list[Any]:
    """The parameters of a command; among them those that Typer adds late, as --help."""
    found: list[Any] = of_command(context)
    for parameter in found:
        # Typer before 0.29 needs no Pydantic, and has no descriptor.
        if hasattr(parameter, "type_descriptor") and "process_value" not in vars(parameter):
            parameter.process_value = partial(_value, parameter, parameter.process_value)
    return found


def _value(parameter: Any, by_typer: Any, context: Any, given: Any) -> Any:
    value = _UNREAD if parameter.required and not given else _plain(parameter, given)
    if value is _UNREAD:
        return by_typer(context, given)
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


def _plain(parameter: Any, given: Any) -> Any:
    """What was given as the command takes it, or _UNREAD."""
    several = parameter.multiple or parameter.nargs == -1
    if given is None:
        return () if several else None
    kind, details = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    if details.parser is not None:
        return _UNREAD
    if several:
        texts = kind == list[str] and all(isinstance(each, str) for each in given)
        return list(given) if texts else _UNREAD
    return _read(kind, details, given) if isinstance(kind, type) else _UNREAD


def _read(kind: type[Any], details: Any, given: Any) -> Any:
    """The value of text, of a choice, number, day or path without further conditions; else _UNREAD."""
    if isinstance(given, kind) and issubclass(kind, str | Enum | int) and kind is not bool:
        return given if kind is not int or _within(given, details) else _UNREAD
    if not isinstance(given, str):
        return _UNREAD
    if issubclass(kind, Enum):
        return _choice(kind, given)
    if kind is int and given.isascii() and given.isdigit():
        return int(given) if _within(int(given), details) else _UNREAD
    if kind is datetime and details.formats:
        return _moment(details.formats, given)
    return Path(given) if kind is Path and _anywhere(given, details) else _UNREAD


def _choice(kind: type[Enum], given: str) -> Enum:
    for choice in kind:
        if choice.value == given:
            return choice
    raise BadParameter(f"{given!r} is not one of {', '.join(str(choice.value) for choice in kind)}.")


def _moment(formats: Sequence[str], given: str) -> datetime:
    for form in formats:
        with suppress(ValueError):
            return datetime.strptime(given, form)  # noqa: DTZ007 - a day has no zone
    words = " or ".join(_words(form) for form in formats)
    raise BadParameter(f"{given!r} is not a day written as {words}.")


def _words(form: str) -> str:
    """A format as people write it: YYYY-MM-DD."""
    for sign, letters in (("%Y", "YYYY"), ("%m", "MM"), ("%d", "DD")):
        form = form.replace(sign, letters)
    return form


def _within(number: int, details: Any) -> bool:
    return (details.min is None or number >= details.min) and (details.max is None or number <= details.max)


def _anywhere(given: str, details: Any) -> bool:
    """Whether Typer would ask no more of a path than that what is there can be read."""
    asked = details.exists or details.resolve_path or details.writable or details.allow_dash
    asked = asked or details.path_type is not None or not (details.file_okay and details.dir_okay)
    return not asked and (os.access(given, os.R_OK) or not os.path.exists(given))
