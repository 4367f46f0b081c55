"""The table of tables in reference_data/README.md, written from tables.toml."""

from __future__ import annotations

from claimsctl.reference.manifest import TableSpec, read_shipped, shipped_specs


def overview() -> str:
    """One Markdown row per shipped table: rows, edition, source, licence."""
    lines = ["| table | rows | edition | what | source | licence |", "|---|--:|---|---|---|---|"]
    for spec in shipped_specs().values():
        rows = f"{read_shipped(spec).height:,}"
        editions = ", ".join(edition.name for edition in spec.editions)
        cells = (f"[{spec.name}](#{spec.name})", rows, editions, spec.title, spec.source, spec.licence)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def columns() -> str:
    """A section per shipped table with the columns that rules may look up."""
    return "\n\n".join(_columns(spec) for spec in shipped_specs().values())


def _columns(spec: TableSpec) -> str:
    lines = [f"### {spec.name}", "", "| column | type | meaning |", "|---|---|---|"]
    for index, column in enumerate(spec.columns):
        values = f" ({', '.join(column.values)})" if column.values else ""
        key = "**key** " if index == 0 else ""
        lines.append(f"| {column.name} | {column.type} | {key}{column.meaning}{values} |")
    return "\n".join(lines)
