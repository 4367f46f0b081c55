"""Facts of a line that pricing gives, and what it must offer to give them.

Facts know nothing of fee schedules: a run hands them something that prices (process.pricing), as it
hands them the NCCI edits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import polars as pl

TYPES: Final = {
    "expected_allowed_amount": "decimal",
    "pricing_status": "text",
    "pricing_source": "text",
    "work_rvu": "decimal",
    "pe_rvu": "decimal",
    "mp_rvu": "decimal",
    "total_rvu": "decimal",
    "gpci_work": "decimal",
    "gpci_pe": "decimal",
    "gpci_mp": "decimal",
    "conversion_factor": "decimal",
    "modifier_adjustment": "text",
    "limiting_charge": "decimal",
    "statutory_adjustment": "text",
    "adjusted_allowed_amount": "decimal",
    "expected_net_amount": "decimal",
    "pricing_note": "text",
    "charge_ceiling": "decimal",
}
"""Facts by their type in the rule language; null where a line is not priced (`pricing_status` says why).

`charge_ceiling` is the expected amount, without what modifiers and other services of the day take off it,
times `charge_factor` of the terms: a charge above it is a slip.
"""

_DTYPES: Final[dict[str, pl.DataType]] = {"decimal": pl.Decimal(18, 4), "text": pl.String()}
SCHEMA: Final = {name: _DTYPES[kind] for name, kind in TYPES.items()}
"""Their types in a frame; numbers are as those of claim columns."""


class Pricing(Protocol):
    """Something that prices lines, those of one day that reduce each other in two steps, as their claims may
    stand anywhere in the input: candidates of every part, then ranks over all of them."""

    @property
    def needed(self) -> Collection[str]:
        """Columns and facts it reads."""

    @property
    def candidate_columns(self) -> Sequence[str]:
        """Columns of `candidates`, the first is row_index."""

    def candidates(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What ranks a line among others of its day, aligned with the rows."""

    def ranks(self, rows: pl.LazyFrame, candidates: pl.LazyFrame) -> pl.LazyFrame:
        """What the candidates of all parts do to each other, aligned with `rows` (row_index)."""

    def price(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns of TYPES, aligned with the rows; a frame without ranks is ranked by itself."""


def with_prices(frame: pl.DataFrame, pricing: Pricing | None) -> pl.DataFrame:
    """The frame with the columns of TYPES; all null where nothing prices."""
    if pricing is None:
        return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in SCHEMA.items())
    prices = pricing.price(frame).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    return frame.with_columns(prices.get_columns())
