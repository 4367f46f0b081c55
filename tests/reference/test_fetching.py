"""Fetching over real HTTP: what is stored is whole and asked for; all else leaves nothing behind."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import json
import pkgutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import claimsctl.reference.formats as formats_package
from claimsctl.errors import InputError, SettingsError, UsageError
from claimsctl.reference import download as downloading
from claimsctl.reference import fetching
from claimsctl.reference.addresses import file_name, shown
from claimsctl.reference.download import FetchError, followed
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import DOWNLOADS, Fetched, TermsNotAccepted, fetch
from claimsctl.reference.loading import load_file
from claimsctl.reference.publishers import (
    Order,
    Places,
    check_sources,
    find,
    listed,
    order,
    publishers,
)
from claimsctl.reference.releases import Format, Opened, Release, Wanted
from claimsctl.reference.terms import accept, accepted_at
from claimsctl.reference.trouble import Busy, is_final, reason
from tests.commands import ROOT
from tests.publisher import (
    DIRECTORY,
    MUE_ZIP,
    Answer,
    PublisherServer,
    careless,
    cut,
    cut_without_tag,
    mue_zip,
    page,
    publishing,
    redirect,
    reset,
    status,
    unmeasured,
    whole,
    zipped,
)

TODAY = date(2026, 6, 30)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherServer]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(downloading, "WAITS", (0.0, 0.0, 0.0))
    with publishing() as there:
        yield there


@pytest.fixture
def store(tmp_path: Path) -> EditionStore:
    """An empty store whose user has accepted the terms."""
    root = tmp_path / "reference"
    terms = find("mue").terms
    assert terms is not None
    accept(root, terms)
    return EditionStore(root)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.mkdir()
    return path


def mue(server: PublisherServer, edition: str = "2026Q2") -> Order:
    return order(find("mue"), edition, TODAY, Places({}, server.base))


def downloads(store: EditionStore) -> set[str]:
    return {path.name for path in (store.root / DOWNLOADS).iterdir()} - {"lock"}


def check_whole(fetched: Fetched, data: bytes, store: EditionStore) -> None:
    (file,) = fetched.files
    assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    (edition,) = store.editions("mue")
    assert (edition.name, edition.rows) == ("2026Q2", 2_000)
    assert (edition.origin.file, edition.origin.sha256) == (MUE_ZIP, file.sha256)
    assert list(store.verify()) == [(edition, None)]
    assert downloads(store) == set()


def failure(
    server: PublisherServer, store: EditionStore, spool: Path, wanted: Order | None = None
) -> FetchError:
    """The error of a fetch that stores nothing and says what to do by hand."""
    with pytest.raises(FetchError) as caught:
        fetch(wanted or mue(server), store, spool)
    assert caught.value.exit_code == 4
    assert store.tables() == []
    return caught.value


# --- downloads that go well, at once or in the end


def test_a_file_is_fetched_and_loaded(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    seen: list[tuple[str, int, int]] = []
    done = fetch(mue(server), store, spool, watch=lambda *told: seen.append(told))
    check_whole(done, data, store)
    assert seen[-1] == (MUE_ZIP, len(data), len(data))
    assert list(spool.rglob("*.csv")) == []


def test_nothing_but_the_request_is_sent(
    server: PublisherServer,
    store: EditionStore,
    spool: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.publish(MUE_ZIP, mue_zip())
    fetch(mue(server), store, spool)
    (request,) = server.requests
    assert set(request.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert request.headers["user-agent"].startswith("claimsctl/")
    assert request.path == f"{DIRECTORY}/{MUE_ZIP}"


def test_redirects_are_followed(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip(), redirect("/moved/here"), redirect("/moved/here"))
    server.answers["/moved/here"] = [redirect(f"{server.url}/archive/table.zip", 301)] * 2
    server.files["/archive/table.zip"] = data
    server.answers["/archive/table.zip"] = [cut(len(data) // 2)]
    check_whole(fetch(mue(server), store, spool), data, store)
    assert [request.path for request in server.requests][:3] == [
        f"{DIRECTORY}/{MUE_ZIP}", "/moved/here", "/archive/table.zip",
    ]  # fmt: skip
    assert server.ranges()[3:] == [f"bytes={len(data) // 2}-"] * 3


@pytest.mark.parametrize("broken", [cut, reset], ids=["truncated", "reset"])
def test_a_broken_download_goes_on_where_it_broke(
    server: PublisherServer, store: EditionStore, spool: Path, broken: Any
) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data, broken(len(data) // 3))
    check_whole(fetch(mue(server), store, spool), data, store)
    first, second = server.requests
    assert "range" not in first.headers
    asked = int(second.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    # What a reset connection had sent may be lost on the way; of an ended one nothing is.
    assert asked <= len(data) // 3
    if broken is cut:
        assert asked == len(data) // 3
        assert second.headers["if-range"].startswith('"')


def test_a_download_goes_on_in_the_next_run(
    server: PublisherServer, store: EditionStore, spool: Path
) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data, cut(1_000), *[status(503)] * 3)
    error = failure(server, store, spool)
    assert "out of order (503)" in error.message
    assert "goes on from there" in (error.hint or "")
    assert downloads(store) == {f"{MUE_ZIP}.part", f"{MUE_ZIP}.part.json"}
    check_whole(fetch(mue(server), store, spool), data, store)
    assert server.ranges()[-1] == "bytes=1000-"


def test_a_server_that_ignores_ranges(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data, cut(1_000), whole)
    check_whole(fetch(mue(server), store, spool), data, store)
    assert server.ranges() == [None, "bytes=1000-"]


@pytest.mark.parametrize("later", [None, careless, status(416)], ids=["whole", "careless", "416"])
def test_a_file_that_changed_meanwhile_is_fetched_anew(
    server: PublisherServer, store: EditionStore, spool: Path, later: Answer | None
) -> None:
    answers = [cut(1_000, tag='"of-the-old-file"')] + ([later] if later else [])
    data = server.publish(MUE_ZIP, mue_zip(7), *answers)
    check_whole(fetch(mue(server), store, spool), data, store)
    assert server.ranges()[:2] == [None, "bytes=1000-"]
    assert server.ranges()[2:] == ([None] if later else [])


def test_without_a_version_nothing_is_put_together(
    server: PublisherServer, store: EditionStore, spool: Path
) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data, cut_without_tag(1_000), cut(1_000, tag='W/"weak"'))
    check_whole(fetch(mue(server), store, spool), data, store)
    assert server.ranges() == [None, None, None]


def test_a_busy_server_is_asked_again(
    server: PublisherServer, store: EditionStore, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(downloading, "WAITS", (1.0, 4.0, 15.0))
    monkeypatch.setattr(downloading.time, "sleep", waited.append)
    answers = (status(503), status(503, Retry_After="9"), status(429, Retry_After="3600"))
    data = server.publish(MUE_ZIP, mue_zip(), *answers)
    check_whole(fetch(mue(server), store, spool), data, store)
    assert waited == [1.0, 9.0, 60.0]


def test_a_server_that_stays_busy(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    server.publish(MUE_ZIP, mue_zip(), *[status(500)] * 9)
    error = failure(server, store, spool)
    assert "out of order (500)" in error.message
    assert len(server.requests) == 4
    assert "claimsctl reference load" in (error.hint or "")
    assert find("mue").page in (error.hint or "")


def test_a_file_of_unknown_length(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip(), unmeasured)
    check_whole(fetch(mue(server), store, spool), data, store)


def test_a_proxy_of_the_environment_is_used(
    server: PublisherServer, store: EditionStore, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    data = server.publish(MUE_ZIP, mue_zip())
    wanted = order(find("mue"), "2026Q2", TODAY, Places({}, f"http://files.example{DIRECTORY}"))
    check_whole(fetch(wanted, store, spool), data, store)
    assert server.requests[0].path == f"http://files.example{DIRECTORY}/{MUE_ZIP}"
    monkeypatch.setenv("HTTP_PROXY", "nonsense://user:secret@proxy")
    with pytest.raises(FetchError, match="proxy") as caught:
        fetch(replace(wanted, edition="2026Q3"), store, spool)
    assert "secret" not in str(caught.value)


# --- what is refused


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream", "application/zip"])
def test_a_page_instead_of_the_file(
    server: PublisherServer, store: EditionStore, spool: Path, kind: str
) -> None:
    server.publish(MUE_ZIP, mue_zip(), page(kind))
    error = failure(server, store, spool)
    assert "shows a page instead" in error.message
    assert "terms accepted in a browser" in error.message
    assert f"claimsctl reference load {MUE_ZIP}" in (error.hint or "")
    assert downloads(store) == set()


def test_something_that_is_no_zip(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    server.publish(MUE_ZIP, b'{"error": "quota"}')
    assert "no zip file" in failure(server, store, spool).message
    server.publish(MUE_ZIP, mue_zip(), status(200, b"x", Content_Encoding="br"))
    assert "packed in a way" in failure(server, store, spool).message


def test_checksums(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    right = hashlib.sha256(data).hexdigest()
    error = failure(server, store, spool, replace(mue(server), sha256=("0" * 64,)))
    assert "checksum differs" in error.message
    assert right in error.message
    assert downloads(store) == set(), "not to be resumed"
    with pytest.raises(UsageError, match="1 files, and 2 checksums"):
        fetch(replace(mue(server), sha256=(right, right)), store, spool)
    check_whole(fetch(replace(mue(server), sha256=(right.upper(),)), store, spool), data, store)


def test_a_listed_checksum_is_checked(server: PublisherServer) -> None:
    entry = replace(find("mue"), sha256={MUE_ZIP: "0" * 64})
    assert order(entry, "2026Q2", TODAY, Places({}, server.base)).sha256 == ("0" * 64,)
    assert order(entry, "2026Q3", TODAY, Places({}, server.base)).sha256 == ("",)


def test_a_missing_file(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    error = failure(server, store, spool)
    assert "(404)" in error.message
    assert find("mue").page in (error.hint or "")
    assert "CLAIMSCTL_REFERENCE_BASE" in (error.hint or "")
    server.publish(MUE_ZIP, mue_zip(), status(403))
    assert "may want a browser" in failure(server, store, spool).message
    server.publish(MUE_ZIP, mue_zip(), status(400))
    assert "answers 400" in failure(server, store, spool).message


def test_the_next_address_is_tried(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    server.files[f"{DIRECTORY}/page.zip"] = b"<html>moved</html>"
    urls = tuple(f"{server.base}/{name}" for name in ("gone.zip", "page.zip", MUE_ZIP))
    check_whole(fetch(replace(mue(server), files=(urls,)), store, spool), data, store)
    assert len(server.requests) == 3


@pytest.mark.parametrize("measured", [True, False])
def test_a_file_that_is_too_big(
    server: PublisherServer, store: EditionStore, spool: Path, measured: bool
) -> None:
    server.publish(MUE_ZIP, mue_zip(), *([] if measured else [unmeasured]))
    small = replace(mue(server), publisher=replace(find("mue"), most_bytes=5_000))
    assert "larger than this table can be" in failure(server, store, spool, small).message
    assert downloads(store) == set()


@pytest.mark.parametrize(
    ("url", "location", "leads"),
    [
        ("https://a.gov/x.zip", "https://b.gov/y.zip", "https://b.gov/y.zip"),
        ("https://a.gov/x.zip", "/y.zip", "https://a.gov/y.zip"),
        ("http://a.gov/x.zip", "/y.zip", "http://a.gov/y.zip"),
        ("http://a.gov/x.zip", "https://b.gov/y.zip", "https://b.gov/y.zip"),
        ("https://a.gov/x.zip", "http://a.gov/x.zip", None),
        ("https://a.gov/x.zip", "http://b.gov/x.zip", None),
        ("http://a.gov/x.zip", "http://b.gov/x.zip", None),
        ("http://a.gov/x.zip", "http://a.gov:8080/x.zip", None),
        ("https://a.gov/x.zip", "file:///etc/passwd", None),
        ("https://a.gov/x.zip", "https://[x", None),
    ],
)
def test_where_redirects_may_lead(url: str, location: str, leads: str | None) -> None:
    if leads is None:
        with pytest.raises(FetchError, match="not safe to follow"):
            followed(url, location)
    else:
        assert followed(url, location) == leads


def test_redirects_without_end(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    server.publish(MUE_ZIP, mue_zip(), *[redirect(f"{DIRECTORY}/{MUE_ZIP}")] * 99)
    assert "on and on" in failure(server, store, spool).message
    assert len(server.requests) < 20
    server.publish(MUE_ZIP, mue_zip(), redirect("http://elsewhere.example/x.zip"))
    assert "not safe" in failure(server, store, spool).message


def test_a_server_that_does_not_exist(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    wanted = order(find("mue"), "2026Q2", TODAY, Places({}, "http://user:secret@nowhere.invalid"))
    error = failure(server, store, spool, wanted)
    assert "offline" in error.message
    assert "secret" not in str(error)
    closed = order(find("mue"), "2026Q2", TODAY, Places({}, "http://127.0.0.1:9"))
    assert "does not answer" in failure(server, store, spool, closed).message


@pytest.mark.parametrize(
    ("error", "words", "final"),
    [
        (httpx.ConnectTimeout("secret"), "does not answer", False),
        (httpx.ReadTimeout("secret"), "has stopped sending", False),
        (httpx.RemoteProtocolError("secret"), "broke off", False),
        (httpx.ProxyError("secret"), "proxy does not let", True),
        (Busy(503, None), "out of order (503)", False),
    ],
)
def test_what_went_wrong_in_words(error: Exception, words: str, final: bool) -> None:
    assert words in reason(error, "a.gov")
    assert "secret" not in reason(error, "a.gov")
    assert is_final(error) == final


def test_a_certificate_that_is_not_trusted() -> None:
    error = httpx.ConnectError("secret")
    error.__cause__ = ssl.SSLCertVerificationError("secret")
    assert "SSL_CERT_FILE" in reason(error, "a.gov")
    assert is_final(error)


def test_passwords_of_a_mirror_are_not_written_down(
    server: PublisherServer, store: EditionStore, spool: Path
) -> None:
    data = mue_zip()
    server.publish(MUE_ZIP, data, cut(1_000), *[status(503)] * 3)
    base = server.base.replace("http://", "http://user:secret@") + "?key=secret"
    own = {"mue": f"{base.split('?')[0]}/{MUE_ZIP}?key=secret"}
    wanted = order(find("mue"), "2026Q2", TODAY, Places(own))
    assert "secret" not in str(failure(server, store, spool, wanted))
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    for path in (store.root / DOWNLOADS).iterdir():
        assert b"secret" not in path.read_bytes()
    (file,) = fetch(wanted, store, spool).files
    assert "secret" not in file.url


def test_terms_come_first(server: PublisherServer, tmp_path: Path, spool: Path) -> None:
    server.publish(MUE_ZIP, mue_zip())
    with pytest.raises(TermsNotAccepted, match="--accept-terms"):
        fetch(mue(server), EditionStore(tmp_path / "new"), spool)
    assert server.requests == []
    terms = find("mue").terms
    assert terms is not None
    accept(tmp_path / "new", terms, datetime(2026, 6, 30, 12, tzinfo=UTC))
    assert accepted_at(tmp_path / "new", terms) == datetime(2026, 6, 30, 12, tzinfo=UTC)
    assert accepted_at(tmp_path / "new", replace(terms, version="2027")) is None, "new terms, asked anew"
    assert find("icd10cm").terms is None


# --- what is in the file


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


# --- accidents


def test_killed_between_download_and_load(
    server: PublisherServer, store: EditionStore, tmp_path: Path
) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    code = (
        "import os, signal, sys\n"
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from claimsctl.reference import fetching\n"
        "from claimsctl.reference.editions import EditionStore\n"
        "from claimsctl.reference.publishers import Places, find, order\n"
        "fetching.{} = lambda *given, **options: os.kill(os.getpid(), signal.SIGKILL)\n"
        "wanted = order(find('mue'), '2026Q2', date(2026, 6, 30), Places({{}}, sys.argv[1]))\n"
        "spool = Path(sys.argv[3]); spool.mkdir(exist_ok=True)\n"
        "fetching.fetch(wanted, EditionStore(Path(sys.argv[2])), spool)\n"
    )
    for moment in ("_read", "EditionStore.add", "EditionStore._place", "discard"):
        command = [
            sys.executable,
            "-c",
            code.format(moment),
            server.base,
            str(store.root),
            str(tmp_path / "s"),
        ]
        ran = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        assert EditionStore(store.root).tables() == ([] if moment != "discard" else ["mue"])
    assert server.ranges() == [None] + [f"bytes={len(data) - 1}-"] * 3
    spool = tmp_path / "t"
    spool.mkdir()
    (edition,) = store.editions("mue")
    assert fetch(mue(server), store, spool).edition is None
    assert list(store.verify()) == [(edition, None)]
    assert downloads(store) == set()


def test_two_at_once(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    server.publish(MUE_ZIP, mue_zip())
    folder = store.root / DOWNLOADS
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another claimsctl" in failure(server, store, spool).message
    fetch(mue(server), store, spool)


def test_a_note_that_is_damaged(server: PublisherServer, store: EditionStore, spool: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    folder = store.root / DOWNLOADS
    folder.mkdir()
    for note in (b"\xff", b"[]", b"{}", json.dumps({"source": "x", "validator": "y", "total": 9}).encode()):
        (folder / f"{MUE_ZIP}.part").write_bytes(b"PK but of something else")
        (folder / f"{MUE_ZIP}.part.json").write_bytes(note)
        fetch(mue(server), store, spool, replace=True)
        check_whole(fetch(mue(server), store, spool), data, store)
    assert set(server.ranges()) == {None}


# --- publishers.toml


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
