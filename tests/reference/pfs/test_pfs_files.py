"""What holds for every file of the Medicare physician fee schedule."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from claimsctl.reference.editions import EditionStore
from claimsctl.reference.loading import load_file
from claimsctl.reference.releases import UnknownRelease
from tests.reference.pfs.invented import (
    ANES_CSV,
    CAP_CSV,
    COUNTIES,
    GPCI_2025,
    ZIPS,
    ZIPS_9,
    pprrvu_csv,
    pprrvu_text,
)
from tests.reference.pfs.reading import FORMATS, SAY, Open, read


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_an_empty_file_is_not_recognised_and_not_read(opened: Open, form: Any) -> None:
    file = opened("empty.csv", "")
    assert not form.recognises(file)
    with pytest.raises(UnknownRelease, match=r"expected .*, found"):
        form.read(file, SAY)


@pytest.mark.parametrize("text", [pprrvu_csv(), pprrvu_text(), GPCI_2025, COUNTIES, ANES_CSV, CAP_CSV, ZIPS])
def test_a_byte_order_mark_is_no_text(opened: Open, text: str) -> None:
    plain = read(opened("PPRRVU25_JAN", text), SAY).frame
    assert read(opened("PPRRVU25_JAN", "ï»¿" + text.replace("\u00a0", " ")), SAY).frame.equals(plain)


def test_other_tables_are_not_recognised(opened: Open) -> None:
    for text in (
        "HCPCS,MOD,DESCRIPTION,PRICE\n00100,,words,12.50\n",
        "code,price\n99213,91.39\n",
        '"2025","01112","05","76145","  ","0001339.81","0001339.81"\n',
        "10112,00,ALABAMA,19.31\n",
        "99501\n99502\n",
        "\n\n\n",
    ):
        assert not [form for form in FORMATS if form.recognises(opened("PPRRVU2025_Oct.csv", text))]


def test_an_archive_is_loaded_with_all_its_tables(opened: Open, tmp_path: Path) -> None:
    members = {
        "PPRRVU2026_Jul_QPP.csv": pprrvu_csv().replace("33.4009", "33.5675"),
        "PPRRVU2026_Jul_nonQPP.csv": pprrvu_csv(),
        # The same as text: the first of two forms is kept.
        "PPRRVU2026_Jul_nonQPP.txt": pprrvu_text(),
        "ZIP5_OCT2025.txt": ZIPS,
        "ZIP9_OCT2025.txt": ZIPS_9,
        "ZIP9lyout.txt": "Zip9 Record Layout\n",
    }
    with zipfile.ZipFile(tmp_path / "release.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text.encode("cp1252"))
    store = EditionStore(tmp_path / "reference")
    spool = tmp_path / "spool"
    spool.mkdir()
    load_file(tmp_path / "release.zip", store, spool, accept_smaller=True)
    found = {name: [(e.name, e.origin.member) for e in store.editions(name)] for name in store.tables()}
    assert found == {
        "mpfs": [("RVU26C", "PPRRVU2026_Jul_nonQPP.csv")],
        "mpfs_qpp": [("RVU26C", "PPRRVU2026_Jul_QPP.csv")],
        "zip_locality": [("ZIP5-2025Q4", "ZIP5_OCT2025.txt")],
        "zip9_locality": [("ZIP9-2025Q4", "ZIP9_OCT2025.txt")],
    }
