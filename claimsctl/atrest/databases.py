"""Sealed values in databases of a workspace: notes and questions of the store, what jobs asked payers."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from claimsctl.asking.cache import CACHE
from claimsctl.asking.checkpoint import CHECKPOINT, payload_place
from claimsctl.asking.stored import bound_to
from claimsctl.atrest.files import practices_of_jobs
from claimsctl.atrest.tally import Tally
from claimsctl.errors import StoreError
from claimsctl.inquiry.notes import MARK, note_place
from claimsctl.security.access.registry import load_registry
from claimsctl.store.database import bring_up_to_date, open_store
from claimsctl.store.workspace import Workspace

_DECODED: Final = f"TRY(from_base64(substr(h.note, {len(MARK) + 1})))"
_NOTES: Final = (
    "SELECT h.rowid, h.note, c.claim_id FROM claim_status_history h JOIN claims c ON "
    "c.practice_id = h.practice_id AND c.claim_number = h.claim_number AND c.version = h.version "
    "AND c.payer_sequence IS NOT DISTINCT FROM h.payer_sequence "
    f"WHERE h.practice_id = ? AND h.note LIKE '{MARK}%' "
    f"AND lower(substr(hex({_DECODED}), 3, 8)) <> ?"
)
_NO_NOTES: Final = (
    "SELECT count(*) FROM claim_status_history h "
    f"WHERE h.practice_id = ? AND h.note LIKE '{MARK}%' AND {_DECODED} IS NULL"
)
"""Altered so that they are not even base64."""
_QUESTIONS: Final = (
    "SELECT rowid, asked, claim_number FROM claim_answers "
    "WHERE practice_id = ? AND asked IS NOT NULL AND lower(substr(hex(asked), 3, 8)) <> ?"
)
_ROWS: Final = 1_000
_KINDS: Final = {"questions": "asked", "answers": "answered"}


def reseal_store(workspace: Workspace, tally: Tally) -> None:
    """Notes of staff, and questions about claims that have no lines; all in one transaction."""
    if not bring_up_to_date(workspace, notify=tally.notify):
        return
    named = [tally.practice_id, tally.keys.key_id]
    with open_store(workspace, write=False, notify=tally.notify) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM ({q})", named).fetchall()[0][0] for q in
                  (_NOTES, _QUESTIONS)]  # fmt: skip
        ((altered,),) = connection.execute(_NO_NOTES, named[:1]).fetchall()
    if altered:
        tally.leave(f"{workspace.claims_database} has {altered:,} notes that were altered; they are left.")
    if not any(counts):
        return
    with open_store(workspace, write=True, notify=tally.notify) as connection:
        connection.execute("BEGIN")
        for query, table, column, place, read, write in (
            (_NOTES, "claim_status_history", "note", note_place, _from_note, _to_note),
            (_QUESTIONS, "claim_answers", "asked", lambda n: bound_to(tally.practice_id, n), bytes, bytes),
        ):
            rows = connection.execute(query, named).fetchall()
            if not rows:
                continue
            sealed = [read(value) for _, value, _ in rows]
            anew = tally.anew(table, str(workspace.claims_database), sealed, [place(n) for *_, n in rows])
            fresh = pl.DataFrame({"place": [row[0] for row in rows], "fresh": [write(each) for each in anew]})
            duckdb.register("fresh", fresh.to_arrow(), connection=connection)
            connection.execute(
                f"UPDATE {table} SET {column} = f.fresh FROM fresh f WHERE {table}.rowid = f.place"
            )
            connection.unregister("fresh")
        connection.execute("COMMIT")


def _from_note(stored: str) -> bytes:
    return base64.b64decode(stored.removeprefix(MARK))


def _to_note(sealed: bytes) -> str:
    return MARK + base64.b64encode(sealed).decode()


def reseal_questions(workspace: Workspace, tally: Tally, running: frozenset[str]) -> None:
    """What jobs asked and were answered; an answer that comes meanwhile is left to the next time."""
    practices = practices_of_jobs(workspace)
    for path in sorted((workspace.root / "jobs").glob(f"*/{CHECKPOINT}")):
        job_id = path.parent.name
        if practices.get(job_id, "default") != tally.practice_id or job_id in running:
            continue
        for table, kind in _KINDS.items():
            work = partial(_payloads, table=table, kind=kind, path=path, job_id=job_id, tally=tally)
            _in_sqlite(path, work)


def _payloads(
    database: sqlite3.Connection, *, table: str, kind: str, path: Path, job_id: str, tally: Tally
) -> None:
    query = (
        f"SELECT key, payload FROM {table} WHERE key > ? AND lower(hex(substr(payload, 2, 4))) <> ? "
        f"ORDER BY key LIMIT {_ROWS}"
    )
    last = -1
    while rows := database.execute(query, [last, tally.keys.key_id]).fetchall():
        last = rows[-1][0]
        sealed = [bytes(payload) for _, payload in rows]
        anew = tally.anew(table, str(path), sealed, [payload_place(kind, job_id, key) for key, _ in rows])
        database.executemany(
            f"UPDATE {table} SET payload = ? WHERE key = ? AND payload = ?",
            [(new, key, old) for new, old, (key, _) in zip(anew, sealed, rows, strict=True)],
        )
        database.commit()


def clear_cache(workspace: Workspace, tally: Tally) -> None:
    """Forget fresh answers that an older key of the practice sealed: they are asked for again."""
    path = workspace.root / CACHE
    if not path.exists():
        return
    registry = load_registry(workspace)
    known = None if registry is None else registry.practices.get(tally.practice_id)

    def clear(database: sqlite3.Connection) -> None:
        key_id = "lower(hex(substr(payload, 2, 4)))"
        if known is None:
            gone = database.execute(f"DELETE FROM answers WHERE {key_id} <> ?", [tally.keys.key_id])
        else:
            older = [each for each in known.generations if each != known.current]
            places = ", ".join("?" * len(older))
            gone = database.execute(f"DELETE FROM answers WHERE {key_id} IN ({places})", older)
        tally.sealed["cached answers"] += gone.rowcount
        database.commit()

    _in_sqlite(path, clear)


def _in_sqlite(path: Path, work: Callable[[sqlite3.Connection], None]) -> None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=60.0, uri=True)) as database:
            work(database)
    except sqlite3.OperationalError as error:
        if not path.exists():  # removed by age meanwhile
            return
        raise StoreError(f"{path} cannot be sealed anew: {error}.", hint="Run again.") from None
    except sqlite3.DatabaseError:
        raise StoreError(
            f"{path} is damaged.", hint="Restore it from a backup, or remove the file."
        ) from None
