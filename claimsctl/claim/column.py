"""What a claim column is, and how a group of them is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

ColumnType = Literal["text", "code", "date", "time", "integer", "decimal", "money"]
Level = Literal["line", "claim"]
PhiClass = Literal["identifier", "quasi", "none"]


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column of a claim line.

    `code` is text that rules see stripped and upper-cased; `money` and `decimal` are exact numbers.
    `level` claim: the value repeats on every line of the claim. A `#` in a synonym also stands for
    No, Num, Nbr and Number. `fallbacks` are headers used only where no other header maps to the
    column. `is_list`: a cell may hold several values parted by semicolons. `value_aliases` maps
    upper-cased spellings to the code that rules see.
    """

    name: str
    type: ColumnType
    meaning: str
    group: str
    level: Level
    phi: PhiClass
    required: frozenset[str] = frozenset()
    synonyms: tuple[str, ...] = ()
    box: str = ""
    segment: str = ""
    example: str = ""
    max_length: int | None = None
    value_aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    fallbacks: tuple[str, ...] = ()
    is_list: bool = False

    @property
    def cell_type(self) -> ColumnType:
        """Type of a whole cell: a list of amounts or dates is text."""
        return "text" if self.is_list and self.type not in ("text", "code") else self.type


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split("|") if item.strip())


class Group:
    """Columns of one group, in the order they are declared."""

    def __init__(self, name: str, level: Level) -> None:
        self.name = name
        self.level = level
        self.columns: list[Column] = []

    def add(
        self,
        name: str,
        kind: ColumnType,
        meaning: str,
        synonyms: str = "",
        *,
        example: str,
        box: str = "",
        segment: str = "",
        phi: PhiClass = "none",
        required: str = "",
        level: Level | None = None,
        max_length: int | None = None,
        aliases: Mapping[str, str] | None = None,
        fallbacks: str = "",
        is_list: bool = False,
    ) -> None:
        """Declare the next column; texts part synonyms by `|` and profiles of `required` by blanks."""
        self.columns.append(
            Column(
                name=name,
                type=kind,
                meaning=meaning,
                group=self.name,
                level=level or self.level,
                phi=phi,
                required=frozenset(required.split()),
                synonyms=_items(synonyms),
                box=box,
                segment=segment,
                example=example,
                max_length=max_length,
                value_aliases=MappingProxyType(dict(aliases or {})),
                fallbacks=_items(fallbacks),
                is_list=is_list,
            )
        )


SEQUENCE: Final = {"1": "P", "PRIMARY": "P", "2": "S", "SECONDARY": "S", "3": "T", "TERTIARY": "T"}
