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
    from claimsctl.security.keys import load_keys
    from claimsctl.store.patients import search_hash

    keys = load_keys(workspace)
    asked: list[tuple[SearchKind, str]] = [("member", text)]
    if sum(c.isdigit() for c in text) == 9:
        asked.append(("ssn", text))
    asked += [("name", name) for name in names_of(text)]
    terms, values = [], []
    for kind, value in asked:
        number = search_hash(kind, value, keys)
        if number is not None:
            terms.append(f"{kind}_hash = ?")
            values.append(number)
    if not terms:
        return []
    found = connection.execute(
        f"SELECT DISTINCT patient_key FROM patients WHERE {' OR '.join(terms)}", values
    ).fetchall()
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
