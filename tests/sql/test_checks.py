"""What a target could not hold is told before anything is sent: table, column, row, masked value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl.sql.catalog import ColumnType, type_of
from claimsctl.sql.checks import Found, check_ahead, look_ahead
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, Dialect, HouseTable
from claimsctl.sql.ddl import DdlDialect, sql_type, statements
from claimsctl.sql.tables import tables_for
from tests.sql.lines import line, many, outbox

URLS: dict[Dialect, str] = {
    "mssql": "mssql+pyodbc://loader@server/claims", "postgresql": "postgresql://loader@server/claims",
    "sqlite": "sqlite:////claims.db", "duckdb": "duckdb:////claims.duckdb",
}  # fmt: skip


def _found(dialect: DdlDialect, phi: str = "plain", **changes: str) -> Found:
    """The tables as `sql init` makes them; changes are types of columns, "-" takes one away."""
    found: dict[str, dict[str, ColumnType]] = {}
    for name, table in tables_for(phi).items():  # type: ignore[arg-type]
        columns = {c.name: type_of(sql_type(dialect, c), nullable=c.nullable) for c in table.columns}
        for column, said in changes.items():
            if column in columns:
                del columns[column]
                if said != "-":
                    kind, _, rest = said.partition(" NOT NULL")
                    columns[column] = type_of(kind, nullable=said == kind and not rest)
        found[name] = columns
    return found


def _troubles(
    tmp_path: Path, lines: list[dict[str, object]], dialect: DdlDialect = "mssql", **changes: str
) -> list[str]:
    box = outbox(tmp_path / "box", lines, batch_claims=2)
    database = Database("production", URLS[dialect])
    return [str(trouble) for trouble in check_ahead(box, _found(dialect, **changes), database)]


@pytest.mark.parametrize("dialect", ["mssql", "postgresql", "sqlite", "duckdb"])
@pytest.mark.parametrize("phi", ["plain", "mask", "encrypt"])
def test_our_own_tables_hold_what_we_write(tmp_path: Path, dialect: DdlDialect, phi: str) -> None:
    box = outbox(tmp_path / "box", many(5), phi=phi, batch_claims=2)  # type: ignore[arg-type]
    assert check_ahead(box, _found(dialect, phi), Database("production", URLS[dialect])) == []


@pytest.mark.parametrize(
    ("change", "types", "told"),
    [
        ({"patient_last_name": "Montgomery"}, {"patient_last_name": "nvarchar(5)"},
         "claimsctl_claims.patient_last_name takes 5 characters: 1 row; the first, claim B2, has M."
         " (10 characters)."),
        ({"patient_last_name": "\U00020bb7" * 31}, {"patient_last_name": "nvarchar(60)"},
         "takes 60 characters"),
        ({"patient_last_name": "Łukasz"}, {"patient_last_name": "varchar(60)"},
         "is varchar(60), which loses characters outside Windows-1252"),
        ({"charge_amount": Decimal("12345.67")}, {"charge_amount": "decimal(6,2)"},
         "claimsctl_claim_lines.charge_amount takes 4 digits before the point: 1 row; the first,"
         " claim B2 line 1, has 12345.67."),
        ({"units": Decimal("1.5")}, {"units": "decimal(9,0)"}, "units takes 0 decimals"),
        ({"units": Decimal("1.5")}, {"units": "int"}, "units takes no decimals"),
        ({"minutes": 70_000}, {"minutes": "smallint"}, "minutes takes numbers from -32,768 to 32,767"),
        ({"minutes": -1}, {"minutes": "tinyint"}, "minutes takes numbers from 0 to 255"),
        ({"line_note": None}, {"line_note": "nvarchar(80) NOT NULL"},
         "claimsctl_claim_lines.line_note must have a value: 1 row; the first, claim B2 line 1."),
        ({"payer_id": "UHC"}, {"payer_id": "int"}, "payer_id is of type int, which takes no such text"),
        ({"payer_id": "9999999999"}, {"payer_id": "int"}, "payer_id takes numbers from"),
        ({"payer_id": "soon"}, {"payer_id": "date"}, "payer_id is of type date, which takes no such text"),
        ({"minutes": 1000}, {"minutes": "varchar(3)"}, "minutes takes 3 characters"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named_with_its_row(
    tmp_path: Path, change: dict[str, object], types: dict[str, str], told: str
) -> None:
    good = {"minutes": 45, "payer_id": "12345" if "date" not in types.values() else "2026-01-01"}
    kept = {**good, "patient_last_name": "Li"} if "patient_last_name" in types else good
    troubles = _troubles(tmp_path, [line("A1", **kept), line("B2", **{**kept, **change})], **types)
    assert len(troubles) == 1
    assert told in troubles[0]
    assert "1 row" in troubles[0]
    assert "claim B2" in troubles[0]


def test_rows_of_all_batches_are_counted_and_the_first_is_shown(tmp_path: Path) -> None:
    troubles = _troubles(tmp_path, many(31, 1), member_id="nvarchar(9)")
    assert troubles == [
        "claimsctl_claims.member_id takes 9 characters: 31 rows; the first, claim C00000, has ***0000"
        " (10 characters)."
    ]


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ({"service_date_from": "int"}, "is of type int, which takes no date: 1 row"),
        ({"service_date_from": "datetime"}, None),
        ({"service_date_from": "varchar(8)"}, "takes 8 characters"),
        ({"charge_amount": "money"}, None),
        ({"charge_amount": "float"}, None),
        ({"charge_amount": "date"}, "is of type date, which takes no number"),
        ({"charge_amount": "nvarchar(20)"}, None),
        ({"expected_net_total": "decimal(14,2) NOT NULL"},
         "claimsctl_claims.expected_net_total must have a value: 1 row; the first, claim A1."),
        ({"minutes": "int NOT NULL"}, "must have values, but no row has any minutes"),
        ({"charge_amount": "-"}, "claimsctl_claim_lines.charge_amount is not there"),
        ({"loaded_at": "-"}, "claimsctl_claims.loaded_at is not there"),
    ],
)  # fmt: skip
def test_types_and_columns_of_another_house(tmp_path: Path, types: dict[str, str], told: str | None) -> None:
    troubles = _troubles(tmp_path, [line()], **types)
    if told is None:
        assert troubles == []
    else:
        assert any(told in each for each in troubles), troubles


def test_a_missing_table_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line()])
    found = {**_found("mssql"), "claim_lines": {}}
    troubles = check_ahead(box, found, Database("production", URLS["mssql"]))
    assert [str(each) for each in troubles] == [
        "claimsctl_claim_lines is not there, or may not be seen; `claimsctl sql init --to production`"
        " makes it."
    ]


def test_of_a_table_of_the_house_only_what_it_takes_is_looked_at(tmp_path: Path) -> None:
    house = HouseTable("Claim_Header", {"claim_number": "ClaimNo", "payer_id": "Payer"})
    database = Database("production", URLS["mssql"], tables={"claims": house})
    box = outbox(tmp_path / "box", [line("A-100"), line("B2", payer_id="123456789")])
    theirs = {
        "ClaimNo": type_of("varchar(4)"),
        "Payer": type_of("varchar(8)"),
        "Id": type_of("int", nullable=False),
    }
    troubles = check_ahead(box, {**_found("mssql"), "claims": theirs}, database)
    assert [str(each) for each in troubles] == [
        "Claim_Header.ClaimNo takes 4 characters: 1 row; the first, claim A-100, has A-100 (5 characters).",
        "Claim_Header.Payer takes 8 characters: 1 row; the first, claim B2, has 123456789 (9 characters).",
    ]


def test_sealed_texts_are_not_shown(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line()], phi="encrypt")
    found = _found("mssql", "encrypt", patient_ssn="varchar(11)", patient_dob="date")
    told = [str(each) for each in check_ahead(box, found, Database("production", URLS["mssql"]))]
    assert len(told) == 2
    assert all("has a sealed text of" in each for each in told)


def test_identifiers_are_masked_and_dates_of_birth_compared(tmp_path: Path) -> None:
    lines = [line(patient_ssn="745-38-2916"), line("B2", patient_dob=date(2001, 2, 3))]
    told = " ".join(_troubles(tmp_path, lines, patient_ssn="char(9)", patient_dob="char(4)"))
    assert "***-**-2916" in told
    assert "745-38" not in told


def test_claims_that_only_capitals_tell_apart_are_one_for_sql_server(tmp_path: Path) -> None:
    lines = [line("B2"), line("a1"), line("C3"), line("A1")]
    assert _troubles(tmp_path, lines) == [
        "claimsctl_claims.claim_number is the same for SQL Server where only capitals differ: 2 rows;"
        " the first, claim a1."
    ]
    assert _troubles(tmp_path, lines, "postgresql") == []
    assert _troubles(tmp_path, [line("A1"), line("a1", payer_sequence="S")]) == []


def test_lengths_are_those_of_the_database_itself(tmp_path: Path, postgres_url: str) -> None:
    database = Database("staging", postgres_url.replace("postgresql+psycopg", "postgresql"), schema="billing")
    box = outbox(tmp_path / "box", [line(patient_last_name="Ñ" * 61), line("B2")])
    with connect(database) as connection:
        for statement in statements("postgresql", "billing", "claimsctl_", "plain"):
            connection.execute(statement)
        told = [str(each) for each in look_ahead(box, database, connection)]
    assert told == [
        "claimsctl_claims.patient_last_name takes 60 characters: 1 row; the first, claim A1, has Ñ."
        " (61 characters)."
    ]
