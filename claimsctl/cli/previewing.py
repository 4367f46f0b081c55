"""What `preview` shows: the mapping, types, a masked sample, findings, and how long a run would take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.cli.run import Options, console, notifier, settings_in_force, settle
from claimsctl.cli.state import State
from claimsctl.facts.typed import Layout, clean_text
from claimsctl.process.core import Outcome, check_inputs
from claimsctl.process.intake import Input, SpilledPart
from claimsctl.process.prepare import open_inputs
from claimsctl.process.routing import Reviewed
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.short_records import TRUSTED
from claimsctl.process.summary import (
    control_summary,
    findings_summary,
    mapping_summary,
    rules_summary,
    unread_summary,
)
from claimsctl.process.timing import Timings
from claimsctl.security import audit
from claimsctl.security.masking import MASKED, mask_expr
from claimsctl.store.workspace import Workspace
from claimsctl.validate.findings import doubtful

SAMPLE_ROWS = 5
_SECONDS_TO_START = 1.5
_SECONDS_PER_CELL = 2.5e-7  # measured by benchmarks/bench.py; a rough guide on other machines


class _FirstRows:
    """Keeps the first rows that pass by, masked."""

    def __init__(self) -> None:
        self.header: list[str] = []
        self.rows: list[tuple[object, ...]] = []
        self.row_numbers: list[int] = []
        self._places: pl.Series = pl.Series("row_index", [], dtype=pl.UInt32)
        self._layout = Layout({})

    def findings(self, findings: pl.DataFrame) -> None:
        """The preview shows counts, not findings."""

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """The preview shows counts, not records."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Take the first rows of the first input."""
        del rejected
        if self.rows:
            return
        rows = part.rows.head(SAMPLE_ROWS)
        header_map = part.input.header_map
        text = clean_text(rows, part.input.layout, list(BY_NAME))
        columns = [mask_expr(BY_NAME[name], pl.col(name)).alias(name) for name in text.columns]
        shown = text.select(columns)
        for index, name in header_map.x_names.items():
            masked = rows.select(mask_expr(None, pl.col(f"c{index}")).alias(name))
            shown = shown.with_columns(masked.to_series())
        self.header = shown.columns
        self.rows = shown.rows()
        self.row_numbers = rows["row_number"].to_list()
        self._places = part.frame["row_index"].head(SAMPLE_ROWS)
        self._layout = part.input.layout

    def mask_doubtful(self, parts: Sequence[SpilledPart]) -> None:
        """Mask the cells of short records that may be another column's, such as a name among numbers."""
        found = [part.seen.trusted for part in parts if part.seen.trusted is not None]
        if not found:
            return
        trusted = self._places.to_frame().join(
            pl.concat(found), on="row_index", how="left", maintain_order="left"
        )[TRUSTED]
        doubt = doubtful(self.header, trusted, self._layout).to_list()
        self.rows = [
            tuple(MASKED if doubt[n * len(self.rows) + at] and cell else cell for n, cell in enumerate(row))
            for at, row in enumerate(self.rows)
        ]


def run_preview(state: State, options: Options) -> None:
    """Look at the first rows of each input and print what was seen.

    Where there is no workspace none is made for files, and nothing is recorded; what is read of databases and
    of standard input always is.
    """
    settings = settings_in_force(state)
    request, rulebook, _ = settle(options, settings)
    # Standard input is put aside as it came: where a kill would leave it, the next command must find it.
    kept_apart = bool(request.sources) or "-" in request.inputs
    without = Workspace.is_missing(settings.workspace) and not kept_apart
    workspace = None if without else Workspace.open(settings.workspace)
    sample = _FirstRows()
    with _scratch(workspace) as spill:
        inputs = open_inputs(request, spill, settings.mapping)
        outcome = check_inputs(request, rulebook, inputs, spill, [sample], timings=Timings())
        sample.mask_doubtful(outcome.intake.parts)
    if workspace is not None:
        audit.record(workspace, "preview", notify=notifier(state), count=outcome.ledger.rows.read)
    seen = describe_preview(rulebook, outcome, sample, options.limit)
    if state.json:
        print(json.dumps(seen, indent=2, default=str))
        return
    from claimsctl.cli.render_preview import render_preview

    render_preview(seen, console(state))


@contextmanager
def _scratch(workspace: Workspace | None) -> Iterator[Path]:
    """A private directory for the block: of the workspace, else of the system."""
    if workspace is not None:
        with workspace.scratch() as place:
            yield place
        return
    with TemporaryDirectory(prefix="claimsctl-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def describe_preview(
    rulebook: Rulebook, outcome: Outcome, sample: _FirstRows, looked_at: int | None
) -> dict[str, object]:
    """What the preview says, as data; `looked_at` rows of each input were read at most."""
    inputs = outcome.intake.inputs
    mapping = mapping_summary(inputs)
    columns = mapping["columns"]
    assert isinstance(columns, dict)
    return {
        "inputs": [
            {"path": str(each.source.path), "format": each.source.format, "bytes": each.source.bytes,
             "rows_looked_at": each.rows, **each.source.told()}
            for each in inputs
        ],
        "mapping": mapping,
        "types": {name: BY_NAME[name].type for name in columns},
        "sample": {"header": sample.header, "row_numbers": sample.row_numbers, "rows": sample.rows},
        "warnings": list(_warnings(inputs, outcome)),
        **outcome.ledger.as_dict(),
        **findings_summary(outcome.book),
        **control_summary(rulebook.control, outcome.book),
        "unread": unread_summary(inputs),
        "rules": rules_summary(rulebook, outcome),
        "estimate": _estimate(inputs, looked_at),
    }  # fmt: skip


def _warnings(inputs: Sequence[Input], outcome: Outcome) -> Iterator[str]:
    for each in inputs:
        name = each.source.name
        yield from each.source.notes()
        for column in each.header_map.missing:
            yield f"{name}: the required column {column} is missing; every claim would be rejected."
        if each.header_map.member_id_from_insurance_id:
            yield (
                f"{name}: member_id is read from an insurance id column; "
                "map it to payer_id if it holds payers."
            )
        if each.malformed:
            yield f"{name}: {each.malformed:,} of the records looked at cannot be read."
    if not outcome.intake.rows:
        yield "There are no claim lines."


def _estimate(inputs: Sequence[Input], looked_at: int | None) -> dict[str, object] | None:
    """Rows of the whole inputs, by the length of the rows looked at, and the time for them; None for JSON
    of which not all was looked at.
    """
    rows, seconds = 0.0, _SECONDS_TO_START
    for each in inputs:
        expected: float = each.rows
        if looked_at is not None and each.rows >= looked_at:
            found = each.source.expected_rows(each.text_bytes / each.rows) if each.text_bytes else None
            if found is None:
                return None
            expected = max(found, each.rows)
        rows += expected
        seconds += expected * len(each.source.header) * _SECONDS_PER_CELL
    return {"rows": round(rows), "seconds": round(seconds, 1)}
