"""The tables of a checkpoint: questions, answers, and what the intake told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class Tables:
    """Tables, and the statements that are run for every claim: making one takes as long as running it."""

    metadata: sa.MetaData
    meta: sa.Table
    questions: sa.Table
    answers: sa.Table
    put_questions: sa.Insert
    put_answers: sa.Insert


@cache
def tables() -> Tables:
    """The one there is; imports SQLAlchemy."""
    from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text

    metadata = MetaData()
    meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text))
    questions = Table(
        "questions", metadata, Column("key", Integer, primary_key=True), Column("input", Text),
        Column("row_number", Integer), Column("lines", Integer), Column("route", Text),
        Column("entry", Text), Column("refused", Text), Column("payload", LargeBinary),
    )  # fmt: skip
    answers = Table(
        "answers", metadata, Column("key", Integer, primary_key=True), Column("outcome", Text),
        Column("status", Text), Column("error_type", Text), Column("retryable", Boolean),
        Column("cached", Boolean), Column("requests", Integer), Column("asked_at", DateTime),
        Column("payload", LargeBinary),
    )  # fmt: skip
    put_questions, put_answers = (table.insert().prefix_with("OR REPLACE") for table in (questions, answers))
    return Tables(metadata, meta, questions, answers, put_questions, put_answers)
