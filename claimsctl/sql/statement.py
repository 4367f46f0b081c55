"""The text of the statements that read a source; user's own SQL goes in only after a look at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from claimsctl.errors import UsageError
from claimsctl.sql.database import Database, Dialect, Source

_TOKENS: Final = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*"|`[^`]*`)|(?P<comment>--[^\n]*|/\*.*?\*/)"""
    r"""|(?P<open>\()|(?P<close>\))|(?P<bad>\\'|\$\w*\$|/\*|\*/|'|"|;)""",
    re.DOTALL,
)
"""What matters in a piece of SQL; everything else is passed over."""
_BRACKETED: Final = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a source: its name, and `kind` where its values need care to become text."""

    name: str
    kind: str = ""


def checked_condition(text: str, said: str, dialect: Dialect) -> str:
    """A condition that may be put in parentheses: one expression, no separator, no comment.

    UsageError says what is wrong; `said` names where the text comes from.
    """
    bare = text.strip()
    if not bare:
        raise UsageError(f"{said} is empty.", hint="Write a condition, as in status = 'ready'.")
    _look(bare, said, dialect, comments=False)
    return bare


def checked_query(text: str, said: str, dialect: Dialect) -> str:
    """A query that may stand as a table: one SELECT without a semicolon; comments are allowed."""
    bare = text.strip().removesuffix(";").strip()
    if not re.match(r"(?i)(select|with|values)\b|\(|--|/\*", bare):
        raise UsageError(f"{said} is no query: it must begin with SELECT or WITH.")
    _look(bare, said, dialect, comments=True)
    return bare


def _look(text: str, said: str, dialect: Dialect, *, comments: bool) -> None:
    if dialect == "mssql":
        text = _BRACKETED.sub('""', text)
    depth = 0
    for found in _TOKENS.finditer(text):
        match found.lastgroup:
            case "comment" if not comments:
                raise UsageError(f"{said} holds a comment.", hint="Take it out.")
            case "text" if "\\'" in found.group():
                raise UsageError(f"{said} holds a backslash before a quote.", hint="Write '' for a quote.")
            case "open":
                depth += 1
            case "close":
                depth -= 1
            case "bad":
                raise UsageError(
                    f"{said} holds {found.group()!r} where it cannot be: one expression is expected, "
                    "with quotes and comments closed and no semicolon."
                )
        if depth < 0:
            break
    if depth:
        raise UsageError(f"{said} has a parenthesis too {'many' if depth > 0 else 'few'}.")


def quoted(name: str, dialect: Dialect) -> str:
    """An identifier as it is, quoted."""
    if dialect == "mssql":
        return f"[{name.replace(']', ']]')}]"
    return '"' + name.replace('"', '""') + '"'


def table_text(table: str, database: Database) -> str:
    """A table by its name, with its own schema ("staging.claims") or that of the database."""
    return ".".join(quoted(part, database.dialect) for part in table_parts(table, database))


def table_parts(table: str, database: Database) -> tuple[str, ...]:
    """Schema, where there is one, and name of a table."""
    parts = tuple(part.strip().strip('"[]') for part in table.split("."))
    if not all(parts):
        raise UsageError(f"{table!r} is no name of a table.", hint="Write table or schema.table.")
    return parts if len(parts) > 1 or database.schema is None else (database.schema, *parts)


def literal(text: str, dialect: Dialect) -> str:
    """A text as SQL, which the database reads as the type of what it is compared with."""
    return ("N" if dialect == "mssql" else "") + "'" + text.replace("'", "''") + "'"


def find_column(columns: Sequence[Column], name: str, said: str) -> Column:
    """The column of a name, letters' case aside; UsageError with the nearest one where there is none."""
    exact = [column for column in columns if column.name == name]
    found = exact or [column for column in columns if column.name.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    names = [column.name for column in columns]
    near = get_close_matches(name.lower(), [each.lower() for each in names], n=1, cutoff=0.6)
    hint = next((each for each in names if near and each.lower() == near[0]), None)
    raise UsageError(
        f"{said} names {name}, which is no column of the source.",
        hint=f"Did you mean {hint}?" if hint else f"It has {', '.join(names)}.",
    )


@dataclass(frozen=True)
class Bounds:
    """Which rows by their watermark: above `low` (or at it, `low_too`), up to `high`; None: no bound.

    Values are SQL. `claim` is the column that names the claim: all rows of a claim with such a row are
    meant, since a claim is judged by all its lines.
    """

    column: str
    low: str | None = None
    low_too: bool = False
    high: str | None = None
    blank_too: bool = False
    claim: str | None = None


class Statements:
    """The statements over one source. Values in them are texts of SQL; `value` makes them of a value."""

    def __init__(self, database: Database, source: Source, where: str | None = None) -> None:
        self.dialect = database.dialect
        if source.query is not None:
            # On lines of its own: a query may end in a comment.
            self._from = f"(\n{checked_query(source.query, 'The query', self.dialect)}\n)"
        elif source.table is not None:
            self._from = table_text(source.table, database)
        else:
            raise UsageError(
                f"{database.name}: nothing says what is to be read.",
                hint="Name a table with --table or a query with --query, or set one of them in "
                f"[sql.{database.name}].",
            )
        self._where = [
            checked_condition(each, said, self.dialect)
            for each, said in ((source.where, f"where of {database.name}"), (where, "--where"))
            if each is not None
        ]

    def nothing(self) -> str:
        """No rows, all columns."""
        return f"SELECT * FROM {self._from} AS source WHERE 1 = 0"

    def rows(
        self,
        columns: Sequence[Column],
        text_of: Callable[[Column], str],
        *,
        bounds: Bounds | None = None,
        order: Sequence[str] = (),
        after: str | None = None,
        limit: int | None = None,
    ) -> str:
        """Rows as columns of text, in order; `after` is a further condition."""
        names = ", ".join(f"{text_of(each)} AS {self.name(each.name)}" for each in columns)
        where = self._filter(bounds, after)
        top = f"TOP ({limit}) " if limit is not None and self.dialect == "mssql" else ""
        text = f"SELECT {top}{names} FROM {self._from} AS source{where}"
        if order:
            # By the column of the source, not by its text of the same name.
            text += " ORDER BY " + ", ".join(f"source.{self.name(each)}" for each in order)
        if limit is not None and self.dialect != "mssql":
            text += f" LIMIT {limit}"
        return text

    def aggregate(self, expressions: str, bounds: Bounds | None = None) -> str:
        """One row of expressions over the rows that `where` leaves."""
        return f"SELECT {expressions} FROM {self._from} AS source{self._filter(bounds)}"

    def _filter(self, bounds: Bounds | None, after: str | None = None) -> str:
        between = self._between(bounds) if bounds is not None else None
        conditions = [f"({each})" for each in (*self._where, between, after) if each]
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def name(self, column: str) -> str:
        """A column, quoted."""
        return quoted(column, self.dialect)

    def past(self, key: Sequence[str], values: Sequence[str]) -> str:
        """The condition that a row comes after one with these values (SQL) in the order of the key."""
        terms = []
        for n in range(len(key)):
            same = [f"source.{self.name(k)} = {v}" for k, v in zip(key[:n], values[:n], strict=True)]
            terms.append(" AND ".join([*same, f"source.{self.name(key[n])} > {values[n]}"]))
        return " OR ".join(f"({term})" for term in terms)

    def _between(self, bounds: Bounds) -> str:
        column = f"source.{self.name(bounds.column)}"
        terms = []
        if bounds.low is not None:
            terms.append(f"{column} {'>=' if bounds.low_too else '>'} {bounds.low}")
        if bounds.high is not None:
            terms.append(f"{column} <= {bounds.high}")
        text = " AND ".join(terms)
        if text and bounds.blank_too:
            text = f"({text}) OR {column} IS NULL"
        if not text or bounds.claim is None:
            return text
        claim = f"source.{self.name(bounds.claim)}"
        inner = " AND ".join(f"({each})" for each in (*self._where, text))
        return f"({text}) OR {claim} IN (SELECT {claim} FROM {self._from} AS source WHERE {inner})"
