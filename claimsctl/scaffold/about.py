"""Every setting in words: an example value as TOML, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SECTIONS_ABOUT: Final[Mapping[str, str]] = {
    "mapping": "Headers of your exports that claimsctl does not know by itself: theirs = ours. "
    "docs/columns.md has all columns. --map goes first.",
    "practice": "Your practices as billing providers, each a table [practice.<id>]. They fill columns that a "
    "file does not have or leaves blank. --practice <id> names one.",
    "payers": "Payers that the shipped list does not have, and what is different for those it has, each a "
    "table [payers.<payer_id>].",
    "rules": "Which rules run, and how severe they are. Packs in rules/ load by themselves.",
    "process": "Defaults of the options of `claimsctl process`; flags go first.",
    "inbox": "Runs with --move-to or --on-error (docs/inbox.md).",
    "pricing": "The terms lines are priced on (docs/pricing.md); what is not set is as Medicare pays.",
    "reference": "Where `claimsctl reference fetch` gets tables, if not from their publishers.",
}
"""What each table of claimsctl.toml is for."""

ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "practice.name": ('"Maple Street Health, PLLC"', "Name of the practice; fills billing_name."),
    "practice.npi": ('"1330200654"', "NPI that bills; fills billing_npi."),
    "practice.tax_id": ('"044410275"', "Tax number; fills billing_tax_id."),
    "practice.taxonomy": ('"193200000X"', "Taxonomy code; fills billing_taxonomy."),
    "practice.address": ('"410 Maple Street"', "Street; fills billing_address."),
    "practice.city": ('"Worcester"', "City; fills billing_city."),
    "practice.state": ('"MA"', "State; fills billing_state."),
    "practice.zip": ('"016082201"', "ZIP code, better with its last four digits; fills billing_zip."),
    "practice.locality": (
        '"14212/99"',
        "Medicare locality, carrier/locality; fills medicare_locality. `claimsctl reference show gpci` "
        "lists them.",
    ),
    "practice.practice_type": (
        '"therapy"',
        "Kind of practice; therapy allows only the usual psychotherapy codes.",
    ),
    "practice.payer": ('"87726"', "Payer of lines that name none."),
    "practice.profile": (
        '"session"',
        "Which columns a file must have: those of claims, of a list of sessions, or of status requests.",
    ),
    "practice.constants": ('{ place_of_service = "11" }', "Values for any other columns."),
    "practice.rules": (
        '{ without = ["DX-0*"] }',
        "What differs from [rules] for this practice: without, only and severity.",
    ),
    "rules.packs": (
        '["shared/our_rules.toml"]',
        "Further rule packs, beside this file or by their whole path.",
    ),
    "rules.without": ('["FIN-004", "TEL-*"]', "Rules that do not run, by code or pattern."),
    "rules.only": ('["PAT-*", "FIN-*"]', "Only these rules run."),
    "rules.severity": (
        '{ "PRV-031" = "info" }',
        "Other severities. An error rejects the claim, a warning or info never does.",
    ),
    "rules.payer": (
        '{ "87726" = { without = ["MOD-018"], severity = { "AUT-*" = "warning" } } }',
        "What differs for a payer: without, only and severity, also as a table [rules.payer.<payer_id>].",
    ),
    "rules.suppress": (
        '[{ code = "MOD-018", reason = "accepted until the edit is live, ticket 4417", until = 2026-12-31, '
        'payer_id = "87726" }]',
        "Findings put aside for a reason until a day, also as tables [[rules.suppress]]. They are counted "
        "in the summary. Keys: {suppress_keys}.",
    ),
    "process.practice": ('"maple-street"', "The practice of runs that name none: an id of [practice.<id>]."),
    "process.payer": ('"87726"', "Payer of lines that name none."),
    "process.profile": ('"professional"', "Which columns a file must have."),
    "process.practice_type": ('"therapy"', "Kind of practice, where the practice does not say it."),
    "process.out": (
        '"checked"',
        "Output directory of every run. It is never written to twice: leave it out, and each run makes "
        "claimsctl-out/<job>.",
    ),
    "process.output_format": ('"parquet"', "Format of the accepted claims."),
    "process.batch_size": (
        "50000",
        "Lines held in memory at a time, 100 to 5000000; 50000 where it is not set.",
    ),
    "process.duplicates": (
        '"error"',
        "A claim that was accepted before and comes again with other content is an error, is skipped, or "
        "takes the place of the old version.",
    ),
    "process.fail_on": ('"error"', "Exit with 1 when there are findings of this severity or above."),
    "process.safe_csv": (
        "true",
        "Neutralise what a spreadsheet would run as a formula in rejected and accepted CSV files too.",
    ),
    "process.confirm_above_mb": (
        "1000",
        "Ask a person at a terminal before inputs above so many megabytes; 0 never asks. 1000 where it is "
        "not set.",
    ),
    "inbox.out": ('"outbox"', "Where the output directories of its jobs go; beside this file."),
    "inbox.settle_seconds": (
        "5.0",
        "A file that changes within so many seconds is still being written, and waits for the next run.",
    ),
    "inbox.priority": (
        '{ "urgent*" = 10 }',
        "Priority by pattern of the file name; the highest goes first, 0 without a pattern.",
    ),
    "pricing.enabled": ("true", "Whether lines are priced at all."),
    "pricing.locality": ('"14212/99"', "Medicare locality of lines that name none; goes before ZIP codes."),
    "pricing.qualifying_apm_participant": (
        "true",
        "Pay by the conversion factor of qualifying participants of advanced payment models.",
    ),
    "pricing.work_floor": ("true", "Raise work indices below 1 to 1."),
    "pricing.work_floor_by_edition": (
        '{ "RVU26B" = false }',
        "The same for one edition of the fee schedule.",
    ),
    "pricing.participating": ("true", "Providers take assignment; false computes limiting charges."),
    "pricing.sequestration_percent": (
        "2.0",
        "Percent that sequestration takes off Medicare's share; 2 where it is not set.",
    ),
    "pricing.reduced_services_percent": (
        "50.0",
        "What a line with modifier 52 pays, in percent; without it the contractor decides.",
    ),
    "pricing.provider_percent": (
        '{ "363L" = 85.0 }',
        "Percent of the fee by the beginning of the taxonomy code.",
    ),
    "pricing.charge_factor": (
        "10.0",
        "A charge above so many times the expected amount is taken for a slip; 10 where it is not set.",
    ),
    "reference.base": (
        '"https://mirror.example/cms/"',
        "A directory or address that holds the published files.",
    ),
    "reference.sources": (
        '{ mue = "https://mirror.example/mue-{year}q{quarter}.zip" }',
        "The address of one table, with placeholders (docs/reference.md).",
    ),
}
"""Settings by table and name; `practice.` stands for every [practice.<id>]."""
