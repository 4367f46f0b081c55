"""The published files beside this checkout: every one is read in full, and by one format only."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
import pytest

from claimsctl.reference import Tables, icd10cm
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import Opened, Wanted
from tests.reference.published import load, one, recognised

OWN: Final = {
    "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv": "ncci_mue",
    "ccipra-v322r0-f1.EXCERPT_43rows.txt": "ncci_ptp",
    "ptp_practitioner_pairs_derived_2026Q2.csv": "ncci_ptp_pairs",
    "icd10cm_codes_2026_codesonly.txt": "icd10cm_codes",
    "MCE_Simple_Code_Edits_v37.txt": "mce_edits",
    "mce_dx_edits_2026_derived.csv": "mce_dx_edits",
    "HCPC2019_CONTR_ANWEB.txt": "hcpcs_contractor",
    "hcpcs_level2_2026q3_codes.txt": "hcpcs_codes",
    "nucc_taxonomy_240.csv": "nucc_taxonomy",
    "place_of_srvc_derived.csv": "pos",
    "hdi_carc.csv": "carc",
    "pyx12_codes.xml": "pyx12_codes",
    **{
        f"bfd_CodeSystem-{name}.fsh": "code_system"
        for name in (
            *("ANSI-GRP-CD", "ANSI-RSN-CD", "CLM-AUDT-TRL-STUS-CD", "CLM-CARR-PMT-DNL-CD", "CLM-POS-CD"),
            *("CLM-PRCNG-LCLTY-CD", "CLM-PRVDR-SPCLTY-CD", "CLM-REV-CNTR-CD"),
        )
    },
    "PPRRVU2025_Oct.csv": "pprrvu-csv",
    "PPRRVU2025_Oct.txt": "pprrvu-text",
    "PPRRVU2026_Apr_nonQPP.txt": "pprrvu-text",
    "PPRRVU2026_Jul_nonQPP.csv": "pprrvu-csv",
    "GPCI2025.csv": "gpci",
    "GPCI2025.txt": "gpci",
    "GPCI2026.csv": "gpci",
    "25LOCCO.csv": "locality-counties",
    "25LOCCO.txt": "locality-counties",
    "ANES2025.csv": "anesthesia-cf",
    "ANES2025.txt": "anesthesia-cf",
    "OPPSCAP_Oct.csv": "oppscap",
    "OPPSCAP_Oct.txt": "oppscap",
    "ZIP5_OCT2025.txt": "zip-locality",
}

FLAGS = ["newborn", "pediatric", "maternity", "adult"]
FLAGS += ["manifestation", "unacceptable_principal", "questionable_admission"]


def test_each_file_is_read_by_its_format_and_no_other(files: dict[str, Opened]) -> None:
    assert {name: formats[0] for name, opened in files.items() if (formats := recognised(opened))} == OWN
    assert all(len(recognised(files[name])) == 1 for name in OWN)


def test_mue(files: dict[str, Opened]) -> None:
    release = one(files["MCR_MUE_PractitionerServices_Eff_04-01-2026.csv"])
    assert (release.edition, release.frame.height) == ("2026Q2", 15_095)
    assert dict(release.frame["mai"].value_counts().iter_rows()) == {"1": 41, "2": 5_417, "3": 9_637}
    assert release.frame["code"].is_unique().all()
    assert release.frame["units"].min() == 0


def test_pairs(files: dict[str, Opened]) -> None:
    release = one(files["ccipra-v322r0-f1.EXCERPT_43rows.txt"])
    assert release.edition == "2026Q3-f1"  # one of four files of the quarter
    assert release.frame.height == 43 - 5
    assert "5 edits" in release.notes[0]
    kept = release.frame.filter(pl.col("column1") == "0001U", pl.col("column2") == "0029U")
    assert kept["valid_to"].to_list() == [date(2026, 6, 30)]


def test_two_million_pairs(files: dict[str, Opened]) -> None:
    release = one(files["ptp_practitioner_pairs_derived_2026Q2.csv"], Wanted(valid_from=date(2026, 4, 1)))
    assert release.frame.height == 2_140_693
    assert release.frame["rationale"].n_unique() < 100


def test_diagnosis_codes_are_those_of_the_package(
    files: dict[str, Opened], tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tables["icd10cm"]
    release = icd10cm.find_release()
    if release is None or release.edition != "2026-04":
        pytest.skip("another edition is installed")
    monkeypatch.setattr(icd10cm, "load", lambda: (release, shipped.frame))
    frame = one(files["icd10cm_codes_2026_codesonly.txt"]).frame
    assert frame["billable"].sum() == 74_719
    # Categories, chapters and missing seventh characters are made from the codes alone; what the names
    # tell is taken from the shipped list.
    assert frame.equals(shipped.frame.sort("code"))


def test_mce_edits(files: dict[str, Opened]) -> None:
    release = one(files["MCE_Simple_Code_Edits_v37.txt"])
    sums = release.frame.select(FLAGS).sum().row(0)
    assert sums == (41, 114, 2_372, 771, 395, 2_406, 27)
    assert dict(release.frame["sex"].drop_nulls().value_counts().iter_rows()) == {"F": 3_135, "M": 529}
    assert (release.edition, release.valid_from) == ("FY2020", date(2019, 10, 1))


def test_mce_edits_of_2026(files: dict[str, Opened]) -> None:
    frame = one(files["mce_dx_edits_2026_derived.csv"]).frame
    # 2,656 in the file, and Z51.89, which it left out for leading alone: it needs a further diagnosis.
    assert frame.select(FLAGS).sum().row(0) == (42, 125, 2_543, 856, 422, 2_657, 30)
    assert dict(frame["sex"].drop_nulls().value_counts().iter_rows()) == {"F": 3_111, "M": 529}


def test_hcpcs(files: dict[str, Opened]) -> None:
    release = one(files["HCPC2019_CONTR_ANWEB.txt"])
    assert (release.edition, release.frame.height) == ("2019", 6_440)
    assert release.notes == ("360 modifiers were left out",)
    rows = {row["code"]: row for row in release.frame.iter_rows(named=True)}
    assert rows["A0021"] == {
        "code": "A0021",
        "valid_from": date(1985, 1, 1),
        "valid_to": None,
        "coverage": "I",
        "betos": "O1A",
        "pricing": "00",
    }
    assert release.frame["valid_to"].count() == 506
    assert one(files["hcpcs_level2_2026q3_codes.txt"]).frame.height == 8_725


def test_code_sets(files: dict[str, Opened]) -> None:
    assert one(files["nucc_taxonomy_240.csv"]).frame.height == 874
    places = one(files["place_of_srvc_derived.csv"]).frame
    assert places.height == 52
    facilities = "02 06 08 19 21 22 23 24 26 31 34 41 42 51 52 53 56 61".split()
    assert places.filter("facility")["code"].to_list() == facilities
    reasons = one(files["hdi_carc.csv"])
    assert "looks like an excerpt" in reasons.notes[0]
    assert reasons.frame["valid_to"].count() == 16
    heights = {r.table: r.frame.height for r in load(files["pyx12_codes.xml"])}
    assert heights == {"status_categories": 48, "claim_status_codes": 759, "rarc": 998}


def test_code_systems(files: dict[str, Opened]) -> None:
    def frame(name: str) -> pl.DataFrame:
        return one(files[f"bfd_CodeSystem-{name}.fsh"]).frame

    # The shipped lists of these were made of them.
    for name, table in (("ANSI-RSN-CD", "carc"), ("CLM-POS-CD", "pos")):
        shipped = read_shipped(shipped_specs()[table])
        assert frame(name).select(shipped.columns).equals(shipped)
    assert frame("ANSI-RSN-CD")["description"].null_count() == 0
    assert frame("ANSI-GRP-CD").height == 5
    assert frame("CLM-PRVDR-SPCLTY-CD").height == 152
    assert set(frame("CLM-REV-CNTR-CD")["code"]) == set(
        read_shipped(shipped_specs()["revenue_codes"])["code"]
    )
