"""What a job asks and what it has heard, claim by claim, in SQLite: an answer is on record the moment it
comes, so that no claim is asked twice that was answered, and none is forgotten.

What was asked and answered is sealed with the key of the workspace; in plain text stand only numbers,
routes, outcomes and error types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.asking.checkpoint_tables import tables
from claimsctl.claim import BY_NAME
from claimsctl.payers.inquiry import Answer, answer_from_dict, answer_to_dict
from claimsctl.security.files import create_private
from claimsctl.security.sealing import seal_many, unseal
from claimsctl.store.jobs_database import sqlite_errors

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys

CHECKPOINT: Final = "asking.sqlite"
"""File of a job's directory."""
_READY: Final = "ready"
_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """A claim of a job: where it stands in the input, what is known of it, how it is asked about.

    `route` is None where it cannot be asked; `refusal` has code, message and suggestion then. `entry` is the
    id in the payer map, `there` the payer's id on the route, `provider` ids of the practice there.
    """

    key: int
    input: str
    row_number: int
    lines: int
    practice_id: str
    values: Mapping[str, str | date | Decimal]
    route: str | None = None
    entry: str | None = None
    there: str = ""
    provider: Mapping[str, str] | None = None
    refusal: Mapping[str, str] | None = None


class Checkpoint:
    """The questions and answers of a job in its directory. `job_id` is the job that asked first: jobs that
    resume it go on in its file.

    Methods raise StoreError when the file is damaged, full or busy, PermissionDenied without the secret.
    """

    def __init__(self, path: Path, job_id: str, keys: Keys) -> None:
        import sqlalchemy as sa

        create_private(path, b"")  # SQLite gives its WAL files the rights of this one
        self._path = path
        self._job = job_id
        self._keys = keys
        with sqlite_errors(self._path):
            engine = sa.create_engine(
                sa.URL.create("sqlite", database=str(path)),
                poolclass=sa.pool.StaticPool,
                connect_args={"timeout": 60.0, "check_same_thread": False},
            )
            self._connection = engine.connect()
            self._connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            # What SQLite has handed to the system survives the death of a process; each answer need not
            # wait for the disk.
            self._connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
            self._connection.commit()
            tables().metadata.create_all(self._connection)
            self._connection.commit()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._connection.engine.dispose()

    @property
    def ready(self) -> bool:
        """Whether all questions of the job are on record."""
        return self._said(_READY) is not None

    def clear(self) -> None:
        """Forget everything: an intake that was cut short begins anew."""
        with self._transaction():
            for table in (tables().questions, tables().answers, tables().meta):
                self._connection.execute(table.delete())

    def finish_intake(self, told: Mapping[str, Any]) -> None:
        """All questions are on record; `told` is what the summary says of the intake."""
        with self._transaction():
            values = {"name": _READY, "value": json.dumps(told, default=str)}
            self._connection.execute(tables().meta.insert().values(values))

    @property
    def told(self) -> dict[str, Any]:
        """What `finish_intake` was told."""
        found: dict[str, Any] = json.loads(self._said(_READY) or "{}")
        return found

    def add(self, questions: Sequence[Question]) -> None:
        """Put questions on record, in one transaction."""
        if not questions:
            return
        sealed = seal_many(
            [json.dumps(_plain(each)).encode() for each in questions],
            [self._place("asked", each.key) for each in questions],
            self._keys,
        )
        rows = [
            {
                "key": each.key, "input": each.input, "row_number": each.row_number, "lines": each.lines,
                "route": each.route, "entry": each.entry, "refused": (each.refusal or {}).get("code"),
                "payload": payload,
            }
            for each, payload in zip(questions, sealed, strict=True)
        ]  # fmt: skip
        with self._transaction():
            self._connection.execute(tables().put_questions, rows)

    def record(self, answers: Sequence[Answer], *, cached: bool = False) -> None:
        """Put answers on record; returns when that cannot be lost by the death of this process."""
        sealed = seal_many(
            [json.dumps(answer_to_dict(each)).encode() for each in answers],
            [self._place("answered", each.key) for each in answers],
            self._keys,
        )
        rows = [
            {
                "key": each.key, "outcome": each.outcome,
                "status": each.matches[0].status if each.matches else _status(each),
                "error_type": each.error_type if each.outcome == "error" else None,
                "retryable": each.retryable, "cached": cached, "requests": each.requests,
                "asked_at": each.asked_at.replace(tzinfo=None), "payload": payload,
            }
            for each, payload in zip(answers, sealed, strict=True)
        ]  # fmt: skip
        with self._transaction():
            self._connection.execute(tables().put_answers, rows)

    def open_groups(self) -> dict[tuple[str, str | None], int]:
        """Claims that are not answered yet, by route and entry of the payer map."""
        import sqlalchemy as sa

        questions, answers = tables().questions, tables().answers
        columns = (questions.c.route, questions.c.entry)
        query = (
            sa.select(*columns, sa.func.count())
            .select_from(questions.outerjoin(answers, answers.c.key == questions.c.key))
            .where(questions.c.route.is_not(None), answers.c.key.is_(None))
            .group_by(*columns)
            .order_by(*columns)
        )
        with sqlite_errors(self._path):
            return {(str(route), entry): int(n) for route, entry, n in self._connection.execute(query)}

    def open_questions(self, route: str, entry: str | None, after: int, limit: int) -> list[Question]:
        """The next unanswered claims of a group, by key."""
        questions, answers = tables().questions, tables().answers
        query = (
            questions.select()
            .select_from(questions.outerjoin(answers, answers.c.key == questions.c.key))
            .where(questions.c.route == route, questions.c.entry.is_not_distinct_from(entry))
            .where(answers.c.key.is_(None), questions.c.key > after)
            .order_by(questions.c.key)
            .limit(limit)
        )
        with sqlite_errors(self._path):
            return [self._question(row) for row in self._connection.execute(query).mappings()]

    def told_of(self) -> Iterator[list[tuple[Question, Answer | None, bool]]]:
        """Every claim with its answer, None where there is none, and whether it came from the cache; in the
        order of the input, some thousand at a time."""
        import sqlalchemy as sa

        questions, answers = tables().questions, tables().answers
        last = -1
        while True:
            query = (
                sa.select(questions, answers.c.payload.label("answered"), answers.c.cached)
                .select_from(questions.outerjoin(answers, answers.c.key == questions.c.key))
                .where(questions.c.key > last)
                .order_by(questions.c.key)
                .limit(_BATCH)
            )
            with sqlite_errors(self._path):
                rows = self._connection.execute(query).mappings().all()
            if not rows:
                return
            last = rows[-1]["key"]
            yield [(self._question(row), self._answer(row), bool(row["cached"])) for row in rows]

    def counts(self) -> dict[str, Any]:
        """Claims by what became of them: asked, refused, answered, cached, errors by type, by status."""
        import sqlalchemy as sa

        questions, answers = tables().questions, tables().answers
        with sqlite_errors(self._path):
            claims, refused = self._connection.execute(
                sa.select(sa.func.count(), sa.func.count(questions.c.refused)).select_from(questions)
            ).one()
            rows = self._connection.execute(
                sa.select(
                    answers.c.outcome,
                    answers.c.status,
                    answers.c.error_type,
                    answers.c.cached,
                    sa.func.count(),
                ).group_by(answers.c.outcome, answers.c.status, answers.c.error_type, answers.c.cached)
            ).all()
        found: dict[str, Any] = {"claims": claims, "refused": refused, "cached": 0, "outcomes": {},
                                 "statuses": {}, "errors": {}}  # fmt: skip
        for outcome, status, error, cached, number in rows:
            found["cached"] += number if cached else 0
            for into, name in (("outcomes", outcome), ("statuses", status), ("errors", error)):
                if name is not None:
                    found[into][name] = found[into].get(name, 0) + number
        return found

    def _question(self, row: Mapping[Any, Any]) -> Question:
        said = json.loads(unseal(row["payload"], self._place("asked", row["key"]), self._keys))
        said["values"] = {name: _typed(name, text) for name, text in said["values"].items()}
        return Question(
            key=row["key"], input=row["input"], row_number=row["row_number"], lines=row["lines"],
            route=row["route"], entry=row["entry"], **said,
        )  # fmt: skip

    def _answer(self, row: Mapping[Any, Any]) -> Answer | None:
        if row["answered"] is None:
            return None
        return answer_from_dict(
            json.loads(unseal(row["answered"], self._place("answered", row["key"]), self._keys))
        )

    def _place(self, kind: str, key: int) -> bytes:
        return payload_place(kind, self._job, key)

    def _said(self, name: str) -> str | None:
        meta = tables().meta
        with sqlite_errors(self._path):
            query = meta.select().with_only_columns(meta.c.value).where(meta.c.name == name)
            found: str | None = self._connection.execute(query).scalar()
            return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with sqlite_errors(self._path):
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()


def payload_place(kind: str, job_id: str, key: int) -> bytes:
    """What a question ("asked") or an answer ("answered") is bound to; `job_id` asked first."""
    return f"claimsctl {kind} 1 {job_id} {key}".encode()


def _status(answer: Answer) -> str | None:
    return "NOT_FOUND" if answer.outcome == "not_found" else None


def _plain(question: Question) -> dict[str, Any]:
    return {
        "values": {name: str(value) for name, value in question.values.items()},
        "practice_id": question.practice_id,
        "there": question.there,
        "provider": dict(question.provider or {}),
        "refusal": question.refusal,
    }


def _typed(name: str, text: str) -> str | date | Decimal:
    kind = BY_NAME[name].cell_type
    if kind == "date":
        return date.fromisoformat(text)
    return Decimal(text) if kind == "money" else text
