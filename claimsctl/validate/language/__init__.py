"""The rule language: the boolean part of SQL with types, compiled to Polars expressions.

`parse` needs no Polars; `compile_expression` is imported from `claimsctl.validate.language.compiler`.
"""

from claimsctl.validate.language.parser import Expr, parse
from claimsctl.validate.language.types import ExpressionError, LangType, MissingTable, Names, TableInfo, Where

__all__ = ["Expr", "ExpressionError", "LangType", "MissingTable", "Names", "TableInfo", "Where", "parse"]
