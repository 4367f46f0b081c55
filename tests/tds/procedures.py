"""System procedures that drivers ask for themselves: types and parameters of statements."""

from __future__ import annotations

from typing import Any

from tests.tds.engine import Engine, Result
from tests.tds.tokens import Column
from tests.tds.types import INT, SqlType

_SMALL, _NAME = SqlType("smallint"), SqlType("nvarchar", 128)

# Name, ODBC type, precision, prefix, suffix, minimum and maximum scale; in the order the server tells them.
_TYPES: list[tuple[str, int, int, str | None, str | None, int | None, int | None]] = [
    ("bit", -7, 1, None, None, None, None),
    ("tinyint", -6, 3, None, None, 0, 0),
    ("bigint", -5, 19, None, None, 0, 0),
    ("varbinary", -3, 8000, "0x", None, None, None),
    ("binary", -2, 8000, "0x", None, None, None),
    ("nvarchar", -9, 4000, "N'", "'", None, None),
    ("nchar", -8, 4000, "N'", "'", None, None),
    ("char", 1, 8000, "'", "'", None, None),
    ("decimal", 3, 38, None, None, 0, 38),
    ("int", 4, 10, None, None, 0, 0),
    ("smallint", 5, 5, None, None, 0, 0),
    ("float", 6, 53, None, None, None, None),
    ("date", 91, 10, "'", "'", None, None),
    ("varchar", 12, 8000, "'", "'", None, None),
    ("datetime2", 93, 27, "'", "'", 0, 7),
    ("datetime", 93, 23, "'", "'", 3, 3),
]
_TYPE_COLUMNS = [
    Column("TYPE_NAME", _NAME), Column("DATA_TYPE", _SMALL), Column("PRECISION", INT),
    Column("LITERAL_PREFIX", _NAME),
    Column("LITERAL_SUFFIX", _NAME), Column("CREATE_PARAMS", _NAME), Column("NULLABLE", _SMALL),
    Column("CASE_SENSITIVE", _SMALL), Column("SEARCHABLE", _SMALL), Column("UNSIGNED_ATTRIBUTE", _SMALL),
    Column("MONEY", _SMALL), Column("AUTO_INCREMENT", _SMALL), Column("LOCAL_TYPE_NAME", _NAME),
    Column("MINIMUM_SCALE", _SMALL), Column("MAXIMUM_SCALE", _SMALL), Column("SQL_DATA_TYPE", _SMALL),
    Column("SQL_DATETIME_SUB", _SMALL), Column("NUM_PREC_RADIX", INT), Column("INTERVAL_PRECISION", _SMALL),
    Column("USERTYPE", _SMALL),
]  # fmt: skip


def datatype_info(wanted: int) -> Result:
    """sp_datatype_info: what an ODBC type is on this server."""
    rows: list[tuple[Any, ...]] = [
        (
            name,
            odbc,
            size,
            prefix,
            suffix,
            None,
            1,
            0,
            3,
            None,
            0,
            0,
            name,
            low,
            high,
            odbc,
            None,
            10,
            None,
            0,
        )
        for name, odbc, size, prefix, suffix, low, high in _TYPES
        if wanted in (0, odbc)
    ]
    return Result(_TYPE_COLUMNS, iter(rows), len(rows))


_TDS_IDS = {
    "int": 56,
    "bigint": 127,
    "smallint": 52,
    "tinyint": 48,
    "bit": 104,
    "decimal": 106,
    "numeric": 108,
}
_TDS_IDS |= {"date": 40, "time": 41, "datetime2": 42, "datetime": 61, "float": 62, "real": 59, "char": 175}
_TDS_IDS |= {
    "varchar": 167,
    "nchar": 239,
    "nvarchar": 231,
    "binary": 173,
    "varbinary": 165,
    "uniqueidentifier": 36,
}

_DESCRIBED = [
    Column("parameter_ordinal", INT), Column("name", _NAME), Column("suggested_system_type_id", INT),
    Column("suggested_system_type_name", _NAME), Column("suggested_max_length", _SMALL),
    Column("suggested_precision", SqlType("tinyint")), Column("suggested_scale", SqlType("tinyint")),
    Column("suggested_user_type_id", INT), Column("suggested_user_type_database", _NAME),
    Column("suggested_user_type_schema", _NAME), Column("suggested_user_type_name", _NAME),
    Column("suggested_assembly_qualified_type_name", _NAME), Column("suggested_xml_collection_id", INT),
    Column("suggested_xml_collection_database", _NAME), Column("suggested_xml_collection_schema", _NAME),
    Column("suggested_xml_collection_name", _NAME), Column("suggested_is_xml_document", SqlType("bit")),
    Column("suggested_is_case_sensitive", SqlType("bit")),
    Column("suggested_is_fixed_length_clr_type", SqlType("bit")),
    Column("suggested_is_input", SqlType("bit")),
    Column("suggested_is_output", SqlType("bit")), Column("formal_parameter_name", _NAME),
    Column("suggested_tds_type_id", INT), Column("suggested_tds_length", INT),
]  # fmt: skip


def undeclared_parameters(engine: Engine, text: str) -> Result:
    """sp_describe_undeclared_parameters: the types of the columns that parameters meet."""
    rows: list[tuple[Any, ...]] = []
    for number, (name, kind) in enumerate(engine.translated(text).parameters.items(), 1):
        size = kind.length * (2 if kind.national else 1) if kind.length > 0 else -1 if kind.length < 0 else 8
        number_of_type = _TDS_IDS[kind.name]
        head = (number, f"@{name}", number_of_type, str(kind), size, kind.precision, kind.scale)
        rows.append((*head, *[None] * 9, 0, 0, 0, 1, 0, None, number_of_type, size))
    return Result(_DESCRIBED, iter(rows), len(rows))
