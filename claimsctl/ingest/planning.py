"""What becomes of every line of a chunk: which bytes the fast reader gets, and what was read with care."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from claimsctl.ingest.careful import (
    MAX_FIELD_BYTES,
    MAX_RAW_BYTES,
    Blank,
    CarefulReader,
    NeedMore,
    Refused,
    damage,
    shown,
    split_record,
)
from claimsctl.ingest.parts import Malformed
from claimsctl.ingest.structure import Bools, Dialect, Ints, Lines, look

# Surplus delimiters at the end of a line that are cut off without a closer look.
_MAX_TRIM = 8


@dataclass(slots=True)
class Plan:
    """A chunk from physical line `number` on, decided.

    `used` bytes and `used_lines` lines of it are dealt with, the rest begins the next chunk.
    `text` holds the well-formed records whose first lines are `row_numbers`, and `lengths` how many fields
    each has, None where all have every one; `read` the records that only
    the careful reader could take. `bare_lines` are blank lines, which count only when records follow.
    """

    number: int
    text: bytes
    row_numbers: Ints
    lengths: Ints | None
    read: list[tuple[int, list[str | None]]]
    malformed: list[Malformed]
    bare_lines: Ints
    last_record: int
    used: int
    used_lines: int
    position: int = 0


@dataclass(slots=True)
class _Judged:
    """Decisions of the line-by-line part."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    read: list[tuple[int, list[str | None]]] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)
    stop: int = 0


def make_plan(chunk: bytes, number: int, dialect: Dialect, *, least: int, at_end: bool) -> Plan:
    """Decide every record of a chunk of whole lines, the first of which is physical line `number`.

    Records with fewer than `least` fields are malformed, others are padded. Unless `at_end`, a record
    that may go on after the chunk is left over.
    """
    lines = look(chunk, dialect)
    width = dialect.width
    bare = lines.ends == lines.starts
    plain = ~(lines.odd | lines.irregular | lines.damaged | bare) & lines.usual_end
    plain &= (lines.nexts - lines.starts) <= MAX_FIELD_BYTES
    keep = plain & (lines.fields == width)
    short = plain & (lines.fields < width) & (lines.fields >= max(least, 2))
    trimmed = _trimmable(chunk, lines, plain, dialect)
    whole = keep.all()
    keep |= short | (trimmed > 0)
    if whole:
        judged = _Judged(stop=len(lines))
        starts = keep
    else:
        judged = _judge(chunk, lines, ~(keep | bare), number, dialect, least=least, at_end=at_end)
        keep, bare, starts = _apply(judged, keep, bare)
        # A line within a quoted field may look as if it had surplus fields; it stays as it is.
        trimmed[~starts] = 0
    stop = judged.stop
    first_lines = np.flatnonzero(starts)
    last_record = _last_record(judged, keep, number)
    return Plan(
        number=number,
        text=_kept_text(chunk, lines, keep, trimmed, stop),
        row_numbers=first_lines + number,
        lengths=np.where(short, lines.fields, width)[first_lines] if short[first_lines].any() else None,
        read=judged.read,
        malformed=judged.malformed,
        bare_lines=np.sort(np.append(np.flatnonzero(bare) + number, np.array(judged.bare, np.int64))),
        last_record=last_record,
        used=int(lines.nexts[stop - 1]) if stop else 0,
        used_lines=stop,
    )


def _trimmable(chunk: bytes, lines: Lines, plain: Bools, dialect: Dialect) -> Ints:
    """For each line, how many surplus fields at its end are empty and can be cut off."""
    surplus = lines.fields - dialect.width
    trimmed = np.zeros(len(lines), np.int64)
    candidates = np.flatnonzero(plain & (surplus > 0) & (surplus <= _MAX_TRIM))
    if len(candidates):
        data = np.frombuffer(chunk, np.uint8)
        for extra in range(1, _MAX_TRIM + 1):
            chosen = candidates[surplus[candidates] == extra]
            tail = data[lines.ends[chosen, None] - np.arange(1, extra + 1)]
            empty = chosen[(tail == dialect.delimiter[0]).all(axis=1)]
            trimmed[empty] = extra
    return trimmed


def _judge(
    chunk: bytes, lines: Lines, suspicious: Bools, number: int, dialect: Dialect, *, least: int, at_end: bool
) -> _Judged:
    """Walk over the suspicious lines in order, each record once."""
    judged = _Judged(stop=len(lines))
    reader = CarefulReader(chunk, lines, dialect, least=least, at_end=at_end)
    record_end = lines.record_end.tolist()
    any_damage = bool(lines.damaged.any())
    following = 0
    for line in np.flatnonzero(suspicious).tolist():
        if line < following:
            continue
        last = record_end[line]
        if last >= 0 and not (any_damage and lines.damaged[line : last + 1].any()):
            judged.spans.append((line, last))
            following = last + 1
            continue
        if last >= 0:
            text = reader.text(line, last)
            outcome: Refused = Refused(last, damage(text), split_record(text, dialect).fields)
            judged.malformed.append(_malformed(outcome, line + number, text, dialect))
        else:
            try:
                result = reader.read(line)
            except NeedMore:
                judged.stop = line
                break
            if isinstance(result, Blank):
                judged.bare.append(line + number)
                last = line
            elif isinstance(result, Refused):
                last = result.last
                judged.malformed.append(_malformed(result, line + number, reader.text(line, last), dialect))
            else:
                last = result.last
                cells = [None if cell is None else cell.decode("utf-8") for cell in result.fields]
                judged.read.append((line + number, cells))
        following = last + 1
        if last > line:
            judged.covered.append((line, last))
    return judged


def _malformed(refused: Refused, row_number: int, text: bytes, dialect: Dialect) -> Malformed:
    # Two more than the header has tell that there are more, and what a surplus delimiter moved on.
    reason, fields = refused.reason, refused.fields[: dialect.width + 2]
    if len(text) > MAX_FIELD_BYTES:
        text = text[:MAX_RAW_BYTES]
        reason += " (raw text cut to 64 KB)"
    if text.isascii() and len(text) < MAX_RAW_BYTES:
        cells = [field.decode("ascii") for field in fields]
    else:
        cells = [shown(field[:MAX_RAW_BYTES]) for field in fields]
    return Malformed(row_number, reason, shown(text), cells)


def _apply(judged: _Judged, keep: Bools, bare: Bools) -> tuple[Bools, Bools, Bools]:
    """Correct the masks by what the walk found: kept lines, bare lines, first lines of kept records."""
    count = len(keep)
    within = np.zeros(count, np.bool_)
    for first, last in judged.covered:
        within[first : last + 1] = True
    starts = keep.copy()
    if judged.spans:
        firsts, lasts = np.array(judged.spans, np.int64).T
        step = np.zeros(count + 1, np.int64)
        step[firsts] += 1
        step[lasts + 1] -= 1
        spanned = np.cumsum(step[:-1]) > 0
        keep = keep | spanned
        bare = bare & ~spanned
        starts = starts & ~spanned
        starts[firsts] = True
    after = np.arange(count) >= judged.stop
    drop = within | after
    return keep & ~drop, bare & ~drop, starts & ~drop


def _last_record(judged: _Judged, keep: Bools, number: int) -> int:
    """Line of the last record, so that blank lines before it count; 0 when there is none."""
    kept = np.flatnonzero(keep)
    last = int(kept[-1]) + number if len(kept) else 0
    if judged.read:
        last = max(last, judged.read[-1][0])
    if judged.malformed:
        last = max(last, judged.malformed[-1].row_number)
    return last


def _kept_text(chunk: bytes, lines: Lines, keep: Bools, trimmed: Ints, stop: int) -> bytes:
    kept = np.flatnonzero(keep)
    if len(kept) == stop and not trimmed.any():
        return chunk if stop == len(lines) else chunk[: int(lines.nexts[stop - 1])] if stop else b""
    if not len(kept):
        return b""
    if not trimmed[kept].any():
        breaks = np.flatnonzero(np.diff(kept) > 1)
        first = kept[np.concatenate(([0], breaks + 1))]
        last = kept[np.concatenate((breaks, [len(kept) - 1]))]
        runs = zip(lines.starts[first].tolist(), lines.nexts[last].tolist(), strict=True)
        return b"".join([chunk[start:end] for start, end in runs])
    wanted = np.repeat(keep, lines.nexts - lines.starts)
    for line in np.flatnonzero(trimmed).tolist():
        wanted[lines.ends[line] - trimmed[line] : lines.ends[line]] = False
    return np.frombuffer(chunk, np.uint8)[wanted].tobytes()
