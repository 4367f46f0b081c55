"""What is said of a file that no format recognises."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from claimsctl.errors import UsageError
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.formats import all_formats
from claimsctl.reference.guessing import looks_like, nearest
from claimsctl.reference.loading import load_file
from claimsctl.reference.releases import HEAD_BYTES, UnknownRelease
from tests.reference.published import write


def refused(path: Path, table: str | None = None) -> UnknownRelease:
    with pytest.raises(UnknownRelease) as caught:
        load_file(path, EditionStore(path.parent / "reference"), path.parent, table=table)
    return caught.value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("code,amount,note\n99213,85,x\n", "found 3 columns, among them code, amount, note"),
        ("npi|code|" * 4 + "x\n", "found 9 columns, among them npi, code, npi, code, npi, code"),
        ("\n\nNo table at all\n", "found lines of text, the first of 15 characters"),
        ("<html><body>Not found</body></html>", "found XML or HTML"),
        ("\x00\x01\x02", "found no text"),
        ("", "found no text"),
        # The first row may be anybody's data.
        ("Doe,Ana,1950-01-01,M123456789\n", "found 4 columns, and no known name of one in the first line"),
        ("patient_dob,Doe,Ana\n", "found 3 columns, among them patient_dob"),
    ],
)
def test_what_a_file_looks_like(tmp_path: Path, content: str, said: str) -> None:
    assert looks_like(write(tmp_path, "x.csv", content)) == said


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("gpci.csv", "locality,PW GPCI,PE GPCI,MP GPCI\n", "gpci"),
        ("mine.csv", "HCPCS,MUE value,Adjudication\n", "ncci_mue"),
        ("npidata.csv", "NPI,Entity Type Code,Name\n", "nppes"),
        ("nucc_taxonomy.csv", "Code,Grouping\n", "nucc_taxonomy"),
        ("zip9.txt", "CA94110\n", "zip9-locality"),
    ],
)
def test_the_nearest_formats(tmp_path: Path, name: str, content: str, first: str) -> None:
    found = nearest(write(tmp_path, name, content))
    assert found[0].name == first
    assert len(found) <= 3


def test_nothing_is_near_to_a_file_of_other_words(tmp_path: Path) -> None:
    assert nearest(write(tmp_path, "a.csv", "x,y\n1,2\n")) == []


def test_the_hint_is_short(tmp_path: Path) -> None:
    everything = " ".join(form.expects for form in all_formats())
    path = write(tmp_path, "all.txt", everything[:HEAD_BYTES]).path
    error = refused(path)
    assert error.message.startswith("all.txt: not recognised as a reference table; found ")
    assert (error.hint or "").count("Nearest: ") == 3
    assert len(error.hint or "") < 800
    assert "claimsctl reference list --formats" in (error.hint or "")


def test_of_an_archive_its_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "release.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(7):
            archive.writestr(f"{number}.txt", "words")
        archive.writestr("manual.pdf", b"%PDF")
    assert refused(path).message.endswith("found 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more.")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manual.pdf", b"%PDF")
    assert refused(path).message.endswith("there is no text file in it.")


def test_a_file_of_another_table_than_the_one_asked_for(tmp_path: Path) -> None:
    error = refused(write(tmp_path, "hcpcs_2026q3.txt", "A0021\nA0080\n").path, "mue")
    assert error.message == "hcpcs_2026q3.txt: nothing in it was recognised as mue, but as hcpcs."
    with pytest.raises(UsageError, match="No file format holds the table hcpsc") as caught:
        load_file(tmp_path / "hcpcs_2026q3.txt", EditionStore(tmp_path / "r"), tmp_path, table="hcpsc")
    assert "Did you mean hcpcs" in (caught.value.hint or "")
