"""What is decided once per input before its parts are checked: which checks run, which columns they need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts import ncci, originals, priced
from claimsctl.facts.priced import Pricing
from claimsctl.process.control import Control, Steering
from claimsctl.process.keying import CONTENT
from claimsctl.process.routing import CLAIM_FIRST, CLAIM_LAST
from claimsctl.process.stored_before import STORED
from claimsctl.validate.checks import Check, names_needed
from claimsctl.validate.cross import Group
from claimsctl.validate.dated import Served, Unserved, unserved_times
from claimsctl.validate.findings import display_names

ROUTED = (CONTENT, "claim_id", "line_number_in_claim", "row_number", "row_index", CLAIM_FIRST, CLAIM_LAST)


@dataclass(frozen=True)
class InputPlan:
    """What is decided once per input: the checks that run, the columns they and the outputs need.

    `checks` are what hits may point to: those `evaluated`, what `steering` adds, and those `built_in` (by
    code and field), whose findings are made in code. `told` are the columns that findings, scores and
    outputs read, `kept` the outputs alone. `unserved` are the times that no edition of some table is for.
    """

    checks: tuple[Check, ...]
    evaluated: tuple[Check, ...]
    names: tuple[str, ...]
    told: frozenset[str]
    kept: tuple[str, ...]
    error_checks: pl.Series
    file_level: tuple[str, ...]
    repeat_check: Check | None
    rejects_all: bool = False
    steering: Steering | None = None
    unserved: tuple[Unserved, ...] = ()
    built_in: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @staticmethod
    def of(
        checks: Sequence[Check],
        present: frozenset[str],
        groups: Sequence[Group],
        repeat_check: Check | None,
        tables: Mapping[str, Served],
        *,
        stored: bool,
        rejects_all: bool = False,
        control: Control | None = None,
        pricing: Pricing | None = None,
        built_in: Sequence[Check] = (),
        scored: Collection[str] = (),
    ) -> InputPlan:
        """Plan for an input whose `present` columns have values; `scored` is read by scores."""
        kept = [name for name in BY_NAME if name in present]
        aggregates = {a.name for check in checks for a in check.aggregates}
        names = names_needed(checks) | display_names(checks) | set(kept)
        names |= {"claim_id", "claim_number", "payer_sequence", "line_number", "line_number_in_claim"}
        names |= {"row_number", "row_index"}
        steering = Steering.of(control, checks) if control else None
        names |= steering.names if steering is not None else set()
        for group in groups:
            names |= set(group.keys if group.deferred else ()).union(*(a.columns for a in group.deferred))
        names |= set(pricing.needed) if pricing is not None else set()
        names |= set(scored)
        names -= aggregates | ncci.TYPES.keys() | priced.TYPES.keys() | originals.TYPES.keys()
        names -= {CLAIM_FIRST, CLAIM_LAST, *STORED}
        kept += ["stored_claim"] if stored else []
        kept += priced.TYPES if pricing is not None else []
        evaluated = tuple(checks)
        unserved = tuple(unserved_times(evaluated, tables))
        steered = steering.checks if steering is not None else evaluated
        checks = (*steered, *built_in)
        kept = list(dict.fromkeys([*kept, "claim_number", "payer_sequence", *ROUTED]))
        told = display_names(checks) | {*kept, *scored, *STORED}
        told |= {
            root for check in checks for shown in check.shown.values() for root in shown.meta.root_names()
        }
        told |= steering.names if steering is not None else set()
        return InputPlan(
            tuple(checks),
            evaluated,
            tuple(sorted(names)),
            frozenset(told),
            tuple(kept),
            pl.Series([n for n, c in enumerate(checks) if c.severity == "error"], dtype=pl.UInt16),
            tuple({c.rule.code for c in checks if c.rule.level == "file"}),
            repeat_check,
            rejects_all,
            steering,
            unserved,
            {(check.rule.code, check.field): len(steered) + n for n, check in enumerate(built_in)},
        )
