"""Finding the registry entry of a line's payer by id, alias or name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from claimsctl.facts.table import Context


@dataclass(frozen=True)
class PayerIndex:
    """Look-up tables of the payer registry: folded id, alias or name -> id; id -> type."""

    by_id: Mapping[str, str] = field(default_factory=dict)
    by_name: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(registry: Iterable[Mapping[str, str | None]]) -> PayerIndex:
        """Index of registry rows with keys payer_id, name, aliases (parted by semicolons), type.

        A name that belongs to two entries finds neither.
        """
        by_id: dict[str, str] = {}
        names: dict[str, set[str]] = {}
        short: dict[str, set[str]] = {}
        types: dict[str, str] = {}
        for row in registry:
            payer = str(row["payer_id"])
            by_id[payer.upper()] = payer
            short.setdefault(payer.upper().lstrip("0"), set()).add(payer)
            types[payer] = row.get("type") or ""
            aliases = [a.strip() for a in (row.get("aliases") or "").split(";") if a.strip()]
            for name in (row.get("name") or "", *aliases):
                names.setdefault(fold_name(name), set()).add(payer)
            for alias in aliases:
                short.setdefault(alias.upper(), set()).add(payer)
        for key, found in short.items():
            if len(found) == 1:
                by_id.setdefault(key, next(iter(found)))
        by_name = {name: next(iter(found)) for name, found in names.items() if name and len(found) == 1}
        return PayerIndex(by_id, by_name, types)


def fold_name(name: str) -> str:
    """Upper case, letters and digits only (catalogue PAY-004)."""
    return "".join(c for c in name.upper() if c.isalnum())


def payer_key(frame: pl.DataFrame, context: Context) -> Sequence[pl.Series]:
    """Registry id by payer_id (aliases, leading zeros), else by payer_name where there is no id."""
    index = context.payers
    pairs = frame.select("payer_id", "payer_name").unique()
    keys = [resolve_payer(payer_id, name, index) for payer_id, name in pairs.iter_rows()]
    found = frame.select("payer_id", "payer_name").join(
        pairs.with_columns(pl.Series("payer_key", keys, dtype=pl.String)),
        on=["payer_id", "payer_name"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return [found["payer_key"]]


def payer_named(frame: pl.DataFrame, context: Context) -> Sequence[pl.Expr]:
    """Registry id of the one payer that has payer_name as its name or alias."""
    names = frame["payer_name"].unique().drop_nulls()
    found = [context.payers.by_name.get(fold_name(name)) for name in names]
    column = pl.col("payer_name").replace_strict(names, found, default=None, return_dtype=pl.String)
    return [column.alias("payer_named")]


def resolve_payer(payer_id: str | None, name: str | None, index: PayerIndex) -> str | None:
    """Registry id of a payer by id, alias or name; null if none or several fit."""
    if payer_id is not None:
        folded = payer_id.strip().upper()
        return (
            index.by_id.get(folded)
            or index.by_id.get(folded.lstrip("0"))
            or index.by_name.get(fold_name(payer_id))
        )
    return index.by_name.get(fold_name(name)) if name is not None else None


def payer_type(_frame: pl.DataFrame, context: Context) -> Sequence[pl.Expr]:
    """Registry type of `payer_key`."""
    types = context.payers.types
    if not types:
        return [pl.lit(None, pl.String).alias("payer_type")]
    return [
        pl.col("payer_key")
        .replace_strict(list(types), list(types.values()), default=None, return_dtype=pl.String)
        .alias("payer_type")
    ]
