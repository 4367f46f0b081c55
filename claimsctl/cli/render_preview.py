"""What a person sees of a preview: columns, sample rows, warnings, findings, the time a run takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from claimsctl.cli.control_lines import control_lines
from claimsctl.cli.fact_lines import mapping_line, unread_line, unserved_lines
from claimsctl.cli.render_findings import show_causes, show_codes
from claimsctl.cli.screen import Screen, byte_size, count, duration, new_table

if TYPE_CHECKING:
    from rich.console import Console


def render_preview(preview: Mapping[str, Any], console: Console) -> None:
    """Print what a run would do.

    Keys, all optional: `inputs`, `mapping`, `types` (column -> type), `sample` (header, row_numbers,
    rows; masked by the caller), `warnings` (texts), `causes`, `findings_by_code`,
    `estimate` (rows, seconds).
    """
    screen = Screen(console)
    for given in preview.get("inputs") or ():
        length = f", {byte_size(given['bytes'])}" if given.get("bytes") else ""
        screen.line(f"{given.get('path')} ({given.get('format')}{length})", "bold")
    _mapping_table(screen, preview)
    sample = preview.get("sample")
    if sample and sample.get("rows"):
        screen.heading("Sample rows, identifiers masked")
        render_sample(sample["header"], sample["rows"], console, row_numbers=sample.get("row_numbers"))
    warnings = [str(warning) for warning in preview.get("warnings") or ()]
    warnings += [": ".join(line) for line in control_lines(preview)]
    warnings += [text for _, text in unserved_lines(preview.get("rules") or {})]
    unread = unread_line(preview.get("unread") or ())
    warnings += [f"Unread: {unread}"] if unread else []
    if warnings:
        screen.heading("Warnings")
        for warning in warnings:
            screen.wrapped(warning, 2)
    show_causes(screen, preview.get("causes") or ())
    show_codes(screen, preview.get("findings_by_code") or ())
    estimate = preview.get("estimate")
    screen.gap()
    if estimate:
        rows, seconds = estimate["rows"], estimate["seconds"]
        screen.line(f"A full run over about {rows:,} rows takes about {duration(seconds)}.")
    elif estimate is None and "estimate" in preview:
        screen.line(
            "How many rows a full run has, and how long it takes, only reading all of them would tell."
        )
    screen.line("Nothing was written.", "bold")


def render_sample(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    console: Console,
    *,
    row_numbers: Sequence[int] | None = None,
) -> None:
    """Print a few rows turned on their side, one line per column; columns blank in all rows are counted.

    Long cells are shortened to fit; masking is the caller's.
    """
    screen = Screen(console)
    table = new_table("Column", *(f"Row {n:,}" for n in row_numbers or range(1, len(rows) + 1)))
    width = max((console.width - 2) // (len(rows) + 1) - 2, 6)
    for column in table.columns:
        column.no_wrap, column.max_width = True, width
        column.overflow = "ellipsis" if screen.unicode else "crop"
    table.columns[0].max_width = 2 * width if width < 15 else None
    blank = 0
    for name, *cells in zip(header, *rows, strict=True):
        if any(cell not in (None, "") for cell in cells):
            shown = ("" if cell is None else str(cell).replace("\n", " ") for cell in (name, *cells))
            table.add_row(*(screen.text(cell) for cell in shown))
        else:
            blank += 1
    screen.block(table)
    if blank:
        screen.line(f"  {count(blank, 'more column')} blank in these rows.", "dim")


def _mapping_table(screen: Screen, preview: Mapping[str, Any]) -> None:
    mapping = preview.get("mapping") or {}
    columns = mapping.get("columns") or {}
    if not columns:
        return
    types = preview.get("types") or {}
    screen.heading("Columns")
    screen.wrapped(mapping_line(mapping), 2)
    table = new_table("Column", "Type", "From")
    for name in columns:
        how = columns[name] if isinstance(columns, Mapping) else ""
        table.add_row(*(screen.text(str(cell)) for cell in (name, types.get(name, ""), how)))
    screen.block(table)
