"""Pages of docs/ that are generated from the code (cog calls these functions)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from claimsctl import claim

_PHI = {"identifier": "identifier (sealed, masked)", "quasi": "quasi-identifier", "none": ""}


def columns_markdown() -> str:
    """The reference of canonical columns: a table for every group, in canonical order."""
    return "\n".join(_column_lines())


def _column_lines() -> Iterator[str]:
    yield f"{len(claim.COLUMNS)} columns. Headers match after dropping case, accents, spaces and punctuation;"
    yield "`#` in a header also stands for No, Num, Nbr and Number. In brackets: headers used only where no"
    yield "other header maps to the column. *Required* names the profiles whose claims need a value;"
    yield "*claim* columns repeat their value on every line of the claim."
    for group, columns in groupby(claim.COLUMNS, key=lambda column: column.group):
        yield f"\n## {group[0].upper()}{group[1:]}\n"
        yield "| column | meaning | type | level | required | privacy | form / 837 | read from | example |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for column in columns:
            yield _row(column)
    yield "\n## Full names\n"
    yield "One header with the whole name is split into last and first name:"
    yield f"{', '.join(claim.PATIENT_NAME_SYNONYMS)} [{', '.join(claim.PATIENT_NAME_FALLBACKS)}] (patient);"
    yield f"{', '.join(claim.SUBSCRIBER_NAME_SYNONYMS)} (subscriber). `--map` calls them"
    yield f"`{claim.PATIENT_NAME}` and `{claim.SUBSCRIBER_NAME}`."
    yield "\n## What a file must bring\n"
    for profile, requirements in claim.REQUIRED_TO_RUN.items():
        needs = "; ".join(" or ".join(" + ".join(option) for option in need) for need in requirements)
        yield f"- `{profile}`: {needs}"
    swaps = "; ".join(f"`{new}` for `{old}`" for old, new in claim.INSTITUTIONAL_INSTEAD.items())
    yield f"\nA file with a `bill_type_code` column needs, of `professional`, {swaps}."


def _row(column: claim.Column) -> str:
    meaning = column.meaning
    if column.value_aliases:
        said: dict[str, list[str]] = {}
        for alias, code in column.value_aliases.items():
            said.setdefault(code, []).append(alias)
        readings = [f"{', '.join(texts)} as {code}" for code, texts in said.items()]
        meaning += f" (reads {'; '.join(readings)})"
    if column.max_length is not None:
        meaning += f"; at most {column.max_length} characters"
    kind = f"{column.type}, list parted by `;`" if column.is_list else column.type
    also = ", ".join(column.synonyms)
    if column.fallbacks:
        also += f" [{', '.join(column.fallbacks)}]"
    cells = (
        f"`{column.name}`", meaning, kind, column.level, ", ".join(sorted(column.required)),
        _PHI[column.phi], " / ".join(filter(None, (column.box, column.segment))), also,
        f"`{column.example}`",
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
