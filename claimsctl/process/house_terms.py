"""What the settings of a workspace come to, with what somebody asks for: practice, constants, rules, tables.

The command line and the Python API both ask here, so that they check the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from claimsctl.claim import PROFILES
from claimsctl.facts.table import Context
from claimsctl.house import severities_of
from claimsctl.price.schedule import Schedule
from claimsctl.process.control import with_control
from claimsctl.process.practice_types import require_practice_type
from claimsctl.process.price_line import LinePricing, require_locality
from claimsctl.process.rulebook import Rulebook, load_rulebook, payer_index, rule_packs
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.tables import Tables
from claimsctl.store.workspace import REFERENCE_DIRECTORY
from claimsctl.validate.ruleset import Selection

if TYPE_CHECKING:
    from claimsctl.settings import Settings


@dataclass(frozen=True)
class HouseTerms:
    """Whose claims are checked, as what, with which rules."""

    practice_id: str
    profile: str
    constants: Mapping[str, str]
    selection: Selection


def house_terms(
    settings: Settings,
    *,
    practice_id: str | None = None,
    profile: str | None = None,
    payer: str | None = None,
    practice_type: str | None = None,
    constants: Mapping[str, str] | None = None,
    selection: Selection | None = None,
) -> HouseTerms:
    """What is asked for over what the practice's settings say, and those over the house's.

    SettingsError for a practice that the settings do not have, UsageError for a mistyped kind of practice.
    """
    practice_id = practice_id or settings.process.practice or "default"
    practice, asked = settings.practice_named(practice_id), selection or Selection()
    house = {"payer_id": settings.process.payer, "practice_type": settings.process.practice_type}
    given = {"payer_id": payer, "practice_type": practice_type}
    ours, rules = practice.rules, settings.rules
    require_practice_type(practice_type, "--practice-type")
    require_practice_type((constants or {}).get("practice_type"), "practice_type")
    require_practice_type(
        practice.columns().get("practice_type"), f"[practice.{practice_id}] practice_type", settings=True
    )
    require_practice_type(settings.process.practice_type, "[process] practice_type", settings=True)
    return HouseTerms(
        practice_id,
        profile or practice.profile or settings.process.profile or PROFILES[0],
        {
            **{name: value for name, value in house.items() if value},
            **practice.columns(),
            **{name: value for name, value in given.items() if value},
            **(constants or {}),
        },
        Selection(
            frozenset(code.upper() for code in asked.only or ours.only or rules.only),
            frozenset(code.upper() for code in (*asked.without, *ours.without, *rules.without)),
            severities_of(severities_of(rules.severity, ours.severity), asked.severities),
        ),
    )


def house_rulebook(
    settings: Settings,
    selection: Selection,
    packs: Sequence[str],
    *,
    practice_id: str,
    run_date: date,
    locality: str | None = None,
) -> Rulebook:
    """Shipped packs, those of the settings and of the workspace, then `packs`; with the workspace's loaded
    tables, payers, suppressions and rules by payer, as they are in force on a day.

    Lines are priced on the terms of the settings, at `locality` where nothing says another.
    """
    rulebook = load_rulebook(
        selection,
        rule_packs((*settings.rule_packs(), *packs), settings.workspace),
        settings.payers,
        EditionStore(settings.workspace / REFERENCE_DIRECTORY),
        run_date=run_date,
        terms=settings.pricing.terms(locality),
    )
    return house_control(rulebook, settings, practice_id=practice_id, run_date=run_date)


def house_pricing(
    settings: Settings,
    *,
    practice_id: str,
    run_date: date,
    locality: str | None = None,
) -> LinePricing:
    """What prices lines on the terms of the settings, at `locality` where nothing says another. Also where
    the settings turn pricing off in runs. UsageError for a locality that no table has.
    """
    terms = replace(settings.pricing, enabled=True).terms(locality)
    assert terms is not None
    tables = Tables.shipped().with_editions(EditionStore(settings.workspace / REFERENCE_DIRECTORY))
    tables = tables.with_entries("payers", settings.payers)
    schedule = Schedule(tables, terms)
    require_locality(schedule)
    return LinePricing(schedule, Context(run_date, practice_id, payer_index(tables)), tables)


def house_control(rulebook: Rulebook, settings: Settings, *, practice_id: str, run_date: date) -> Rulebook:
    """The rulebook with the suppressions and rules by payer of the settings, for a practice and a day."""
    if not settings.rules.suppress and not settings.rules.payer:
        return rulebook
    return with_control(
        rulebook,
        settings.rules.suppressions(),
        settings.rules.payer,
        practice_id=practice_id,
        practices={*settings.practice, practice_id},
        run_date=run_date,
    )
