"""Answers that are still fresh: the same question is not asked again before they are too old.

Found by a keyed hash of the whole question and who asks it; sealed like everything that names a claim.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.payers.inquiry import Answer, Inquiry, answer_from_dict, answer_to_dict
from claimsctl.security.files import create_private
from claimsctl.security.sealing import seal_many, unseal
from claimsctl.store.jobs_database import sqlite_errors

if TYPE_CHECKING:
    import sqlalchemy as sa

    from claimsctl.payers.account import Account
    from claimsctl.security.keys import Keys

CACHE: Final = "answers.sqlite"
"""File of the workspace."""
_PARAMETERS: Final = 400
_TABLE: Final = "CREATE TABLE IF NOT EXISTS answers (question BLOB PRIMARY KEY, until TEXT, payload BLOB)"


class AnswerCache:
    """The answers of one workspace that are not too old."""

    def __init__(self, path: Path, keys: Keys) -> None:
        import sqlalchemy as sa

        create_private(path, b"")
        self._path = path
        self._keys = keys
        self._sql = sa.text
        with sqlite_errors(self._path):
            self._engine: sa.Engine = sa.create_engine(
                sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": 60.0}
            )
            with self._engine.begin() as connection:
                connection.exec_driver_sql(_TABLE)
                connection.execute(
                    self._sql("DELETE FROM answers WHERE until < :now"), {"now": _text(_now())}
                )

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def find(self, inquiries: Sequence[Inquiry], route: str, account: Account) -> list[Answer]:
        """Fresh answers to some of the questions, with the keys of these."""
        asked = {self._question(each, route, account): each for each in inquiries}
        found: list[Answer] = []
        hashes = list(asked)
        for start in range(0, len(hashes), _PARAMETERS):
            some = hashes[start : start + _PARAMETERS]
            names = {f"q{n}": each for n, each in enumerate(some)}
            listed = ", ".join(f":{name}" for name in names)
            with sqlite_errors(self._path), self._engine.connect() as connection:
                rows = connection.execute(
                    self._sql(
                        "SELECT question, payload FROM answers WHERE until >= :now "
                        f"AND question IN ({listed})"
                    ),
                    {**names, "now": _text(_now())},
                ).all()
            for question, payload in rows:
                said = json.loads(unseal(payload, _place(question), self._keys))
                found.append(replace(answer_from_dict(said), key=asked[question].key, requests=0))
        return found

    def keep(
        self, answered: Sequence[tuple[Inquiry, Answer]], route: str, account: Account, minutes: float
    ) -> None:
        """Keep answers for so many minutes from when they were asked, but no errors or partial answers."""
        rows: list[Mapping[str, object]] = []
        good = [(i, a) for i, a in answered if a.outcome != "error" and not a.partial]
        questions = [self._question(inquiry, route, account) for inquiry, _ in good]
        sealed = seal_many(
            [json.dumps(answer_to_dict(answer)).encode() for _, answer in good],
            [_place(question) for question in questions],
            self._keys,
        )
        for (_, answer), question, payload in zip(good, questions, sealed, strict=True):
            until = _text(answer.asked_at + timedelta(minutes=minutes))
            rows.append({"question": question, "until": until, "payload": payload})
        if rows:
            insert = "INSERT OR REPLACE INTO answers VALUES (:question, :until, :payload)"
            with sqlite_errors(self._path), self._engine.begin() as connection:
                connection.execute(self._sql(insert), rows)

    def _question(self, inquiry: Inquiry, route: str, account: Account) -> bytes:
        """Of everything the answer depends on, but not of where the claim stands in its job."""
        said = [
            route, account.base_url, account.environment, inquiry.payer_id, sorted(inquiry.practice.items()),
            sorted((name, str(value)) for name, value in inquiry.values.items()),
        ]  # fmt: skip
        return blake2b(
            json.dumps(said).encode(), key=self._keys.lookup, digest_size=16, person=b"question"
        ).digest()


def _place(question: bytes) -> bytes:
    return b"claimsctl cached answer 1 " + question


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
