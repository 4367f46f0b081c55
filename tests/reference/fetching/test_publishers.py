"""The addresses and editions of publishers.toml."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import date

import pytest

import claimsctl.reference.formats as formats_package
from claimsctl.errors import SettingsError, UsageError
from claimsctl.reference.addresses import file_name, shown
from claimsctl.reference.publishers import (
    Places,
    check_sources,
    find,
    listed,
    order,
    publishers,
)
from claimsctl.reference.releases import Wanted
from tests.publisher import (
    MUE_ZIP,
)
from tests.reference.fetching.fetches import TODAY


@pytest.mark.parametrize(
    ("table", "edition", "urls"),
    [
        ("mpfs", "RVU27A", ["https://www.cms.gov/files/zip/rvu27a.zip"]),
        ("mpfs", "RVU26C", ["https://www.cms.gov/files/zip/rvu26c-updated-06-30-2026.zip"]),
        ("gpci", "GPCI2027", ["https://www.cms.gov/files/zip/rvu27a.zip"]),
        ("oppscap", "OPPSCAP25D", ["https://www.cms.gov/files/zip/rvu25d.zip"]),
        (
            "mue",
            "2026Q3",
            ["https://www.cms.gov/files/zip/medicare-ncci-2026-q3-practitioner-services-mue-table.zip"],
        ),
        (
            "ncci_ptp",
            "2025Q4",
            [
                f"https://www.cms.gov/files/zip/medicare-ncci-2025q4-practitioner-ptp-edits-ccipra-v313r0-f{n}.zip"
                for n in range(1, 5)
            ],
        ),
        ("icd10cm", "FY2026", ["https://www.cms.gov/files/zip/2026-code-descriptions-tabular-order.zip"]),
        (
            "icd10cm",
            "FY2026-04",
            ["https://www.cms.gov/files/zip/april-1-2026-code-descriptions-tabular-order.zip"],
        ),
        ("hcpcs", "2026Q3", ["https://www.cms.gov/files/zip/july-2026-alpha-numeric-hcpcs-file.zip"]),
        (
            "nppes",
            "2026-09",
            ["https://download.cms.gov/nppes/NPPES_Data_Dissemination_September_2026_V2.zip"],
        ),
        ("taxonomy", "26.1", ["https://www.nucc.org/images/stories/CSV/nucc_taxonomy_261.csv"]),
        ("taxonomy", "26.0", ["https://www.nucc.org/images/stories/CSV/nucc_taxonomy_260.csv"]),
    ],
)
def test_addresses(table: str, edition: str, urls: list[str]) -> None:
    wanted = order(find(table), edition, TODAY, Places({}))
    assert [each[0] for each in wanted.files] == urls
    assert wanted.edition == edition


@pytest.mark.parametrize(
    ("table", "day", "edition"),
    [
        ("mue", date(2026, 6, 30), "2026Q2"),
        ("mue", date(2026, 7, 1), "2026Q3"),
        ("mpfs", date(2026, 12, 31), "RVU26D"),
        ("gpci", date(2026, 12, 31), "GPCI2026"),
        ("icd10cm", date(2026, 9, 30), "FY2026"),
        ("icd10cm", date(2026, 10, 1), "FY2027"),
        ("taxonomy", date(2026, 6, 30), "26.0"),
        ("taxonomy", date(2026, 7, 1), "26.1"),
        ("nppes", date(2026, 7, 14), "2026-06"),
        ("nppes", date(2026, 7, 15), "2026-07"),
        ("nppes", date(2026, 1, 3), "2025-12"),
        ("carc", date(2026, 7, 15), None),
    ],
)
def test_the_edition_for_a_date(table: str, day: date, edition: str | None) -> None:
    assert find(table).current(day) == edition


def test_dates_of_files_that_do_not_say_theirs() -> None:
    assert order(find("icd10cm"), "fy2026-04", TODAY, Places({})).wanted == Wanted(
        "FY2026-04", date(2026, 4, 1)
    )
    assert order(find("oppscap"), "OPPSCAP26C", TODAY, Places({})).wanted.valid_from == date(2026, 7, 1)
    assert order(find("icd10cm"), "FY2026", TODAY, Places({})).wanted == Wanted()


def test_every_entry_is_sound() -> None:
    readable = {
        table
        for module in pkgutil.iter_modules(formats_package.__path__)
        for form in getattr(
            importlib.import_module(f"{formats_package.__name__}.{module.name}"), "FORMATS", ()
        )
        for table in form.tables
    }
    for publisher in publishers().values():
        assert publisher.table in readable
        assert publisher.page.startswith("https://")
        assert bool(publisher.none) != bool(publisher.series)
        for series in publisher.series:
            assert all(url.startswith("https://") for url in (*series.urls, *series.known.values()))
            assert all(series.named(name) is not None for name in series.known)
            for day in (date(2025, 2, 28), date(2026, 4, 1), date(2026, 11, 22)):
                first = series.beginning(day)
                assert first <= day
                assert series.named(series.name(first)) == first
    assert find("mue").terms == find("mpfs").terms != None  # noqa: E711
    assert len(listed(TODAY, Places({}))) == len(publishers())


def test_names_that_are_not_known() -> None:
    with pytest.raises(UsageError, match="Did you mean mue"):
        find("mua")
    for edition in ("2026Q5", "2026", "RVU26C", "2026Q3x", ""):
        if edition:
            with pytest.raises(UsageError, match="called as in 2026Q2"):
                order(find("mue"), edition, TODAY, Places({}))
    with pytest.raises(UsageError, match=r"no free download.*x12\.org"):
        order(find("rarc"), None, TODAY, Places({}))
    with pytest.raises(UsageError, match=r"is not known.*claimsctl reference load"):
        order(find("zip_locality"), "ZIP5-2027Q1", TODAY, Places({}))


def test_addresses_of_the_users_own() -> None:
    places = Places(
        {"ncci_ptp": "https://m.example/{year}/{quarter}/{edition}/f{part}.zip"}, "https://b.example/c/"
    )
    assert order(find("ncci_ptp"), "2026Q3", TODAY, places).files[1] == (
        "https://m.example/2026/3/2026Q3/f2.zip",
    )
    assert order(find("mue"), "2026Q2", TODAY, places).files == ((f"https://b.example/c/{MUE_ZIP}",),)
    for wrong in (
        "https://m.example/{yaer}.zip",
        "ftp://m.example/x.zip",
        "/x.zip",
        "https://",
        "{year}",
        "https://[x",
    ):
        with pytest.raises(SettingsError):
            order(find("mue"), None, TODAY, Places({"mue": wrong}))
    with pytest.raises(SettingsError, match=r"\{part\}"):
        order(find("ncci_ptp"), None, TODAY, Places({"ncci_ptp": "https://m.example/ptp.zip"}))
    with pytest.raises(SettingsError, match="Did you mean mue"):
        check_sources({"mues": "https://m.example/x.zip"})
    with pytest.raises(SettingsError, match="no table that can be fetched"):
        check_sources({"carc": "https://m.example/x.zip"})


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.gov/x/rvu26c.zip?key=1", "rvu26c.zip"),
        ("https://a.gov/x/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://a.gov/x/%2e%2e", "download"),
        ("https://a.gov/", "download"),
        ("https://a.gov/a b;c.zip", "a_b_c.zip"),
    ],
)
def test_names_of_files(url: str, name: str) -> None:
    assert file_name(url) == name


def test_addresses_are_shown_without_secrets() -> None:
    assert shown("https://user:pass@a.gov:8080/x.zip?key=1#y") == "https://a.gov:8080/x.zip"
