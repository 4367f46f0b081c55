"""What holds for files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.published import load, recognised, write
from tests.reference.test_diagnosis_files import CODES
from tests.reference.test_ncci_files import PTP_HEAD, PTP_ROWS


def test_hcpcs_and_diagnosis_lists_are_told_apart(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, "a", "A0021\nA0080\n")) == ["hcpcs_codes"]
    assert recognised(write(tmp_path, "b", "A0100\nA000\n")) == ["icd10cm_codes"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x1a", b"\xef\xbb\xbf", b"Chapter 1\n", bytes(range(256)) * 9]
)
def test_nothing_is_recognised_in_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    assert recognised(write(tmp_path, "icd10cm_codes_2026.txt", content)) == []


def test_every_release_has_its_key_first_and_a_name_the_store_takes(tmp_path: Path) -> None:
    found = [
        *load(write(tmp_path, "ccipra-v322r0-f1.txt", PTP_HEAD + PTP_ROWS)),
        *load(write(tmp_path, "icd10cm_codes_2026.txt", "\n".join(CODES))),
        *load(write(tmp_path, "hcpcs_2026q3.txt", "A0021\n")),
    ]
    assert [release.frame.columns[0] for release in found] == ["column1", "code", "code"]
    assert all(release.edition.replace("-", "").isalnum() for release in found)
