"""Which header of an input is which column: choices, conflicts, and what is missing."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from claimsctl import claim
from claimsctl.errors import MappingError
from claimsctl.ingest.headers import EXACT, FALLBACK, PAIR_PARTS, SYNONYM, fold, recognise, spellings

# FILE-002: equal ranks conflict, a lower-ranked header is carried through.
_CHOSEN: Final = 1  # before every rank of `headers`
_HOW: Final = {EXACT: "exact name", SYNONYM: "synonym", FALLBACK: "fallback synonym"}
_IGNORE: Final = frozenset({"", "ignore"})
_OWN_MARKS: Final = frozenset({"error_codes", "error_messages"})
_OWN_ROW: Final = "row_number"
_OWN_PRICES: Final = frozenset({"expected_allowed_amount", "pricing_status"})
_OWN_RISKS: Final = frozenset({"denial_risk", "risk_reasons"})
_LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class HeaderMap:
    """Where every canonical column comes from in one input.

    `columns`, `ignored`, `x_names`, `own_columns` and the two name indexes number raw columns from 0.
    `constants` stand in where the column is not in the file or its cell is blank. `missing` names the
    first alternative of each unmet requirement; `alternatives` says, for such a column, what would do
    instead ("payer_name"). `own_columns` are row_number, error_codes and error_messages of a rejected
    file that is fed back, the price columns of an accepted or priced one, and risks: they are dropped.
    `member_id_from_insurance_id`: the header reads "Ins ID" or "Insurance ID", which some
    practices fill with payer codes.
    """

    columns: Mapping[str, int]
    constants: Mapping[str, str]
    patient_name_index: int | None
    ignored: Mapping[int, str]
    missing: tuple[str, ...]
    how: Mapping[str, str]
    subscriber_name_index: int | None = None
    own_columns: Mapping[int, str] = field(default_factory=dict)
    x_names: Mapping[int, str] = field(default_factory=dict)
    alternatives: Mapping[str, str] = field(default_factory=dict)
    member_id_from_insurance_id: bool = False


def parse_map(entries: Iterable[str]) -> dict[str, str]:
    """Read `--map` options "Their Column=procedure_code"; the last equals sign parts the two."""
    parsed: dict[str, str] = {}
    for entry in entries:
        header, equals, column = entry.rpartition("=")
        if not equals or not header.strip():
            raise MappingError(
                f"--map {entry!r} is not HEADER=COLUMN.", hint='Write --map "Their Column=procedure_code".'
            )
        if header.strip() in parsed and parsed[header.strip()] != column.strip():
            raise MappingError(f"--map gives header {header.strip()!r} two columns.", hint="Keep one.")
        parsed[header.strip()] = column.strip()
    return parsed


def parse_set(entries: Iterable[str]) -> dict[str, str]:
    """Read `--set` options "billing_npi=1234567893"; the first equals sign parts the two."""
    parsed: dict[str, str] = {}
    for entry in entries:
        column, equals, value = entry.partition("=")
        if not equals:
            raise MappingError(
                f"--set {column!r} has no value.", hint="Write --set column=value, such as --set units=1."
            )
        parsed[_column_named(column, "--set")] = value.strip()
    return parsed


def require_columns(names: Iterable[str], where: str) -> None:
    """Refuse names that are no canonical column; `where` they were given is said in the message."""
    for name in names:
        _column_named(name, where)


def require_headers(headers: Sequence[Sequence[str]], names: Iterable[str], option: str = "--map") -> None:
    """Refuse headers named with an option, --map, that stand in none of the inputs.

    For runs with several inputs: call this once, then `map_headers(..., strict=False)` for each.
    """
    pools = [_Header(header) for header in headers]
    for name in names:
        if not any(pool.find(name) for pool in pools):
            raise _unknown_header(name, [label for pool in pools for label in pool.labels], option)


def required_columns(profile: str) -> frozenset[str]:
    """Every column that a requirement of the profile names, alternatives included."""
    names = {name for need in _requirements(profile) for option in need for name in option}
    swapped = claim.INSTITUTIONAL_INSTEAD.values() if profile == "professional" else ()
    return frozenset(names.union(swapped))


def map_headers(
    header: Sequence[str],
    *,
    extra: Mapping[str, str],
    constants: Mapping[str, str],
    profile: str,
    house: Mapping[str, str] = MappingProxyType({}),
    strict: bool = True,
) -> HeaderMap:
    """Decide which raw column feeds which canonical column.

    `extra` is `--map` (header -> column; an empty column or "ignore" carries the header through),
    `house` is `[mapping]` of the settings: headers of it that are not in this input are skipped, and
    `extra` overrides it. With `strict` false the same leniency holds for `extra`. Duplicate headers are
    addressed as "Mod (2)", blank ones as "column_7". Raises MappingError for an unknown header or
    column in a mapping, and when two headers map to one column with equal rank.
    """
    requirements = _requirements(profile)
    given = _Header(header)
    fixed = {_column_named(name, "--set"): text for name, text in constants.items() if text.strip()}
    chosen = _chosen(given, house, "[mapping]", strict=False)
    flagged = _chosen(given, extra, "--map", strict=strict)
    overridden = set(flagged.values()) - {""}
    chosen = {index: column for index, column in chosen.items() if column not in overridden} | flagged

    own = _own_columns(given, chosen)
    candidates: dict[str, list[tuple[int, int]]] = {}
    for index, text in enumerate(given.texts):
        if index in own:
            continue
        if index in chosen:
            if chosen[index]:
                candidates.setdefault(chosen[index], []).append((_CHOSEN, index))
        elif (found := recognise(text)) is not None:
            candidates.setdefault(found[0], []).append((found[1], index))
    _settle_full_names(candidates)
    best = _resolve(given, candidates)
    how = {}
    for column, (rank, index) in best.items():
        source = ("--map" if index in flagged else "[mapping]") if rank == _CHOSEN else _HOW[rank]
        split = ", split" if column in PAIR_PARTS else ""
        for part in PAIR_PARTS.get(column, (column,)):
            how[part] = f"header {given.labels[index]!r} ({source}{split})"
    for column, text in fixed.items():
        shown = repr(text) if claim.BY_NAME[column].phi == "none" else "(not shown)"
        how.setdefault(column, f"constant {shown}")

    taken = {index for _, index in best.values()}
    ignored = {i: text for i, text in enumerate(given.texts) if i not in taken and i not in own}
    missing = _missing(requirements, profile, set(how))
    return HeaderMap(
        columns={c.name: best[c.name][1] for c in claim.COLUMNS if c.name in best},
        constants=fixed,
        patient_name_index=best[claim.PATIENT_NAME][1] if claim.PATIENT_NAME in best else None,
        subscriber_name_index=best[claim.SUBSCRIBER_NAME][1] if claim.SUBSCRIBER_NAME in best else None,
        ignored=ignored,
        own_columns=own,
        x_names=x_names(ignored),
        missing=tuple(missing),
        alternatives={column: other for column, other in missing.items() if other},
        how={c.name: how[c.name] for c in claim.COLUMNS if c.name in how},
        member_id_from_insurance_id=_is_insurance_id(given, best.get("member_id")),
    )


def x_names(ignored: Mapping[int, str]) -> dict[int, str]:
    """Unique `x_<name>` of carried-through headers in snake case; a blank seventh one is x_column_7."""
    names: dict[int, str] = {}
    used: set[str] = set()
    for index in sorted(ignored):
        stem = _snake_case(ignored[index]).removeprefix("x_") or f"column_{index + 1}"
        name, number = f"x_{stem}", 1
        while name in used:
            number += 1
            name = f"x_{stem}_{number}"
        used.add(name)
        names[index] = name
    return names


class _Header:
    """The headers of one input and the names by which a user can address them."""

    def __init__(self, header: Sequence[str]) -> None:
        self.texts = [text.strip() for text in header]
        times = Counter(self.texts)
        seen: Counter[str] = Counter()
        self.labels: list[str] = []
        for position, text in enumerate(self.texts, start=1):
            seen[text] += 1
            if not text:
                self.labels.append(f"column_{position}")
            else:
                line = " ".join(text.split())  # spreadsheet headers may hold line breaks
                self.labels.append(f"{line} ({seen[text]})" if times[text] > 1 else line)

    def find(self, name: str) -> list[int]:
        """Indexes of the headers a user may mean: as written, else as labelled, else as folded."""
        name = name.strip()
        for names in (self.texts, self.labels):
            if name and (found := [index for index, text in enumerate(names) if text == name]):
                return found
        folded = fold(name)
        return [index for index, text in enumerate(self.texts) if folded and fold(text) == folded]


def _chosen(given: _Header, mapping: Mapping[str, str], where: str, *, strict: bool) -> dict[int, str]:
    """Raw index -> column ("" to carry through) as a mapping says."""
    chosen: dict[int, str] = {}
    for name, target in mapping.items():
        folded = target.strip().lower()
        column = "" if folded in _IGNORE else _column_named(target, where, also=tuple(PAIR_PARTS))
        found = given.find(name)
        if not found and strict:
            raise _unknown_header(name, given.labels)
        if len(found) > 1:
            labels = " and ".join(repr(given.labels[index]) for index in found)
            raise MappingError(
                f"{where}: {name.strip()!r} stands {len(found)} times in the header, as {labels}.",
                hint=f'Name one of them: --map "{given.labels[found[0]]}={target.strip()}".',
            )
        for index in found:
            if chosen.setdefault(index, column) != column:
                raise MappingError(
                    f"{where} gives header {given.labels[index]!r} two columns: "
                    f"{chosen[index] or 'ignore'} and {column or 'ignore'}.",
                    hint="Keep one of them.",
                )
    return chosen


def _own_columns(given: _Header, chosen: Mapping[int, str]) -> dict[int, str]:
    """The columns we add to rejected, accepted and priced files; one alone may be the user's own."""
    names = {index: text.lower() for index, text in enumerate(given.texts) if index not in chosen}
    ours = set(_OWN_MARKS.intersection(names.values()))
    if ours:
        ours.add(_OWN_ROW)
    if _OWN_PRICES.issubset(names.values()):
        ours.update(claim.PRICE_COLUMNS)
    if _OWN_RISKS.issubset(names.values()):
        ours.update(claim.RISK_COLUMNS)
        if "risk_band" not in names.values():  # a held file; an accepted one has no row_number of ours
            ours.add(_OWN_ROW)
    return {index: name for index, name in names.items() if name in ours}


def _settle_full_names(candidates: dict[str, list[tuple[int, int]]]) -> None:
    """A full-name header is split only where no header holds a part of the name, or the user says so."""
    for full, parts in PAIR_PARTS.items():
        there = [part for part in parts if part in candidates]
        by_choice = any(rank == _CHOSEN for rank, _ in candidates.get(full, ()))
        part_by_choice = any(rank == _CHOSEN for part in there for rank, _ in candidates[part])
        if by_choice and not part_by_choice:
            for part in there:
                del candidates[part]
        elif there:
            candidates.pop(full, None)


def _resolve(given: _Header, candidates: Mapping[str, list[tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    """The best (rank, index) of every column; two of equal rank are an error."""
    best: dict[str, tuple[int, int]] = {}
    conflicts: list[tuple[str, list[str]]] = []
    for column, ranked in candidates.items():
        top = min(rank for rank, _ in ranked)
        winners = [index for rank, index in ranked if rank == top]
        best[column] = (top, winners[0])
        if len(winners) > 1:
            conflicts.append((column, [given.labels[index] for index in winners]))
    if conflicts:
        texts = [f"{_joined([repr(label) for label in labels])} {'both' if len(labels) == 2 else 'all'} "
                 f"map to {column}" for column, labels in conflicts]  # fmt: skip
        raise MappingError(f"Headers {'; headers '.join(texts)}.", hint=_way_out(*conflicts[0]))
    return best


def _way_out(column: str, labels: Sequence[str]) -> str:
    second = f"{column.removesuffix('1')}2"
    if column.endswith("_1") and second in claim.BY_NAME:
        return f'If they are a list, say --map "{labels[1]}={second}" and so on; else drop or rename one.'
    return f'Say which one holds it: --map "{labels[0]}={column}", or drop or rename the other.'


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _requirements(profile: str) -> tuple[claim.Requirement, ...]:
    if profile not in claim.REQUIRED_TO_RUN:
        raise MappingError(
            f"There is no profile {profile!r}{_did_you_mean(profile, claim.PROFILES)}",
            hint=f"Profiles are {', '.join(claim.PROFILES)}.",
        )
    return claim.REQUIRED_TO_RUN[profile]


def _missing(requirements: tuple[claim.Requirement, ...], profile: str, there: set[str]) -> dict[str, str]:
    """First column of each unmet requirement -> what would do instead ("" when nothing would)."""
    swap = claim.INSTITUTIONAL_INSTEAD if profile == "professional" and "bill_type_code" in there else {}
    missing: dict[str, str] = {}
    for need in requirements:
        options = tuple(tuple(swap.get(name, name) for name in option) for option in need)
        if any(there.issuperset(option) for option in options):
            continue
        missing[options[0][0]] = ", or ".join(_joined(option) for option in options[1:])
    return missing


def _is_insurance_id(given: _Header, source: tuple[int, int] | None) -> bool:
    if source is None or source[0] != SYNONYM:
        return False
    folded = fold(given.texts[source[1]])
    return any(folded in spellings(text) for text in claim.INSURANCE_ID_SYNONYMS)


def _column_named(name: str, where: str, *, also: tuple[str, ...] = ()) -> str:
    """The canonical column a user names, in any case; MappingError with a suggestion otherwise."""
    names = (*claim.BY_NAME, *also)
    tidy = name.strip().lower()
    if tidy in names:
        return tidy
    known = recognise(name)
    guess = f"; did you mean {known[0]!r}?" if known and known[0] in names else _did_you_mean(tidy, names)
    raise MappingError(
        f"{where}: there is no column {name.strip()!r}{guess}",
        hint="docs/columns.md lists all columns, `claimsctl template download` the usual ones.",
    )


def _unknown_header(name: str, labels: Sequence[str], option: str = "--map") -> MappingError:
    # Where no header is known the file may lack its header line: what stands there is a patient's data.
    shown = labels if any(recognise(label) for label in labels) else ()
    folded = {fold(label): label for label in shown}
    close = difflib.get_close_matches(fold(name), folded, n=1, cutoff=0.6)
    guess = f"; did you mean {folded[close[0]]!r}?" if close else "."
    return MappingError(
        f"{option}: the input has no header {name.strip()!r}{guess}",
        hint="`claimsctl preview` shows the headers of a file.",
    )


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "."


def _snake_case(text: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    plain = unicodedata.normalize("NFKD", parted).casefold()
    kept = "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in plain)
    return "_".join(kept.split())[:_LONGEST_NAME].strip("_")
