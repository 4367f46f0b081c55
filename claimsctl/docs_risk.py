"""The tables of docs/risk.md that are written from the code; cog calls these."""

from __future__ import annotations

from claimsctl.score.points import OTHER, TABLE, WARNINGS


def points_markdown() -> str:
    """What adds points: the table of kinds, and that of warnings by category."""
    lines = ["| what | points | what helps |", "|---|--:|---|"]
    lines += [f"| {each.words} | {each.points} | {each.fix} |" for each in TABLE.values()]
    lines += ["", "| a warning of a rule about | points |", "|---|--:|"]
    by_points: dict[int, list[str]] = {}
    for category, points in WARNINGS.items():
        by_points.setdefault(points, []).append(category)
    for points, categories in sorted(by_points.items(), reverse=True):
        lines.append(f"| {', '.join(each.replace('_', ' ') for each in categories)} | {points} |")
    return "\n".join([*lines, f"| anything else | {OTHER} |"])
