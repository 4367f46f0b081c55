"""What repairs look up, from the shipped tables and the user's payers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from claimsctl.fix.repairs import Knowledge
from claimsctl.reference.tables import Tables


def knowledge_of(payers: Mapping[str, Mapping[str, object]], as_of: date) -> Knowledge:
    """Payer ids and names, states of ZIP prefixes; `payers` are those of the settings."""
    return knowledge_from(Tables.shipped().with_entries("payers", payers), as_of)


def knowledge_from(tables: Tables, as_of: date) -> Knowledge:
    """The same from tables that are loaded already."""
    registry = tables["payers"].frame
    words = pl.concat([registry["name"], registry["aliases"].str.split(";").explode()])
    return Knowledge(
        payer_ids=_upper(registry["payer_id"]),
        payer_words=_upper(words),
        zip_states=dict(tables["zip3_state"].frame.select("zip3", "states").iter_rows()),
        as_of=as_of,
    )


def _upper(texts: pl.Series) -> frozenset[str]:
    return frozenset(texts.drop_nulls().str.strip_chars().str.to_uppercase())
