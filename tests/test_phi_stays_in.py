"""Identifiers of patients leave a run only in the files that are theirs: accepted, rejected, malformed.

Whatever the examples and a set of bad files make claimsctl say, print, report, store or log is searched
for the names, numbers and notes in them: as bytes in four encodings, and inside Parquet and databases. So
is what a run that is killed would leave, and one that breaks. Birth dates stand in stored lines, and
nowhere else.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from claimsctl import pipeline
from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.cli import previewing
from claimsctl.facts.typed import clean_text
from claimsctl.ingest.mapping import map_headers
from claimsctl.ingest.sources import open_sources
from claimsctl.process.outputs import FileOutputs
from claimsctl.process.prepare import layout_of
from tests.claims import claim, csv_text, write_csv
from tests.cli.conftest import command, read_once
from tests.commands import EXAMPLES, Command

__all__ = ["command", "read_once"]  # fixtures

AS_OF = ("--as-of", "2026-06-30")
IDENTIFIERS = [column.name for column in COLUMNS if column.phi == "identifier"]
THEIRS = ("accepted.", "rejected.", "malformed.")
SECRETS = {
    "patient_id": "QMRN7731905",
    "patient_last_name": "Quillfeather",
    "patient_first_name": "Zebulonia",
    "patient_ssn": "536-48-2917",
    "patient_address": "9471 Thistledown Crescent",
    "patient_name_suffix": "Vllthx",
    "patient_phone": "508-555-0163",
    "member_id": "XKW7730915",
    "subscriber_last_name": "Ostrandervale",
    "subscriber_first_name": "Wilhelmiro",
    "line_note": "confided fear of heights",
    "other_member_id": "QOM4471902",
    "dropoff_address": "12 Hollowmere Wharf",
}
BIRTHS = ("1957-11-23", "11/23/1957", "19571123", "23.11.1957", "Nov 23 1957", "11/23/57", "1957/11/23")
"""One day of birth as people write it."""
UNMAPPED = "Gravenstone"
"""In a column that is not known: it may hold anything."""
WORDS = [*SECRETS.values(), UNMAPPED, "536482917", "5085550163"]


def spoilt(value: str) -> Iterator[str]:
    """Ways in which people and exports get a value wrong, each still telling who it is."""
    yield value
    yield value + "!!"
    yield value.upper() + " " + value
    yield f"=HYPERLINK({value})"
    yield f"({value}) #N/A"
    yield value * 12
    yield value + "\n\u2028\u00e9\U0001f489"
    yield "{" + value + "} [bold]" + value
    yield f"TEST {value} TEST"


def bad_rows() -> Iterator[dict[str, str]]:
    """Lines with every identifier spoilt in every way, beside errors in other columns."""
    for number, ways in enumerate(zip(*(spoilt(SECRETS[name]) for name in IDENTIFIERS), strict=True)):
        cells = dict(zip(IDENTIFIERS, ways, strict=True))
        born = BIRTHS[number % len(BIRTHS)]
        cells |= {"patient_dob": born, "subscriber_dob": born + "!" if number % 3 else born}
        wrong = {"charge_amount": "-5", "relationship_code": "99"}
        yield claim(f"B{number}", **cells, **(wrong if number % 2 else {})) | {"Room": UNMAPPED}


def bad_files(place: Path) -> list[tuple[str, ...]]:
    """Command lines over files that go wrong in different ways."""
    rows = list(bad_rows())
    secret = {
        **claim("S1"),
        **SECRETS,
        "patient_dob": BIRTHS[0],
        "subscriber_dob": BIRTHS[1],
        "Room": UNMAPPED,
    }
    text = csv_text([secret, {**secret, "claim_number": "S2"}])
    header, first, second = text.splitlines()
    write_csv(place / "rows.csv", rows)
    files = {
        "headerless.csv": "\n".join([first, second] * 3),
        "headerless-one.csv": "\n".join(first.split(",")),
        "ragged.csv": "\n".join([header, first + ",extra", second, second.replace(",", ";", 30), first[:40]]),
        "quotes.csv": "\n".join([header, first.replace(",", ',"', 5), second]),
        "nul.csv": "\n".join([header, first.replace(",", ",\0", 3), second]),
        "few-columns.csv": "\n".join(",".join(line.split(",")[:8]) for line in (header, first, second)),
        "glued.csv": "\n".join(
            [header, first, header, second, "Total " + SECRETS["patient_last_name"] + "," * 30]
        ),
        "cut.json": json.dumps([secret])[:-200],
        "wrong.json": json.dumps({"patients": [secret]}),
        "odd.jsonl": "\n".join([json.dumps(secret), json.dumps({"claim_number": secret}), "{" + first]),
    }
    for name, content in files.items():
        (place / name).write_text(content, encoding="utf-8")
    (place / "latin.csv").write_bytes((header + "\n" + first).encode() + b"\xff\xfe\x81,\n" + second.encode())
    pl.DataFrame(rows).write_excel(place / "rows.xlsx")
    pl.DataFrame([secret]).with_columns(units=pl.lit([1, 2])).write_parquet(place / "nested.parquet")
    for name in ("claims.csv", "sessions.csv", "status.csv"):
        shutil.copy(EXAMPLES / name, place / name)
    own = [path.name for path in sorted(place.iterdir()) if path.name not in ("sessions.csv", "status.csv")]
    return [
        *((name,) for name in own),
        ("sessions.csv", "--profile", "session"),
        ("status.csv", "--profile", "status"),
        ("rows.csv", "--limit", "3", "--map", "Room=line_note"),
        ("rows.csv", "--map", f"{SECRETS['patient_last_name'][:-1]}x=units"),
        ("headerless.csv", "--map", "Quillfeathe=patient_last_name"),
        ("rows.csv", "--map", "patient_last_name=member_id", "--map", "member_id=member_id"),
        ("few-columns.csv", "--set", "member_id=XKW7730915", "--set", "units=1"),
    ]


def example_secrets() -> set[str]:
    """Identifiers in the examples, long enough to be told from other text."""
    found: set[str] = set()
    for name in ("claims.csv", "sessions.csv", "status.csv"):
        (source,) = open_sources([str(EXAMPLES / name)], spool_dir=Path())
        layout = layout_of(map_headers(source.header, extra={}, constants={}, profile="professional"))
        for part in source.parts(1_000):
            text = clean_text(part.rows, layout, IDENTIFIERS)
            for column in set(text.columns) - {"line_note"}:
                found.update(value for value in text[column].drop_nulls() if len(value) >= 6)
    return found


@cache
def encodings(word: str) -> tuple[bytes, ...]:
    """What a word looks like in bytes."""
    return tuple(dict.fromkeys(_encodings(word)))


def _encodings(word: str) -> Iterator[bytes]:
    for text in (word, word.upper(), word.lower()):
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
        yield text.encode().hex().encode()
        yield text.encode().hex().upper().encode()
        for before in range(3):  # base64 of text that holds the word at any place
            coded = base64.b64encode(b"\0" * before + text.encode())
            first, last = -(-before * 8 // 6), (before + len(text.encode())) * 8 // 6
            if last - first >= 8:  # shorter ones turn up by chance in packed bytes
                yield coded[first:last]


def texts_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and of what is packed inside it."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet" and data.endswith(b"PAR1"):  # else encrypted, or not complete
        for column in pl.read_parquet(path).get_columns():
            if column.dtype == pl.Binary:
                yield b"\n".join(column.drop_nulls())
            else:
                yield "\n".join(str(value) for value in column.drop_nulls()).encode()
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as store:
            for (table,) in store.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                yield repr(store.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
    elif path.suffix == ".sqlite":
        with sqlite3.connect(path) as store:
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                yield repr(store.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
        store.close()


def said(words: Iterable[str], place: str, data: bytes) -> list[str]:
    words = list(words)
    # One pass over the bytes for all words, and one for each word only where there is something to tell.
    asked = [each.decode("latin-1") for word in words for each in encodings(word)]
    if not pl.Series([data.decode("latin-1")]).str.contains_any(asked).item():
        return []
    return [f"{word} in {place}" for word in words if any(each in data for each in encodings(word))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of all tests here, empty before the first: filling it is most of what a run would take."""
    place = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(place))
        yield place


@pytest.fixture
def looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`preview` and `preview --json` of one file show the same findings, found once."""
    look = previewing.check_inputs
    found: dict[str, Any] = {}

    def check_inputs(request: Any, book: Any, inputs: Any, spill: Any, taking: Any, **options: Any) -> Any:
        asked = repr(request)
        if asked not in found:
            found[asked] = look(request, book, inputs, spill, taking, **options), taking
        outcome, took = found[asked]
        for each, before in zip(taking, took, strict=True):
            vars(each).update(vars(before))
        return outcome

    monkeypatch.setattr(previewing, "check_inputs", check_inputs)


def test_secrets_fill_every_identifier() -> None:
    assert sorted(SECRETS) == sorted(IDENTIFIERS)
    assert {BY_NAME["patient_dob"].phi, BY_NAME["subscriber_dob"].phi} == {"quasi"}


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["x Quillfeather"] * 1000})
    frame.write_parquet(tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.txt").write_text("Quillfeather", "utf-16")
    (tmp_path / "c.txt").write_bytes(base64.b64encode(b"is Quillfeather here"))
    (tmp_path / "e.txt").write_text(b"is Quillfeather here".hex())
    with duckdb.connect(str(tmp_path / "d.duckdb")) as store:
        store.execute("CREATE TABLE t AS SELECT 'quillfeather' || i AS n FROM range(1000) r(i)")
    for path in tmp_path.iterdir():
        assert any(said(["Quillfeather"], path.name, data) for data in texts_of(path)), path


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.usefixtures("looked_at_once")
def test_nothing_tells_who_the_patients_are(
    command: Command, tmp_path: Path, cache: Path, quarter: int
) -> None:
    place = tmp_path / "inputs"
    place.mkdir()
    words = [*WORDS, *example_secrets()]
    assert len(words) > 40
    leaks: list[str] = []
    codes = []
    (tmp_path / "logs").mkdir()
    log = ("--log", tmp_path / "logs" / "run.log", "--log-format", "json")
    for number, (name, *options) in enumerate(bad_files(place)[quarter::4]):
        out = tmp_path / "out" / str(number)
        seen = [each for each in options if each not in ("--limit", "3")]
        runs: tuple[tuple[object, ...], ...] = (
            (*log, "process", place / name, *AS_OF, *options, "--out", out, "--verbose"),
            ("preview", place / name, *AS_OF, *seen),
            ("preview", place / name, *AS_OF, *seen, "--json"),
        )
        for arguments in runs:
            ended = command(*arguments)
            assert ended.code in (0, 2, 3), ended.err
            codes.append(ended.code)
            typed = {word for word in words if any(word in str(option) for option in options)}
            label = " ".join(
                (*(str(each) for each in arguments if each in ("process", "preview")), name, *options)
            )
            asked = [*(set(words) - typed), *BIRTHS]
            leaks += said(asked, f"stdout of {label}", ended.out.encode())
            leaks += said(asked, f"stderr of {label}", ended.err.encode())
    assert codes.count(0) > len(codes) / 3
    for top in ("out", "workspace", "config", "logs"):
        leaks += found_below(tmp_path / top, words)
    leaks += found_below(cache, WORDS)  # kept rule packs have examples of their own
    assert not leaks, "\n".join(sorted(set(leaks)))
    assert (tmp_path / "workspace" / "audit.log").stat().st_size > 0
    assert len((tmp_path / "logs" / "run.log").read_text().splitlines()) > 10
    assert list((tmp_path / "workspace" / "lines").rglob("patients-*.parquet"))


def found_below(top: Path, words: Iterable[str]) -> list[str]:
    """Where files that are not the user's own tell who the patients are."""
    leaks: list[str] = []
    for path in (each for each in top.rglob("*") if each.is_file()):
        name = path.name.removeprefix(".")  # files that are still being written
        if top.name == "out" and (name.startswith(THEIRS) or path.parent.name == "rejected"):
            continue
        # Lines as they are stored, or on their way there, have birth dates as they are.
        stored = "lines" in path.relative_to(top).parts or name.startswith("lines-")
        asked = list(words) if stored else [*words, *BIRTHS]
        for data in texts_of(path):
            leaks += said(asked, str(path.relative_to(top.parent)), data)
    return leaks


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file with every identifier spoilt in every way."""
    return write_csv(tmp_path / "rows.csv", list(bad_rows()))


def test_a_kill_leaves_nothing_that_tells(
    command: Command, tmp_path: Path, rows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def looking(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The work, before which all that lies on disk is copied: what a kill would leave."""

        def look_first(*given: Any, **options: Any) -> Any:
            for top in ("workspace", "out"):
                if (tmp_path / top).exists():
                    shutil.copytree(tmp_path / top, tmp_path / "killed" / name / top, dirs_exist_ok=True)
                    seen.append(tmp_path / "killed" / name / top)
            return work(*given, **options)

        return look_first

    monkeypatch.setattr(FileOutputs, "close", looking("checked", FileOutputs.close))
    monkeypatch.setattr(pipeline, "commit_run", looking("published", pipeline.commit_run))
    assert command("process", rows, *AS_OF, "--out", tmp_path / "out").code == 0
    assert len(seen) == 4
    leaks = [leak for each in seen for leak in found_below(each, WORDS)]
    assert not leaks, "\n".join(sorted(set(leaks)))
    for each in (each for top in seen for each in top.rglob("*")):
        assert each.stat().st_mode & 0o077 == 0, f"others may enter or read {each.relative_to(tmp_path)}"
    spilt = [
        each for each in (tmp_path / "killed" / "checked" / "workspace" / "tmp").rglob("*") if each.is_file()
    ]
    assert len(spilt) > 2, "the run had put nothing aside yet, so that nothing was looked at"


def test_a_crash_tells_nothing(
    command: Command, tmp_path: Path, rows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        pl.read_csv(rows, infer_schema=False).select(pl.all().cast(pl.Int64))

    monkeypatch.setattr(pipeline, "commit_run", broken)
    (tmp_path / "logs").mkdir()
    log = ("--log", tmp_path / "logs" / "run.log")
    ended = command(*log, "process", rows, *AS_OF, "--out", tmp_path / "out", "--verbose")
    assert ended.code == 70
    assert "InvalidOperationError" in ended.err
    leaks = said([*WORDS, *BIRTHS], "what was printed", (ended.out + ended.err).encode())
    for top in ("out", "workspace", "config", "logs"):
        leaks += found_below(tmp_path / top, WORDS)
    assert not leaks, "\n".join(sorted(set(leaks)))
    assert list((tmp_path / "workspace" / "crashes").iterdir())
