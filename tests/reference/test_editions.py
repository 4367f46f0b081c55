"""Loaded editions: complete or not there, in force for their service dates, refused where they clash."""

from __future__ import annotations

import dataclasses
import gzip
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InputError, StoreError, UsageError
from claimsctl.reference import loading
from claimsctl.reference.dating import dated_rows, gaps, in_force
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.loading import load_file
from claimsctl.reference.releases import Format, Opened, Release, UnknownRelease, Wanted, damaged
from claimsctl.reference.tables import Tables


def release(
    edition: str,
    first: date | None = None,
    last: date | None = None,
    codes: Sequence[str] = ("99213",),
    table: str = "mue",
) -> Release:
    frame = pl.DataFrame({"code": list(codes), "units": list(range(1, len(codes) + 1))})
    return Release(table, edition, first, last, "CMS", "public domain", frame)


def origin(sha: str = "a") -> Origin:
    return Origin("mue.csv", sha, 10)


@pytest.fixture
def store(tmp_path: Path) -> EditionStore:
    return EditionStore(tmp_path / "reference")


def test_what_is_added_is_read_again_by_another_process(store: EditionStore) -> None:
    added = store.add(release("2026Q2", date(2026, 4, 1), date(2026, 6, 30)), origin())
    again = EditionStore(store.root)
    assert again.tables() == ["mue"]
    assert again.editions("mue") == [added]
    assert again.read(again.find("mue", "2026Q2")).to_dicts() == [{"code": "99213", "units": 1}]
    assert [problem for _, problem in again.verify()] == [None]
    assert (store.root / "mue" / "2026Q2" / "rows.parquet").stat().st_mode & 0o077 == 0


def test_the_same_file_twice_is_no_error_and_another_one_is_refused(store: EditionStore) -> None:
    first = release("2026Q2", date(2026, 4, 1))
    store.add(first, origin("a"))
    assert store.add(first, origin("a")) is None
    with pytest.raises(UsageError, match="loaded already, from another file"):
        store.add(release("2026Q2", date(2026, 4, 1), codes=["1", "2"]), origin("b"))
    with pytest.raises(UsageError, match="loaded already"):
        store.add(release("other", date(2026, 4, 1)), origin("b"))
    store.add(release("other", date(2026, 4, 1), codes=["1", "2"]), origin("b"), replace=True)
    assert [(e.name, e.rows) for e in store.editions("mue")] == [("other", 2)]


def test_replacing_an_edition_of_the_same_name_keeps_one(store: EditionStore) -> None:
    store.add(release("2026Q2", date(2026, 4, 1)), origin("a"))
    store.add(release("2026Q2", date(2026, 4, 1), codes=["1", "2"]), origin("b"), replace=True)
    assert [e.rows for e in store.editions("mue")] == [2]
    assert not list(store.root.glob(".*"))


def test_removing(store: EditionStore) -> None:
    store.add(release("2026Q2"), origin())
    with pytest.raises(UsageError, match="no edition 2026Q1"):
        store.remove("mue", "2026Q1")
    store.remove("mue", "2026Q2")
    assert store.tables() == []


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "x" * 41])
def test_names_that_are_paths_are_refused(store: EditionStore, name: str) -> None:
    with pytest.raises(UsageError, match="no name of an edition"):
        store.add(release(name), origin())


def test_half_of_a_load_is_never_seen(store: EditionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EditionStore, "_place", dies)
    with pytest.raises(KeyboardInterrupt):
        store.add(release("2026Q2"), origin())
    assert EditionStore(store.root).tables() == []


def test_a_replacement_killed_between_its_renames_is_put_back(store: EditionStore) -> None:
    store.add(release("2026Q2"), origin())
    (store.root / "mue" / "2026Q2").rename(store.root / ".old-mue@2026Q2")
    assert [e.name for e in EditionStore(store.root).editions("mue")] == ["2026Q2"]


def test_damage_is_found(store: EditionStore) -> None:
    edition = store.add(release("2026Q2"), origin())
    assert edition is not None
    rows = store.root / "mue" / "2026Q2" / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-20])
    assert [problem for _, problem in store.verify()] == [
        "its rows are not what was loaded (checksum differs)"
    ]
    with pytest.raises(StoreError, match="cannot be read"):
        store.read(edition)


def test_each_edition_serves_until_the_next_and_the_newest_for_ever(store: EditionStore) -> None:
    store.add(release("B", date(2026, 4, 1), date(2026, 12, 31)), origin("b"))
    store.add(release("A", date(2026, 1, 1), date(2026, 12, 31)), origin("a"))
    periods = in_force(store.editions("mue"))
    assert [(p.edition.name, p.first, p.last) for p in periods] == [
        ("A", date(2026, 1, 1), date(2026, 3, 31)),
        ("B", date(2026, 4, 1), None),
    ]
    assert list(gaps(periods)) == []
    store.add(release("C", date(2027, 4, 1)), origin("c"))
    assert list(gaps(in_force(store.editions("mue")))) == [(date(2027, 1, 1), date(2027, 3, 31))]


def test_rows_keep_their_own_dates_within_those_of_the_edition() -> None:
    frame = pl.DataFrame(
        {
            "code": ["A", "B", "C"],
            "valid_from": [date(2020, 1, 1), date(2026, 5, 1), None],
            "valid_to": [None, None, date(2025, 12, 31)],
        }
    )
    found = dated_rows([(date(2026, 1, 1), date(2026, 6, 30), frame)])
    assert found.rows() == [
        ("A", date(2026, 1, 1), date(2026, 6, 30)),
        ("B", date(2026, 5, 1), date(2026, 6, 30)),
    ]


def test_a_shipped_table_serves_before_the_first_loaded_edition(store: EditionStore) -> None:
    shipped = Tables.shipped()
    pos = pl.DataFrame({"code": ["11", "99"], "name": ["Office", "Other"], "facility": [False, False]})
    store.add(Release("pos", "2026", date(2026, 1, 1), None, "CMS", "", pos), origin())
    table = shipped.with_editions(store)["pos"]
    assert [e.name for e in table.editions] == [shipped["pos"].editions[0].name, "2026"]
    on = [
        table.frame.filter(
            (pl.col("code") == "22")
            & (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
        ).height
        for day in (date(2025, 12, 31), date(2026, 1, 1))
    ]
    assert on == [1, 0]


TOY = Format(
    "toy",
    ("mue",),
    "toy units",
    "code,units after a line TOY",
    lambda opened: opened.head.startswith(b"TOY\n"),
    lambda opened, wanted: [_toy(opened, wanted)],
)


def _toy(opened: Opened, wanted: Wanted) -> Release:
    lines = opened.text().split("\n")[1:]
    if not lines or any(line.count(",") != 1 for line in lines):
        raise damaged(opened, "two cells in every line", "a line with another number")
    cells = [line.split(",") for line in lines]
    frame = pl.DataFrame({"code": [c[0] for c in cells], "units": [int(c[1]) for c in cells]})
    return Release("mue", wanted.edition or "toy", wanted.valid_from, wanted.valid_to, "toy", "", frame)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(loading, "all_formats", lambda: (TOY,))
    spool = tmp_path / "spool"
    spool.mkdir()
    return spool


GOOD = b"TOY\r\n99213,1\r\n99214,2\r\n\x1a".replace(b"TOY\r\n", b"TOY\n")


def test_plain_packed_and_zipped_files_load_alike(store: EditionStore, toy: Path, tmp_path: Path) -> None:
    plain, packed, zipped = tmp_path / "a.txt", tmp_path / "b.txt.gz", tmp_path / "c.zip"
    plain.write_bytes(GOOD)
    packed.write_bytes(gzip.compress(GOOD))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("readme.pdf", b"%PDF")
        archive.writestr("../../evil/units.txt", GOOD)
    for n, path in enumerate((plain, packed, zipped)):
        (loaded,) = load_file(path, store, toy, wanted=Wanted(f"e{n}", date(2026, 1, 1 + n)))
        assert loaded.edition is not None
        assert loaded.edition.rows == 2
    assert store.find("mue", "e2").origin.member == "units.txt"
    assert not (tmp_path / "evil").exists()
    assert not list(toy.iterdir())


def test_unknown_empty_and_damaged_files_say_what_was_found(
    store: EditionStore, toy: Path, tmp_path: Path
) -> None:
    cases = {
        "empty.csv": (b"", "is empty"),
        "other.csv": (b"a,b\n1,2\n", "not recognised"),
        "bad.txt": (b"TOY\n99213,1\n99214\n", "expected two cells in every line"),
        "cut.txt.gz": (gzip.compress(GOOD * 500)[:-12], "cannot be unpacked"),
        "cut.zip": (b"PK\x03\x04 cut off", "cannot be unpacked"),
    }
    for name, (data, told) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UnknownRelease, match=told):
            load_file(path, store, toy)
    with pytest.raises(InputError, match="No such file"):
        load_file(tmp_path / "none.csv", store, toy)
    assert store.tables() == []


def test_a_zip_bomb_is_refused_before_it_is_unpacked(store: EditionStore, toy: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"\0" * (40 << 20))
    with pytest.raises(UnknownRelease, match="zip bomb"):
        load_file(bomb, store, toy)


def test_one_damaged_member_stores_nothing(store: EditionStore, toy: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        archive.writestr("good.txt", GOOD)
        archive.writestr("bad.txt", b"TOY\nbroken\n")
    with pytest.raises(UnknownRelease):
        load_file(both, store, toy)
    assert store.tables() == []


def test_parts_of_one_edition_are_in_force_together(store: EditionStore) -> None:
    for n, name in enumerate(("2026Q3-f1", "2026Q3-f2")):
        part = dataclasses.replace(release(name, date(2026, 7, 1), codes=[f"C{n}"]), part=True)
        store.add(part, origin(str(n)))
    store.add(release("2026Q4", date(2026, 10, 1)), origin("q"))
    periods = in_force(store.editions("mue"))
    assert [(p.edition.name, p.first, p.last) for p in periods] == [
        ("2026Q3-f1", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026Q3-f2", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026Q4", date(2026, 10, 1), None),
    ]
    assert list(gaps(periods)) == []
    with pytest.raises(UsageError, match="loaded already"):
        store.add(release("whole", date(2026, 7, 1)), origin("w"))
