"""What fetching refuses leaves nothing behind."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from claimsctl.errors import UsageError
from claimsctl.reference.download import FetchError, followed
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import DOWNLOADS, TermsNotAccepted, fetch
from claimsctl.reference.publishers import (
    Places,
    find,
    order,
)
from claimsctl.reference.terms import accept, accepted_at
from claimsctl.reference.trouble import Busy, is_final, reason
from tests.publisher import (
    DIRECTORY,
    MUE_ZIP,
    PublisherServer,
    cut,
    mue_zip,
    page,
    redirect,
    status,
    unmeasured,
)
from tests.reference.fetching.fetches import TODAY, check_whole, downloads, failure, mue


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
