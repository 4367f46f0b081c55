"""Fetching over real HTTP that goes well, at once or in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimsctl.reference import download as downloading
from claimsctl.reference.download import FetchError
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import fetch
from claimsctl.reference.publishers import (
    Places,
    find,
    order,
)
from tests.publisher import (
    DIRECTORY,
    MUE_ZIP,
    Answer,
    PublisherServer,
    careless,
    cut,
    cut_without_tag,
    mue_zip,
    redirect,
    reset,
    status,
    unmeasured,
    whole,
)
from tests.reference.fetching.fetches import TODAY, check_whole, downloads, failure, mue


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
