"""Inputs opened and mapped, and the cross-row facts their headers allow."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from claimsctl.claim import PATIENT_NAME, PROFILES
from claimsctl.errors import InputError, UsageError
from claimsctl.facts.typed import Layout
from claimsctl.ingest.headers import fold, recognise
from claimsctl.ingest.mapping import HeaderMap, map_headers, require_headers, required_columns
from claimsctl.ingest.parts import Telling
from claimsctl.ingest.sources import Source, open_sources
from claimsctl.process.fetched import fetch_sources
from claimsctl.process.file_rules import EXACT_COPY
from claimsctl.process.intake import Input
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.sessions import DERIVED
from claimsctl.validate.checks import rule_names
from claimsctl.validate.cross import Group, plan_groups
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.ast import Call, Name
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.groups import OVER_LINES
from claimsctl.validate.language.parser import Expr
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import Where
from claimsctl.validate.ruleset import RuleSet

_TELLING = frozenset[str]().union(*(required_columns(profile) for profile in PROFILES))
"""Columns that some profile requires: a table without any of them is not one of claims."""


def open_inputs(
    request: Request, spool: Path, house_mapping: Mapping[str, str], progress: Progress = lambda *_: None
) -> list[Input]:
    """Open every input, fetch what comes from databases, and settle how headers map to canonical columns."""
    stdin = sys.stdin.buffer if "-" in request.inputs else None
    sources: list[Source] = []
    if request.inputs or not request.sources:
        sources += open_sources(
            request.inputs, stdin=stdin, spool_dir=spool, sheet=request.sheet,
            telling=telling_of(request, house_mapping),
        )  # fmt: skip
    if request.sheet is not None and not any(source.sheets for source in sources):
        raise UsageError(
            f"--sheet {request.sheet}: none of the inputs is a workbook.", hint="Leave --sheet out."
        )
    if request.sources:
        sources += fetch_sources(request, spool, house_mapping, sources, progress)
    return map_sources(sources, request, house_mapping)


def telling_of(request: Request, house: Mapping[str, str]) -> Telling:
    """Counts the columns of a header that claims need, as far as names and mappings tell."""
    chosen = {fold(header): column.strip().lower() for header, column in {**house, **request.mapping}.items()}

    def telling(header: Sequence[str]) -> int:
        known = (chosen.get(fold(text)) or (recognise(text) or ("",))[0] for text in header)
        return len({*known} & (_TELLING | {PATIENT_NAME}))

    return telling


def map_sources(sources: Sequence[Source], request: Request, house_mapping: Mapping[str, str]) -> list[Input]:
    """Settle how the headers of opened inputs map to canonical columns."""
    require_headers([source.header for source in sources], request.mapping)
    return [_map(source, request, house_mapping, strict=len(sources) == 1) for source in sources]


def _map(source: Source, request: Request, house: Mapping[str, str], *, strict: bool) -> Input:
    header_map = map_headers(
        source.header,
        extra=request.mapping,
        constants=request.constants,
        profile=request.profile,
        house=house,
        strict=strict,
    )
    if not header_map.columns.keys() & _TELLING and header_map.patient_name_index is None:
        # Not which headers: where the header line is missing they are a patient's data.
        what, asked = "its header names no column that claims need", ""
        if source.sheet_asked:
            what = f"the header of sheet {source.sheet!r} names no column that claims need"
        elif len(source.sheets) > 1:
            names = ", ".join(repr(name) for name in source.sheets)
            what = f"no header of its sheets ({names}) names a column that claims need"
            asked = ", or name the sheet with --sheet" if source.sheet_choosable else ""
        raise InputError(
            f"{source.path}: does not look like claims: {what}.",
            hint=f"Check that its first line names the columns{asked}; map yours with "
            '--map "Their Header=claim_number", '
            "or start from `claimsctl template download`.",
        )
    layout = layout_of(header_map)
    if request.profile == "session" and not layout.gives("claim_number"):
        layout = replace(layout, columns={**layout.columns, "claim_number": DERIVED})
    return Input(source, header_map, layout)


def layout_of(header_map: HeaderMap) -> Layout:
    """The header map as raw column names."""
    full_names = {
        who: f"c{index}"
        for who, index in (
            ("patient", header_map.patient_name_index),
            ("subscriber", header_map.subscriber_name_index),
        )
        if index is not None
    }
    return Layout(
        {name: f"c{index}" for name, index in header_map.columns.items()},
        dict(header_map.constants),
        full_names,
    )


def groups_for(
    ruleset: RuleSet, inputs: Sequence[Input], unread: str | None = None
) -> tuple[tuple[Group, ...], Mapping[str, str]]:
    """Aggregates that some input's headers allow, and the names of the claim's first and last row.

    `unread`: why earlier runs are not read, None where they are.
    """
    given = frozenset(name for each in inputs for name in rule_names().columns if each.layout.gives(name))
    # Whether the columns have values is known later, so that checks of the other rules may never be made.
    checks, _ = ruleset.mentioning(OVER_LINES).active(given, unread)
    checks = tuple(check for check in checks if check.rule.code != EXACT_COPY)
    aggregates: set[Aggregate] = set().union(*(check.aggregates for check in checks))
    span = {}
    for name, function in (("claim_first_row", "min_in"), ("claim_last_row", "max_in")):
        # Put together here: for texts that no pack holds the parser would have to be made.
        root = Call(function, (Name("claim"), Name("row_index")))
        expr = Expr(root, render(root), Where("claimsctl"))
        compiled = compile_expression(expr, rule_names(), {}, condition=False)
        (aggregate,) = compiled.aggregates
        aggregates.add(aggregate)
        span[name] = aggregate.name
    return plan_groups(aggregates, defer=True), span
