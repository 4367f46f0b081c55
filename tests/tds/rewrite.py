"""Functions, casts and names of T-SQL in SQLite's words, node by node."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tests.tds.catalogue import TableDef
from tests.tds.errors import SqlError, untranslatable
from tests.tds.infer import Inference
from tests.tds.types import SqlType, parse_type

_KNOWN = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Coalesce, exp.Case, exp.If, exp.Anonymous, exp.Upper,
    exp.Lower, exp.Abs, exp.Nullif, exp.Exists, exp.RowNumber, exp.And, exp.Or, exp.Substring, exp.Trim,
    exp.Parameter,
)  # fmt: skip
_STYLES = (None, 23, 120, 121, 126)

Converter = Callable[[SqlType, str], str]
"""Makes sure SQLite has the function that converts to a type; answers its name."""


class Rewriter:
    """Rewrites trees for one state of the catalogue."""

    def __init__(self, tables: dict[str, TableDef], schema: str, converter: Converter) -> None:
        self.tables, self.schema = tables, schema
        self.inference = Inference(tables, schema)
        self.used: set[tuple[SqlType, str]] = set()
        self._converter = converter

    def converter(self, kind: SqlType, how: str) -> str:
        """The function that converts; noted, because every session needs it."""
        self.used.add((kind, how))
        return self._converter(kind, how)

    def written(self, tree: exp.Expression, text: str) -> str:
        for node in list(tree.find_all(exp.Cast, exp.TryCast, exp.Convert)):
            value = node.expression if isinstance(node, exp.Convert) else node.this
            kind = self.inference.type_of(value) if isinstance(value, exp.Column) else None
            if kind is not None and kind.name == "decimal":
                scaled = [value.copy(), exp.Literal.number(kind.scale)]
                value.replace(exp.Anonymous(this="tsql_scaled", expressions=scaled))
        for node in reversed(list(tree.walk())):
            changed = self.changed(node, text)
            if changed is not node:
                node.replace(changed)
        for node in tree.find_all(exp.Func):
            if not isinstance(node, _KNOWN):
                raise untranslatable(f"it does not know {node.key.upper()}", text)
        return tree.sql("sqlite", comments=False)

    def changed(self, node: exp.Expression, text: str) -> exp.Expression:
        call = lambda name, *values: exp.Anonymous(this=name, expressions=list(values))  # noqa: E731
        if isinstance(node, exp.National):
            return exp.Literal.string(node.name)
        if isinstance(node, exp.Parameter) and isinstance(node.this, exp.Parameter):
            return call("tsql_global", exp.Literal.string(node.this.name.upper()))
        if isinstance(node, exp.Add):
            return call("tsql_plus", node.this, node.expression)
        if isinstance(node, exp.Length):
            inner = node.this
            while isinstance(inner, exp.Cast):
                inner = inner.this
            return call("tsql_len", inner)
        if isinstance(node, exp.Cast | exp.TryCast):
            how = "try" if isinstance(node, exp.TryCast) else "cast"
            return call(self.converter(parse_type(node.args["to"].sql("tsql"), length=30), how), node.this)
        if isinstance(node, exp.Convert):
            return self.converted(node, text)
        if isinstance(node, exp.Concat):
            return call("tsql_concat", *node.expressions)
        if isinstance(node, exp.StrPosition):
            return call("charindex", node.args["substr"], node.this)
        if isinstance(node, exp.ObjectId):
            return call("object_id", node.this)
        if isinstance(node, exp.CurrentTimestamp):
            return call("sysutcdatetime")
        if isinstance(node, exp.CurrentSchema):
            return exp.Literal.string(self.schema)
        if isinstance(node, exp.CurrentUser):
            return call("suser_sname")
        if isinstance(node, exp.Table):
            return self.renamed(node, text)
        if isinstance(node, exp.Column) and node.args.get("db"):
            return exp.column(node.this, node.args.get("table"))
        return node

    def converted(self, node: exp.Convert, text: str) -> exp.Expression:
        style = node.args.get("style")
        number = int(style.name) if style is not None else None
        if number not in _STYLES:
            raise untranslatable(f"it does not know the style {number}", text)
        how = "try" if node.args.get("safe") else "cast"
        value = node.expression
        if number == 126:
            value = exp.Anonymous(this="replace", expressions=[value, *map(exp.Literal.string, " T")])
        return exp.Anonymous(
            this=self.converter(parse_type(node.this.sql("tsql"), length=30), how), expressions=[value]
        )

    def renamed(self, node: exp.Table, text: str) -> exp.Expression:
        """SQLite has no schemas: the table's name carries it."""
        for hint in node.args.get("hints") or []:
            if "READPAST" in hint.sql("tsql").upper() and node.db.lower() != "sys":
                raise untranslatable("it does not know READPAST", text)
        node.set("hints", None)
        if not isinstance(node.this, exp.Identifier):
            return node
        if not node.db and self.inference.common(node, node.name) is not None:
            return node
        name = self.inference.name_of(node)
        schema = name.partition(".")[0].lower()
        known = self.tables.get(name.lower())
        if schema in ("sys", "information_schema"):
            name = name.lower()
        elif known is None:
            raise SqlError(208, f"Invalid object name '{node.name if not node.db else name}'.")
        if not node.alias and not isinstance(node.parent, exp.Insert | exp.Schema):
            node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
        node.set("this", exp.to_identifier(known.name if known else name, quoted=True))
        node.set("db", None)
        node.set("catalog", None)
        return node
