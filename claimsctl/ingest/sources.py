"""From what the user names - files, globs, directories, standard input - to opened sources."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final

from claimsctl.errors import InputError, OutputError
from claimsctl.ingest.csv_reader import CsvSource
from claimsctl.ingest.json_reader import JsonSource
from claimsctl.ingest.parquet import ParquetSource
from claimsctl.ingest.parts import RawPart, Source, Telling
from claimsctl.ingest.recognise import recognise
from claimsctl.ingest.sniff import detect_encoding, sniff
from claimsctl.ingest.stream import BLOCK, Held, InputFile, Limits, Utf8Stream, unreadable
from claimsctl.security.kept import IDENTITY, KEPT

__all__ = ["Limits", "RawPart", "Source", "input_bytes", "open_sources", "unique_names", "walk"]

TABLE_SUFFIXES = (".csv", ".tsv", ".psv", ".json", ".jsonl", ".ndjson")
WHOLE_SUFFIXES = (".xlsx", ".xlsm", ".parquet", ".pq")
COMPRESSION_SUFFIXES = (".gz", ".zst")
OUTPUT_MARK = "summary.json"
OUTPUT_DIRECTORY = "claimsctl-out"
STDIN_LABEL = "standard input"


_NAMELESS: Final = Path("/proc/self/fd")
"""Where Linux opens a file anew that is open but has no name."""


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    label: str
    held: Held | None = None


def open_sources(
    inputs: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    spool_dir: Path,
    sheet: str | None = None,
    telling: Telling | None = None,
    limits: Limits | None = None,
) -> list[Source]:
    """Open every input in the order given; a file named twice is read once.

    `-` is standard input, copied to `spool_dir` first (delete it with that directory). Names of sources
    are unique: a second `claims.csv` becomes `claims-2.csv`. Of a workbook the `sheet` is read, else the one
    whose header names columns that claims need, which `telling` counts. Raises InputError, naming the input,
    when one is missing, unreadable or not a table.
    """
    limits = limits or Limits()
    sources: list[Source] = []
    seen: set[tuple[int, int]] = set()
    names: set[str] = set()
    for found in _expand(inputs, stdin, spool_dir):
        _require_regular(found)
        file = InputFile.at(found.path, found.label, found.held)
        if file.identity in seen:
            continue
        seen.add(file.identity)
        name = _unique(_name(found.label, found.path), names)
        sources.append(_open(file, len(sources), name, sheet, telling, limits))
    return sources


def input_bytes(inputs: Sequence[str]) -> int:
    """Size of all inputs as stored; standard input, and what cannot be opened, counts as nothing."""
    total = 0
    for given in inputs:
        with suppress(InputError, OSError):
            if given != "-":
                total += sum(found.path.stat().st_size for found in _expand([given], None, Path()))
    return total


def _open(
    file: InputFile, index: int, name: str, sheet: str | None, telling: Telling | None, limits: Limits
) -> Source:
    recognised = recognise(file, limits)
    if recognised.format == "parquet":
        return ParquetSource(file, index, name, limits)
    if recognised.format == "xlsx":
        from claimsctl.ingest.excel import ExcelSource

        return ExcelSource(file, index, name, limits, sheet, telling)
    if recognised.format == "json":
        return JsonSource(file, index, name, recognised, limits)
    return CsvSource(file, index, name, recognised, limits)


def unique_names(labels: Iterable[str]) -> list[str]:
    """The names that sources of these paths (as `Source.path` has them) got in a run, in their order."""
    taken: set[str] = set()
    return [_unique(_name(label, Path(label)), taken) for label in labels]


def _name(label: str, path: Path) -> str:
    return "stdin" if label == STDIN_LABEL else path.name


def _unique(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    stem, dot, suffix = name.partition(".")
    while candidate.casefold() in taken:
        count += 1
        candidate = f"{stem}-{count}{dot}{suffix}"
    taken.add(candidate.casefold())
    return candidate


def _expand(inputs: Sequence[str], stdin: BinaryIO | None, spool_dir: Path) -> Iterator[_Found]:
    if not inputs:
        raise InputError(
            "No input was given.", hint="Name a file, a directory, a glob, or - for standard input."
        )
    spooled = False
    for given in inputs:
        if given == "-":
            if not spooled:
                yield _spool(stdin, spool_dir)
            spooled = True
            continue
        if "\0" in given or not given:
            raise InputError(
                f"{given!r}: is not a file name.", hint="Name a file, a directory, a glob, or -."
            )
        path = Path(given)
        if path.is_dir():
            yield from _directory(path, given)
        elif not os.path.lexists(path) and glob.has_magic(given):
            yield from _glob(given)
        else:
            yield _Found(path, given)


def _spool(stdin: BinaryIO | None, spool_dir: Path) -> _Found:
    """Copy standard input to a private file, because reading takes more than one look.

    Where the system can read a file that has no name any more, it has none: it is gone when this process is,
    however that ends.
    """
    if stdin is None:
        raise InputError(
            "- (standard input): nothing is connected to it.", hint="Pipe a claim file into the command."
        )
    target = spool_dir / "stdin"
    try:
        handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise _cannot_spool(error) from None
    held: Held | None = None
    if _NAMELESS.is_dir():
        target.unlink()
        held = Held(handle)
        target = _NAMELESS / str(held.handle)
    with os.fdopen(handle, "wb") as spool:
        while True:
            try:
                data = stdin.read(BLOCK)
            except OSError as error:
                raise unreadable(STDIN_LABEL, error) from None
            if not data:
                break
            try:
                spool.write(data)
                spool.flush()
            except OSError as error:
                raise _cannot_spool(error) from None
    return _Found(target, STDIN_LABEL, held)


def _cannot_spool(error: OSError) -> OutputError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return OutputError(
        f"Standard input cannot be copied to the temporary directory: {reason}.",
        hint="Free some space there, or name a file instead of -.",
    )


def _directory(path: Path, label: str) -> Iterator[_Found]:
    if (path / OUTPUT_MARK).exists():
        raise InputError(
            f"{label}: is an output directory of an earlier run.",
            hint="Name the file in it that you corrected, such as rejected.csv.",
        )
    found = [f for f in walk(path) if not f.name.startswith("~$") and f.is_file() and is_claim_file(f)]
    if not found:
        known = ", ".join((*TABLE_SUFFIXES[:2], ".txt", *WHOLE_SUFFIXES[:1], ".parquet", ".json"))
        raise InputError(
            f"{label}: the directory holds no claim files ({known}; plain text also as .gz or .zst).",
            hint="Name the files themselves if they have other endings.",
        )
    for file in found:
        yield _Found(file, str(file))


def walk(top: Path, without: Collection[Path] = ()) -> Iterator[Path]:
    """Everything in a directory and those below it that is no directory, in order of name; hidden entries,
    our own output, what a workspace keeps and the (resolved) directories `without` left out. InputError where
    one cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise unreadable(str(error.filename or top), error) from None

    for folder, folders, files in os.walk(top, onerror=refuse):
        here = Path(folder)
        ours = KEPT if IDENTITY in files else ()
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name != OUTPUT_DIRECTORY
            and name not in ours
            and not (here / name / OUTPUT_MARK).exists()
            and (here / name).resolve() not in without
        )
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def is_claim_file(path: Path) -> bool:
    """Whether a file has the name of one that can be read; of a .txt file whether it looks like a table."""
    name = path.name.lower()
    if name.endswith(WHOLE_SUFFIXES):
        return True
    for suffix in COMPRESSION_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.endswith(TABLE_SUFFIXES) or (name.endswith(".txt") and _looks_like_table(path))


def _looks_like_table(path: Path) -> bool:
    """Whether a .txt file holds delimited columns; a README beside the claims does not."""
    try:
        file = InputFile.at(path, path.name)
        recognised = recognise(file, Limits())
        with Utf8Stream(file, recognised.compression, detect_encoding(recognised.head), Limits()) as stream:
            head, whole = stream.read(1 << 18), not stream.read(1)
        return len(sniff(path.name, head, whole=whole).header) >= 3
    except InputError:
        return False


def _glob(pattern: str) -> Iterator[_Found]:
    expanded = Path(pattern).expanduser()
    matches = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
    literal = Path(*takewhile(lambda part: not glob.has_magic(part), expanded.parts))
    files = [match for match in matches if not os.path.isdir(match) and not _is_ours(match, literal)]
    if not files:
        raise InputError(f"{pattern}: no file matches.", hint="Check the pattern and the current directory.")
    yield from (_Found(Path(match), match) for match in files)


def _is_ours(match: str, literal: Path) -> bool:
    """Whether a file is output of a run, or kept by a workspace; what lies above `literal` was named."""
    path = Path(match)
    found = (parent for parent in path.parents if parent not in literal.parents)
    return any(
        (parent / OUTPUT_MARK).exists()
        or (path.relative_to(parent).parts[0] in KEPT and (parent / IDENTITY).exists())
        for parent in found
    )


def _require_regular(found: _Found) -> None:
    try:
        mode = found.path.stat().st_mode
    except OSError as error:
        raise unreadable(found.label, error) from None
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISDIR, "a directory"),
    )
    kind = next((name for test, name in kinds if test(mode)), "no regular file")
    raise InputError(
        f"{found.label}: is {kind}, not a file.", hint="To read from a pipe, use - (standard input)."
    )
