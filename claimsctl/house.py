"""What a house decides about rules: `[rules]` and what is below it, and `[practice.<id>.rules]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal, TypeVar

Severity = Literal["error", "warning", "info"]
_Name = TypeVar("_Name", bound=str)

LONGEST_SUPPRESSION: Final = timedelta(days=731)
"""A finding is put aside for two years at most; then somebody looks at the reason again."""
_TEXTS: Final = ("code", "reason", "payer_id", "practice")
_DATES: Final = ("from", "until")
SUPPRESSION_KEYS: Final = (*_TEXTS, *_DATES, "procedure_code")
"""Keys of a `[[rules.suppress]]` table."""


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """A `[rules.payer.<id>]` or `[practice.<id>.rules]` table: rules to leave out or keep to, severities."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    severity: dict[str, Severity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _upper(self)


@dataclass(frozen=True, slots=True)
class RulesSettings:
    """The `[rules]` table: further packs, rules to leave out or keep to, changed severities; `payer` has
    what differs for a payer, `suppress` the findings that are put aside.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    packs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    severity: dict[str, Severity] = field(default_factory=dict)
    payer: dict[str, RuleChoice] = field(default_factory=dict)
    suppress: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "packs", tuple(self.packs))
        object.__setattr__(self, "suppress", tuple(self.suppress))
        object.__setattr__(self, "payer", {name: choice_of(table) for name, table in self.payer.items()})
        _upper(self)
        if self.suppress:
            self.suppressions()  # a mistake is told when settings are read, not when a run needs them

    def suppressions(self) -> tuple[Suppression, ...]:
        """The `[[rules.suppress]]` tables; ValueError names the one that cannot be meant."""
        return tuple(
            Suppression.read(table, f"suppress number {n}") for n, table in enumerate(self.suppress, 1)
        )


def choice_of(table: RuleChoice | Mapping[str, Any]) -> RuleChoice:
    """A table as it stands in the file, or as it was checked already."""
    return table if isinstance(table, RuleChoice) else RuleChoice(**table)


def severities_of(common: Mapping[str, _Name], nearer: Mapping[str, _Name]) -> dict[str, _Name]:
    """The severities of two tables, by code or pattern: what the nearer one covers is its own."""
    kept = {
        code: severity
        for code, severity in common.items()
        if not any(fnmatchcase(code, pattern) for pattern in nearer)
    }
    return {**kept, **nearer}


def _upper(choice: RuleChoice | RulesSettings) -> None:
    for name in ("without", "only"):
        object.__setattr__(choice, name, tuple(code.upper() for code in getattr(choice, name)))
    severities = {code.upper(): value for code, value in choice.severity.items()}
    object.__setattr__(choice, "severity", severities)


@dataclass(frozen=True, slots=True)
class Suppression:
    """Findings that are put aside from `starts` to `until`, both included, for a reason.

    `code` may be a pattern. None and an empty set are any payer, practice or procedure.
    """

    code: str
    reason: str
    until: date
    starts: date | None = None
    payer_id: str | None = None
    practice: str | None = None
    procedures: frozenset[str] = frozenset()

    @staticmethod
    def read(table: Mapping[str, Any], place: str) -> Suppression:
        """One `[[rules.suppress]]` table; ValueError says what is wrong with it."""
        for key in table:
            if key not in SUPPRESSION_KEYS:
                from difflib import get_close_matches

                near = get_close_matches(key, SUPPRESSION_KEYS, n=1)
                known = (
                    f"perhaps {near[0]} is meant" if near else f"known here: {', '.join(SUPPRESSION_KEYS)}"
                )
                raise ValueError(f"{place}: {key} is not a setting; {known}")
        for key in ("code", "reason", "until"):
            if not table.get(key):
                raise ValueError(f"{place}: {key} is missing; a suppression has code, reason and until")
        texts = {key: table.get(key) for key in _TEXTS}
        for key, text in texts.items():
            if text is not None and (not isinstance(text, str) or not text.strip()):
                raise ValueError(f"{place}: {key} should be text, in quotes")
        starts, until = (_date(table.get(key), f"{place}: {key}") for key in _DATES)
        assert until is not None
        if starts is not None and starts > until:
            raise ValueError(f"{place}: from is after until")
        if until > date.today() + LONGEST_SUPPRESSION:
            raise ValueError(f"{place}: until {until} is more than two years ahead; choose an earlier day")
        return Suppression(
            str(texts["code"]).strip().upper(), str(texts["reason"]).strip(), until, starts,
            texts["payer_id"], texts["practice"], _codes(table.get("procedure_code"), place),
        )  # fmt: skip

    def covers(self, code: str) -> bool:
        """Whether the suppression is about a rule."""
        return fnmatchcase(code, self.code)

    def in_force(self, day: date) -> bool:
        """Whether it works in a run of that day."""
        return day <= self.until and (self.starts is None or self.starts <= day)


def _date(value: object, place: str) -> date | None:
    if isinstance(value, str):  # from an environment variable, as JSON
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise ValueError(f"{place} should be a date without quotes, as in 2026-12-31")
    return value


def _codes(value: object, place: str) -> frozenset[str]:
    codes: Iterable[object] = [] if value is None else value if isinstance(value, list | tuple) else [value]
    found = list(codes)
    if any(not isinstance(code, str) or not code.strip() for code in found) or (not found and value == []):
        raise ValueError(f'{place}: procedure_code should be a list of codes, as in ["90837"]')
    return frozenset(str(code).strip().upper() for code in found)
