"""One T-SQL query or change in SQLite's words. What is not known is an error, never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.tds.catalogue import ColumnDef, TableDef
from tests.tds.errors import SqlError, untranslatable
from tests.tds.rewrite import Rewriter
from tests.tds.tokens import Column
from tests.tds.tsql import listed, tokens_of
from tests.tds.types import SqlType

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_MOMENTS = ("date", "datetime2", "datetime", "time")


@dataclass
class Translated:
    """`columns` of the result; None where only the values tell. `parameters`: types that columns ask for."""

    sql: str
    rows: bool = False
    writes: bool = False
    columns: list[Column] | None = None
    needs: list[tuple[str, str]] = field(default_factory=list)
    parameters: dict[str, SqlType] = field(default_factory=dict)
    target: str = ""
    converters: set[tuple[SqlType, str]] = field(default_factory=set)


_ROW = r"\(\s*@\w+(?:\s*,\s*@\w+)*\s*\)"
_VALUES = re.compile(
    rf"\s*INSERT\s+INTO\s+([\w.\[\]\"]+)\s*\(([^()]*)\)\s*VALUES\s*({_ROW}(?:\s*,\s*{_ROW})*)\s*", re.I
)


class Translator(Rewriter):
    """Translates statements for one state of the catalogue."""

    def statement(self, text: str) -> Translated:
        self.used: set[tuple[SqlType, str]] = set()
        rows = _VALUES.fullmatch(text)
        result = self.rows(rows) if rows is not None else self.parsed(text)
        result.converters = self.used
        return result

    def rows(self, match: re.Match[str]) -> Translated:
        """An INSERT of nothing but parameters, of which there may be 2,000: without a parser."""
        parts = [token.name for token in tokens_of(match[1]) if token.word != "."]
        name = f"{parts[-2] if len(parts) > 1 else self.schema}.{parts[-1]}"
        table = self.tables.get(name.lower())
        if table is None:
            raise SqlError(208, f"Invalid object name '{name}'.")
        columns = [self.column(table, part[0].name) for part in listed(tokens_of(match[2]))]
        calls = [self.converter(column.type, "store") for column in columns]
        result = Translated("", writes=True, needs=[("INSERT", table.name)], target=table.name)
        lines = []
        for row in re.findall(r"\(([^()]*)\)", match[3]):
            values = [value.strip() for value in row.split(",")]
            self.count(values, columns, lines)
            result.parameters |= {v[1:]: c.type for v, c in zip(values, columns, strict=True)}
            stored = zip(calls, values, columns, strict=True)
            lines.append(", ".join(f"{call}({v}, '{table.name}/{c.name}')" for call, v, c in stored))
        named = ", ".join(f'"{column.name}"' for column in columns)
        result.sql = f'INSERT INTO "{table.name}" ({named}) VALUES ({"), (".join(lines)})'
        return result

    def count(self, values: Sequence[object], columns: Sequence[object], rows: Sequence[object]) -> None:
        if len(values) != len(columns):
            raise SqlError(109, "There are more or fewer columns in the INSERT statement than values.")
        if len(rows) >= 1000:
            raise SqlError(10738, "The number of row value expressions exceeds 1000.")

    def parsed(self, text: str) -> Translated:
        text = re.sub(r"(INSERT\s+(?:INTO\s+)?\S+)\s+WITH\s*\([^)]*\)", r"\1", text, count=1, flags=re.I)
        try:
            tree = sqlglot.parse_one(text, read="tsql")
        except SqlglotError as error:
            raise untranslatable(f"it cannot read this ({str(error).splitlines()[0]})", text) from None
        result = Translated("", parameters={})
        if isinstance(tree, exp.Select | exp.SetOperation):
            result.rows, result.columns = True, self.inference.columns(tree)
        elif isinstance(tree, exp.Insert | exp.Update | exp.Delete):
            result.writes = True
        elif isinstance(tree, exp.TruncateTable):
            tree, result.writes = exp.Delete(this=tree.expressions[0]), True
        else:
            raise untranslatable("it does not know this statement", text)
        self.rights(tree, result)
        self.comparisons(tree, result)
        if isinstance(tree, exp.Insert):
            tree = self.insert(tree, result)
        elif isinstance(tree, exp.Update):
            tree = self.update(tree, result)
        elif isinstance(tree, exp.Delete):
            tree = self.delete(tree, result)
        result.sql = self.written(tree, text)
        return result

    def expression(self, text: str) -> str:
        """A default or a check."""
        compares = re.search(r"[<>=]|\b(IN|LIKE|IS|BETWEEN)\b", text, re.I)
        start = "SELECT 1 WHERE " if compares else "SELECT "
        return self.written(sqlglot.parse_one(start + text, read="tsql"), text).removeprefix(start)

    def rights(self, tree: exp.Expression, result: Translated) -> None:
        for table in tree.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier) and not self.is_alias(table):
                result.needs.append(("SELECT", self.inference.name_of(table)))
        if result.writes:
            target, action = self.target(tree), type(tree).__name__.upper()
            result.target = target.name
            result.needs.append((action, target.name))

    def is_alias(self, table: exp.Table) -> bool:
        """Whether the name stands for a common table expression, or for another table of the statement."""
        if table.db:
            return False
        if self.inference.common(table, table.name) is not None:
            return True
        above = table.parent
        return isinstance(above, exp.Insert | exp.Update | exp.Delete | exp.Schema) or table.name.startswith(
            "@"
        )

    def target(self, tree: exp.Expression) -> TableDef:
        """The table that a change goes to; an alias is looked for among the sources."""
        node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if isinstance(tree, exp.Delete) and tree.args.get("tables"):
            node = tree.args["tables"][0]
        if not isinstance(node, exp.Table):
            raise untranslatable("it does not find the table that is changed", tree.sql("tsql"))
        if not node.db:
            for each in tree.find_all(exp.Table):
                if each.alias.lower() == node.name.lower() and each is not node:
                    node = each
                    break
        name = self.inference.name_of(node)
        if name.lower() not in self.tables:
            raise SqlError(208, f"Invalid object name '{node.name if not node.db else name}'.")
        return self.tables[name.lower()]

    def column(self, table: TableDef, name: str) -> ColumnDef:
        column = table.column(name)
        if column is None:
            raise SqlError(207, f"Invalid column name '{name}'.")
        return column

    def stored(
        self, value: exp.Expression, table: TableDef, column: ColumnDef, result: Translated
    ) -> exp.Expression:
        """The value as the column keeps it."""
        if isinstance(value, exp.Null):
            return value
        if isinstance(value, exp.Parameter):
            result.parameters.setdefault(value.name, column.type)
        name = self.converter(column.type, "store")
        return exp.Anonymous(
            this=name, expressions=[value, exp.Literal.string(f"{table.name}/{column.name}")]
        )

    def insert(self, tree: exp.Insert, result: Translated) -> exp.Expression:
        table = self.tables[result.target.lower()]
        if isinstance(tree.this, exp.Schema):
            columns = [self.column(table, each.name) for each in tree.this.expressions]
            place = tree.this.this
        else:
            columns, place = [c for c in table.columns if not c.identity], tree.this
        source = tree.expression
        if isinstance(source, exp.Values):
            for at, row in enumerate(source.expressions):
                self.count(row.expressions, columns, source.expressions[:at])
                row.set("expressions", [self.stored(v, table, c, result)
                                        for v, c in zip(row.expressions, columns, strict=True)])  # fmt: skip
        elif isinstance(source, exp.Select | exp.SetOperation):
            names = [f"v{at}" for at in range(len(columns))]
            taken = [
                self.stored(exp.column(n, "q"), table, c, result) for n, c in zip(names, columns, strict=True)
            ]
            query = exp.Select(expressions=taken).from_(exp.Table(this=exp.to_identifier("q")))
            alias = exp.TableAlias(this=exp.to_identifier("q"), columns=[exp.to_identifier(n) for n in names])
            earlier = tree.args.get("with_")
            common = [*(earlier.expressions if earlier else []), exp.CTE(this=source, alias=alias)]
            query.set("with_", exp.With(expressions=common))
            tree.set("with_", None)
            tree.set("expression", query)
        else:
            raise untranslatable("it does not know this INSERT", tree.sql("tsql"))
        schema = exp.Schema(this=place, expressions=[exp.to_identifier(c.name, quoted=True) for c in columns])
        tree.set("this", schema)
        self.output(tree, table, result)
        return tree

    def update(self, tree: exp.Update, result: Translated) -> exp.Expression:
        table = self.tables[result.target.lower()]
        columns, values = [], []
        for each in tree.expressions:
            columns.append(self.column(table, each.this.name))
            values.append(each.expression)
        start = tree.args.get("from_")
        if start is not None:
            alias = tree.this.alias_or_name
            picked = [exp.alias_(exp.column("rowid", alias), "rid")]
            picked += [exp.alias_(value, f"v{at}") for at, value in enumerate(values)]
            query = exp.Select(expressions=picked)
            query.set("from_", start)
            query.set("where", tree.args.get("where"))
            tree.set("from_", exp.From(this=query.subquery("q")))
            tree.set(
                "where",
                exp.Where(this=exp.EQ(this=exp.column("rowid", "t0"), expression=exp.column("rid", "q"))),
            )
            values = [exp.column(f"v{at}", "q") for at in range(len(values))]
        schema, _, bare = table.name.partition(".")
        alias_node = exp.TableAlias(this=exp.to_identifier("t0")) if start is not None else None
        tree.set("this", exp.Table(this=exp.to_identifier(bare, quoted=True),
                                   db=exp.to_identifier(schema, quoted=True), alias=alias_node))  # fmt: skip
        assigned = [
            exp.EQ(
                this=exp.column(exp.to_identifier(c.name, quoted=True)),
                expression=self.stored(v, table, c, result),
            )
            for c, v in zip(columns, values, strict=True)
        ]
        tree.set("expressions", assigned)
        self.output(tree, table, result)
        return tree

    def delete(self, tree: exp.Delete, result: Translated) -> exp.Expression:
        table = self.tables[result.target.lower()]
        if tree.args.get("tables"):
            alias = tree.args["tables"][0].name
            query = exp.Select(expressions=[exp.column("rowid", alias)])
            query.set("from_", exp.From(this=tree.this))
            query.set("where", tree.args.get("where"))
            schema, _, bare = table.name.partition(".")
            place = exp.Table(
                this=exp.to_identifier(bare, quoted=True), db=exp.to_identifier(schema, quoted=True)
            )
            changed = exp.Delete(this=place)
            changed.set("where", exp.Where(this=exp.In(this=exp.column("rowid"), query=query.subquery())))
            changed.set("with_", tree.args.get("with_"))
            tree = changed
        return tree

    def output(self, tree: exp.Expression, table: TableDef, result: Translated) -> None:
        """OUTPUT inserted.column, as SQLite's RETURNING."""
        returning = tree.args.get("returning")
        if returning is None:
            return
        result.rows, result.columns = True, []
        for each in list(returning.find_all(exp.Column)):
            column = self.column(table, each.name)
            if each.table.lower() != "inserted":
                raise untranslatable("it knows OUTPUT of inserted columns only", tree.sql("tsql"))
            result.columns.append(Column(column.name, column.type, column.nullable))
            each.set("table", None)

    def comparisons(self, tree: exp.Expression, result: Translated) -> None:
        """Values beside columns of dates and numbers take the column's form."""
        for node in list(tree.find_all(*_COMPARISONS, exp.Between, exp.In)):
            column = next((e for e in (node.this, node.expression) if isinstance(e, exp.Column)), None)
            kind = self.inference.column(column) if column is not None else None
            if kind is None:
                continue
            others = [
                node.this,
                node.expression,
                node.args.get("low"),
                node.args.get("high"),
                *node.expressions,
            ]
            for value in others:
                if isinstance(value, exp.Parameter) and isinstance(value.this, exp.Var):
                    result.parameters.setdefault(value.name, kind)
                elif not isinstance(value, exp.Literal | exp.National):
                    continue
                if kind.name in _MOMENTS:
                    name = self.converter(
                        SqlType("datetime2", scale=7) if kind.name == "datetime" else kind, "cast"
                    )
                    value.replace(exp.Anonymous(this=name, expressions=[value.copy()]))
                elif not kind.is_text and isinstance(value, exp.Parameter):
                    value.replace(exp.Anonymous(this="tsql_number", expressions=[value.copy()]))
