"""Only the edition that was asked for is stored of a fetched file."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import InputError, UsageError
from claimsctl.reference import fetching
from claimsctl.reference.addresses import file_name
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import DOWNLOADS, fetch
from claimsctl.reference.loading import load_file
from claimsctl.reference.publishers import (
    Places,
    find,
    order,
)
from claimsctl.reference.releases import Format, Opened, Release, Wanted
from tests.publisher import (
    DIRECTORY,
    MUE_ZIP,
    PublisherServer,
    mue_zip,
    zipped,
)
from tests.reference.fetching.fetches import TODAY, downloads, failure, mue


def test_another_edition_than_the_one_asked_for(
    server: PublisherServer, store: EditionStore, spool: Path
) -> None:
    server.publish("medicare-ncci-2026-q3-practitioner-services-mue-table.zip", mue_zip())
    error = failure(server, store, spool, mue(server, "2026Q3"))
    assert "holds mue 2026Q2, not 2026Q3" in error.message
    assert downloads(store) == {"medicare-ncci-2026-q3-practitioner-services-mue-table.zip"}


def test_a_file_that_cannot_be_read(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged") as caught:
        fetch(mue(server), store, spool)
    assert str(store.root / DOWNLOADS / MUE_ZIP) in (caught.value.hint or "")
    assert store.tables() == []
    assert downloads(store) == {MUE_ZIP}, "under its own name: not resumed"
    server.publish(MUE_ZIP, zipped({"readme.txt": b"see the page"}))
    with pytest.raises(InputError, match="recognised as mue"):
        fetch(mue(server), store, spool)
    server.publish(MUE_ZIP, data)
    check_keeping = fetch(mue(server), store, spool, keep=True)
    assert check_keeping.files[0].kept == store.root / DOWNLOADS / MUE_ZIP
    assert (store.root / DOWNLOADS / MUE_ZIP).read_bytes() == data


def ptp(pairs: list[tuple[str, str]]) -> bytes:
    head = "CPT only copyright 2025 American Medical Association.\n"
    head += "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tRationale\n"
    rows = "".join(f"{a}\t{b}\t*\t20200101\t*\t1\tStandards of medical practice\n" for a, b in pairs)
    return (head + rows).encode()


def test_the_parts_of_a_table_make_one_edition(
    server: PublisherServer, store: EditionStore, spool: Path
) -> None:
    wanted = order(find("ncci_ptp"), "2026Q3", TODAY, Places({}, server.base))
    names = [urls[0].rsplit("/", 1)[-1] for urls in wanted.files]
    assert names[3] == "medicare-ncci-2026q3-practitioner-ptp-edits-ccipra-v322r0-f4.zip"
    for number, name in enumerate(names[:3], 1):
        pairs = [(f"{number}{place:04d}", "99213") for place in range(20)]
        server.publish(name, zipped({f"ccipra-v322r0-f{number}.txt": ptp(pairs)}))
    assert "(404)" in failure(server, store, spool, wanted).message
    assert server.ranges() == [None] * 4
    server.publish(names[3], zipped({"ccipra-v322r0-f4.TXT": ptp([("40000", "99213")])}))
    done = fetch(wanted, store, spool)
    assert server.ranges()[4:7] == [
        f"bytes={len(server.files[f'{DIRECTORY}/{name}']) - 1}-" for name in names[:3]
    ], "what was whole is not sent again"
    (edition,) = store.editions("ncci_ptp")
    assert (edition.name, edition.rows) == ("2026Q3", 61)
    assert edition.origin.file == f"{names[0]} and 3 more"
    assert store.read(edition)["column1"].n_unique() == 61
    assert len({file.sha256 for file in done.files}) == 4
    assert fetch(wanted, store, spool).edition is None, "these very files are loaded"
    assert fetching.loaded_already(wanted, store) == edition


def test_parts_that_were_loaded_by_hand(
    server: PublisherServer, store: EditionStore, spool: Path, tmp_path: Path
) -> None:
    wanted = order(find("ncci_ptp"), "2026Q3", TODAY, Places({}, server.base))
    for number, urls in enumerate(wanted.files, 1):
        path = tmp_path / f"ccipra-v322r0-f{number}.txt"
        path.write_bytes(ptp([(f"{number}0000", "99213")]))
        server.publish(file_name(urls[0]), zipped({path.name: path.read_bytes()}))
        load_file(path, store, spool)
        there = fetching.loaded_already(wanted, store)
        assert (there is not None) == (number == 4)
    fetch(wanted, store, spool, replace=True)
    assert [(edition.name, edition.rows) for edition in store.editions("ncci_ptp")] == [("2026Q3", 4)]


def test_only_the_edition_asked_for_is_taken(
    server: PublisherServer, store: EditionStore, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The RVU zip of 2026 holds a second file for qualifying APM participants, and all as text too."""

    def read(opened: Opened, wanted: Wanted) -> list[Release]:
        table = "mpfs_qpp" if "_QPP" in opened.name else "mpfs"
        frame = pl.DataFrame({"code": [opened.name]})
        return [Release(table, "RVU26C", date(2026, 7, 1), None, "test", "test", frame)]

    text, csv = (
        Format(
            kind, ("mpfs", "mpfs_qpp"), kind, kind, lambda opened, kind=kind: opened.name.endswith(kind), read
        )  # type: ignore[misc]
        for kind in (".txt", ".csv")
    )
    monkeypatch.setattr(fetching, "all_formats", lambda: (csv, text))
    monkeypatch.setattr(
        fetching, "recognise", lambda opened: next((f for f in (csv, text) if f.recognises(opened)), None)
    )
    members = ("PPRRVU2026_Jul_QPP.csv", "PPRRVU2026_Jul_nonQPP.txt", "PPRRVU2026_Jul_nonQPP.csv", "a.pdf")
    server.publish("rvu26c-updated-06-30-2026.zip", zipped(dict.fromkeys(members, b"x")))
    fetch(order(find("mpfs"), "rvu26c", TODAY, Places({}, server.base)), store, spool)
    (edition,) = store.editions("mpfs")
    assert (edition.name, edition.origin.member) == ("RVU26C", "PPRRVU2026_Jul_nonQPP.csv")


def test_a_table_without_dates_is_replaced(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    header = ["NPI", "Entity Type Code", "Provider Organization Name (Legal Business Name)"]
    header += ["Provider Last Name (Legal Name)", "NPI Deactivation Date", "NPI Reactivation Date"]
    header += [f"Healthcare Provider Taxonomy Code_{n}" for n in range(1, 16)]
    header += [f"Healthcare Provider Primary Taxonomy Switch_{n}" for n in range(1, 16)]
    row = ["1234567893", "1", "", "Doe", "", "", "101YM0800X"] + [""] * 29
    data = "\n".join(",".join(f'"{cell}"' for cell in line) for line in (header, row)).encode()
    form = importlib.import_module("claimsctl.reference.formats.nppes").FORMATS[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "all_formats", lambda: (form,))
        patch.setattr(fetching, "recognise", lambda opened: form if form.recognises(opened) else None)
        for month, number in (("May", "05"), ("June", "06")):
            name = f"NPPES_Data_Dissemination_{month}_2026_V2.zip"
            server.publish(
                name, zipped({f"npidata_pfile_20050523-2026{number}14.csv": data + b"\n" * len(month)})
            )
            wanted = order(find("nppes"), f"2026-{number}", TODAY, Places({}, server.base))
            if number == "06":
                with pytest.raises(UsageError, match=r"2026-05-14 is loaded.*--replace"):
                    fetch(wanted, store, spool)
            fetch(wanted, store, spool, replace=number == "06")
    assert [edition.name for edition in store.editions("nppes")] == ["2026-06-14"]
    assert fetching.loaded_already(wanted, store) is not None
