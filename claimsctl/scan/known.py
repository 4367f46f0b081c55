"""What stored patients are called: through keyed hashes, so that nothing is unsealed to look for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import duckdb
import polars as pl

from claimsctl.errors import PermissionDenied
from claimsctl.inquiry.opening import reading
from claimsctl.security.keys import Keys, searching_keys
from claimsctl.store.patients import SearchKind, search_hashes
from claimsctl.store.workspace import Workspace

_COLUMNS: Final[Mapping[SearchKind, str]] = MappingProxyType(
    {"ssn": "ssn_hash", "member": "member_hash", "name": "name_hash"}
)


@dataclass(frozen=True)
class Known:
    """Hashes of the SSNs, member ids and names of stored patients, and the keys that make them."""

    hashes: Mapping[SearchKind, pl.Series]
    keys: tuple[Keys, ...]

    def having(self, kind: SearchKind, candidates: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Those of some texts (with a place) that a stored patient has; names as LAST<tab>FIRST."""
        if not candidates:
            return
        texts = pl.Series([text for _, text in candidates], dtype=pl.String)
        distinct = texts.unique()
        found: set[str] = set()
        for keys in self.keys:
            there = search_hashes(kind, distinct, keys).is_in(self.hashes[kind].implode()).fill_null(False)
            found |= set(distinct.filter(there))
        yield from (each for each in candidates if each[1] in found)

    def maybe(self, lines: pl.Series) -> pl.Series:
        """Which lines may have something of a stored patient: a fast look over all of them."""
        words = pl.DataFrame([lines.alias("text")]).with_row_index("line")
        found = pl.DataFrame(schema={"line": words.schema["line"]})
        for kind, pattern in _PATTERNS.items():
            each = words.select("line", pl.col("text").str.extract_all(pattern)).explode("text").drop_nulls()
            if kind == "name":
                same = pl.col("line").shift(-1) == pl.col("line")
                after = pl.when(same).then(pl.col("text").shift(-1))
                each = each.with_columns(pl.concat_str("text", after, separator="\t").alias("text"))
                turned = each.with_columns(pl.col("text").str.replace(r"^(.*)\t(.*)$", "$2\t$1"))
                each = pl.concat([each, turned]).drop_nulls()
            there = {text for _, text in self.having(kind, [(0, text) for text in each["text"].unique()])}
            found = pl.concat([found, each.filter(pl.col("text").is_in(list(there))).select("line")])
        return words["line"].is_in(found["line"].unique().implode())


_PATTERNS: Final[Mapping[SearchKind, str]] = MappingProxyType({
    "ssn": r"\d{3}[- ]?\d{2}[- ]?\d{4}", "member": r"[A-Za-z0-9-]*[0-9][A-Za-z0-9-]*",
    "name": r"[\p{L}'\x{2019}-]+",
})  # fmt: skip


def known_patients(workspace: Workspace) -> Known | None:
    """What is known of stored patients; None without patients or without a key of the user."""
    if not workspace.claims_database.exists():
        return None
    try:
        keys = tuple(searching_keys(workspace))
    except PermissionDenied:
        return None
    with reading(workspace) as connection:
        # Of the package: a connection of the store has neither relations nor Arrow of its own (store.engine).
        told: Any = duckdb.sql(
            f"SELECT {', '.join(_COLUMNS.values())} FROM patients", connection=connection.cursor()
        )
        found = told.to_arrow_table()
        people = pl.DataFrame(found)
    if not keys or not people.height:
        return None
    return Known({kind: people[name].drop_nulls().unique() for kind, name in _COLUMNS.items()}, keys)
