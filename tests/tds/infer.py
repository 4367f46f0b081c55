"""Which type a column of a result has: from the catalogue where that says it, else None."""

from __future__ import annotations

from sqlglot import exp

from tests.tds.catalogue import TableDef
from tests.tds.tokens import Column
from tests.tds.types import BIGINT, INT, TEXT, SqlType, parse_type

Sources = dict[str, list[Column] | None]

_NAMED = {
    "len": INT,
    "datalength": INT,
    "charindex": INT,
    "object_id": INT,
    "schema_id": INT,
    "serverproperty": TEXT,
}
_NAMED |= {"sysutcdatetime": SqlType("datetime2", scale=7), "sysdatetime": SqlType("datetime2", scale=7)}
_NAMED |= {"getdate": SqlType("datetime"), "getutcdate": SqlType("datetime"), "has_perms_by_name": INT}
_GLOBALS = {"rowcount": INT, "trancount": INT, "error": INT, "spid": SqlType("smallint"), "version": TEXT}


class Inference:
    """Types within one statement; names are still those of T-SQL."""

    def __init__(self, tables: dict[str, TableDef], schema: str) -> None:
        self.tables, self.schema = tables, schema
        self._sources: dict[int, tuple[exp.Expression, Sources]] = {}

    def name_of(self, table: exp.Table) -> str:
        """The table's name with its schema."""
        return f"{table.db or self.schema}.{table.name}"

    def columns(self, query: exp.Expression) -> list[Column] | None:
        """The columns of a query; None where a * stands for a table that only SQLite knows."""
        if isinstance(query, exp.SetOperation):
            return self.columns(query.this)
        if isinstance(query, exp.Subquery):
            return self.columns(query.this)
        if not isinstance(query, exp.Select):
            return None
        found: list[Column] = []
        for item in query.expressions:
            if isinstance(item, exp.Star) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            ):
                wanted = item.table.lower() if isinstance(item, exp.Column) else ""
                for alias, columns in self.sources(query).items():
                    if wanted and alias != wanted:
                        continue
                    if columns is None:
                        return None
                    found += columns
            else:
                name = item.alias_or_name if isinstance(item, exp.Alias | exp.Column) else ""
                found.append(Column(name, self.type_of(item)))  # type: ignore[arg-type]
        return found

    def sources(self, query: exp.Expression) -> Sources:
        """What the query reads from, by alias in lower case."""
        if id(query) not in self._sources:
            self._sources[id(query)] = query, self._found_sources(query)
        return self._sources[id(query)][1]

    def _found_sources(self, query: exp.Expression) -> Sources:
        tables: list[exp.Expression] = []
        start = query.args.get("from_")
        if start is not None:
            tables.append(start.this)
        if isinstance(query, exp.Update | exp.Delete):
            tables.append(query.this)
        tables += [join.this for join in query.args.get("joins") or []]
        for table in list(tables):
            tables += [join.this for join in table.args.get("joins") or []]
        return {each.alias_or_name.lower(): self.source(each) for each in reversed(tables)}

    def source(self, table: exp.Expression) -> list[Column] | None:
        if isinstance(table, exp.Subquery):
            return self.columns(table.this)
        if not isinstance(table, exp.Table):
            return None
        common = None if table.db else self.common(table, table.name)
        if common is not None:
            return self.columns(common.this)
        known = self.tables.get(self.name_of(table).lower())
        if known is None:
            return None
        return [Column(column.name, column.type, column.nullable) for column in known.columns]

    def common(self, node: exp.Expression, name: str) -> exp.CTE | None:
        """The common table expression of that name, if one is in sight."""
        above: exp.Expression | None = node
        while above is not None:
            for each in above.args["with_"].expressions if above.args.get("with_") else []:
                if each.alias.lower() == name.lower():
                    return each  # type: ignore[no-any-return]
            above = above.parent
        return None

    def column(self, column: exp.Column) -> SqlType | None:
        """The type of a column where it stands."""
        query: exp.Expression | None = column.find_ancestor(exp.Select, exp.Update, exp.Delete)
        while query is not None:
            for alias, columns in self.sources(query).items():
                if column.table and column.table.lower() != alias:
                    continue
                for each in columns or []:
                    if each.name.lower() == column.name.lower():
                        return each.type
            above = query.parent
            if isinstance(above, exp.CTE) or (
                isinstance(above, exp.Subquery) and isinstance(above.parent, exp.From | exp.Join)
            ):
                return None  # a derived table sees nothing around it
            query = query.find_ancestor(exp.Select, exp.Update, exp.Delete)
        return None

    def type_of(self, node: exp.Expression) -> SqlType | None:
        if isinstance(node, exp.Alias | exp.Paren | exp.Neg | exp.Min | exp.Max | exp.Window):
            return self.type_of(node.this)
        if isinstance(node, exp.Subquery):
            inner = self.columns(node)
            return inner[0].type if inner else None
        if isinstance(node, exp.Column):
            return self.column(node)
        if isinstance(node, exp.Cast | exp.TryCast):
            return parse_type(node.args["to"].sql("tsql"), length=30)
        if isinstance(node, exp.Convert):
            return parse_type(node.this.sql("tsql"), length=30)
        if isinstance(node, exp.Count):
            return BIGINT if node.args.get("big_int") else INT
        if isinstance(node, exp.Literal | exp.National):
            return self.literal(node)
        if isinstance(node, exp.Sum):
            return self.total(self.type_of(node.this))
        if isinstance(node, exp.Coalesce | exp.Case | exp.If):
            return self.first_of(node)
        if isinstance(node, exp.Add | exp.Sub | exp.Mul):
            return self.combined(self.type_of(node.this), self.type_of(node.expression), node)
        if isinstance(node, exp.Parameter) and isinstance(node.this, exp.Parameter):
            return _GLOBALS.get(node.this.name.lower())
        if isinstance(node, exp.RowNumber):
            return BIGINT
        if isinstance(node, exp.Length | exp.StrPosition | exp.ObjectId):
            return INT
        if isinstance(node, exp.CurrentSchema | exp.CurrentUser | exp.Upper | exp.Lower | exp.Concat):
            return TEXT
        return _NAMED.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None

    def literal(self, node: exp.Expression) -> SqlType:
        if isinstance(node, exp.National) or node.is_string:
            return SqlType("nvarchar", max(1, len(node.name)))
        if "." in node.name:
            whole, _, fraction = node.name.partition(".")
            return SqlType("decimal", precision=len(whole) + len(fraction), scale=len(fraction))
        return INT if abs(int(node.name)) < 2**31 else BIGINT

    def total(self, kind: SqlType | None) -> SqlType | None:
        if kind is None or kind.name in ("bigint", "float"):
            return kind
        return (
            SqlType("decimal", precision=38, scale=kind.scale) if kind.name in ("decimal", "numeric") else INT
        )

    def first_of(self, node: exp.Expression) -> SqlType | None:
        """The type of the first branch that has one; of texts the widest."""
        branches = [node.this, *node.expressions] if isinstance(node, exp.Coalesce) else []
        if isinstance(node, exp.Case):
            branches = [each.args["true"] for each in node.args["ifs"]] + [node.args.get("default")]
        if isinstance(node, exp.If):
            branches = [node.args["true"], node.args.get("false")]
        kinds = [kind for branch in branches if branch is not None and (kind := self.type_of(branch))]
        if kinds and all(kind.is_text for kind in kinds):
            return TEXT if all(0 < kind.length <= 4000 for kind in kinds) else SqlType("nvarchar", -1)
        order = ["decimal", "numeric", "bigint", "int"]
        return min(kinds, key=lambda k: order.index(k.name) if k.name in order else 9) if kinds else None

    def combined(self, left: SqlType | None, right: SqlType | None, node: exp.Expression) -> SqlType | None:
        if left is None or right is None:
            return None
        if left.is_text or right.is_text:
            return SqlType("nvarchar", -1) if left.is_text and right.is_text else None
        if "decimal" in (left.name, right.name):
            scale = left.scale + right.scale if isinstance(node, exp.Mul) else max(left.scale, right.scale)
            return SqlType("decimal", precision=38, scale=scale)
        return BIGINT if "bigint" in (left.name, right.name) else left if left == right else None
