"""Finding patients by what a person types, through keyed hashes: exact, after normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    import duckdb

    from claimsctl.store.patients import SearchKind
    from claimsctl.store.workspace import Workspace

_MOST_WORDS: Final = 6


def patients_named(text: str, connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> list[UUID]:
    """Keys of the patients whose member id, SSN or whole name `text` is.

    Names are given as "Last, First", "First Last" or "Last First".
    """
    has_any = connection.execute("SELECT 1 FROM patients LIMIT 1").fetchone()
    if has_any is None:
        return []
    from claimsctl.security.keys import searching_keys
    from claimsctl.store.patients import search_hash

    asked: list[tuple[SearchKind, str]] = [("member", text)]
    if sum(c.isdigit() for c in text) == 9:
        asked.append(("ssn", text))
    asked += [("name", name) for name in names_of(text)]
    hashes: dict[SearchKind, list[int]] = {}
    for keys in searching_keys(workspace):
        for kind, value in asked:
            number = search_hash(kind, value, keys)
            if number is not None:
                hashes.setdefault(kind, []).append(number)
    if not hashes:
        return []
    # A column at a time: for an OR of several DuckDB reads all of each.
    query = " UNION ".join(
        f"SELECT patient_key FROM patients WHERE {kind}_hash IN ({', '.join('?' for _ in numbers)})"
        for kind, numbers in hashes.items()
    )
    found = connection.execute(query, [number for each in hashes.values() for number in each]).fetchall()
    return [row[0] for row in found]


def names_of(text: str) -> list[str]:
    """Ways to read a text as LAST<tab>FIRST."""
    last, comma, first = text.partition(",")
    if comma:
        return [f"{last.strip()}\t{first.strip()}"]
    words = text.split()[:_MOST_WORDS]
    ways = []
    for at in range(1, len(words)):
        one, other = " ".join(words[:at]), " ".join(words[at:])
        ways += [f"{other}\t{one}", f"{one}\t{other}"]
    return list(dict.fromkeys(ways))
