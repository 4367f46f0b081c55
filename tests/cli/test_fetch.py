"""`reference fetch` from the shell's side: terms, progress, settings, and what it leaves in the workspace."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from claimsctl.cli import fetches
from claimsctl.cli.fetches import DownloadProgress
from claimsctl.errors import SettingsError
from claimsctl.reference import download
from claimsctl.reference.publishers import find, publishers
from claimsctl.settings import load_settings
from tests.commands import ROOT, Command
from tests.publisher import DIRECTORY, MUE_ZIP, PublisherServer, cut, mue_zip, page, publishing, status

FETCH = ("reference", "fetch")
MUE = (*FETCH, "mue", "--edition", "2026Q2")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherServer]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    with publishing() as there:
        monkeypatch.setenv("CLAIMSCTL_REFERENCE_BASE", there.base)
        yield there


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return tmp_path / "workspace" / "reference"


def test_from_the_terms_to_the_table(command: Command, server: PublisherServer, reference: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    refused = command(*MUE)
    assert refused.code == 2
    assert "American Medical Association" in refused.err
    assert "https://www.cms.gov/license/ama" in refused.err
    assert "claimsctl reference fetch mue --accept-terms" in refused.err
    assert not server.requests
    assert command("--yes", *MUE).code == 2, "--yes is no answer to a licence"
    done = command(*MUE, "--accept-terms")
    assert done.code == 0, done.err
    assert "mue 2026Q2: 14,000 rows, service dates 2026-04-01 to 2026-06-30" in done.out
    assert hashlib.sha256(data).hexdigest() in done.out
    assert done.err == f"claimsctl: fetching mue 2026Q2 from {server.base}/{MUE_ZIP}\n"
    accepted = json.loads((reference / "terms.json").read_text())["cpt"]
    assert datetime.fromisoformat(accepted["accepted_at"]).utcoffset() is not None
    terms = find("mue").terms
    assert terms is not None
    assert (accepted["version"], accepted["url"]) == (terms.version, terms.url)
    shown = command("reference", "show", "mue", "90834", "--on", "2026-05-01")
    assert "units: 1; mai: 3" in shown.out
    tables = {each["table"] for each in command("reference", "list", "--json").json["tables"]}
    assert ".downloads" not in tables
    assert command("reference", "verify").code == 0
    again = command(*MUE)
    assert (again.code, len(server.requests)) == (0, 1)
    assert f"loaded already, from {MUE_ZIP}" in again.out
    server.publish(MUE_ZIP, mue_zip(5))
    assert command(*MUE, "--replace").code == 0
    assert "units: 5" in command("reference", "show", "mue", "90834", "--on", "2026-05-01").out
    assert list((reference / ".downloads").iterdir()) == [reference / ".downloads" / "lock"]


def test_terms_on_a_terminal(
    command: Command, server: PublisherServer, monkeypatch: pytest.MonkeyPatch, reference: Path
) -> None:
    server.publish(MUE_ZIP, mue_zip())

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def answer(text: str) -> Any:
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        return command(*MUE, "--quiet")

    assert answer("n\n").code == 2
    assert not (reference / "terms.json").exists()
    accepted = answer("y\n")
    assert accepted.code == 0, accepted.err
    assert "Do you accept these terms?" in accepted.err
    assert (reference / "terms.json").exists()


def test_terms_that_were_changed_or_damaged(
    command: Command, server: PublisherServer, reference: Path
) -> None:
    server.publish(MUE_ZIP, mue_zip())
    reference.mkdir(parents=True)
    old = {"cpt": {"version": "2019", "accepted_at": "2019-01-01T00:00:00+00:00"}}
    (reference / "terms.json").write_text(json.dumps(old))
    assert command(*MUE).code == 2
    for damaged in ("[1]", "{", '{"cpt": 1}', '{"cpt": {"version": "2026"}}'):
        (reference / "terms.json").write_text(damaged)
        ran = command(*MUE)
        assert ran.code == 4
        assert "terms.json is damaged" in ran.err


def test_one_json_document(command: Command, server: PublisherServer, reference: Path) -> None:
    data = server.publish(MUE_ZIP, mue_zip(), cut(2_000))
    ran = command(*MUE, "--accept-terms", "--keep", "--json", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    kept = reference / ".downloads" / MUE_ZIP
    told = ran.json
    assert isinstance(told.pop("notes"), list)
    assert told == {
        "table": "mue", "edition": "2026Q2", "rows": 14_000, "valid_from": "2026-04-01",
        "valid_to": "2026-06-30", "loaded": True,
        "files": [{
            "name": MUE_ZIP, "url": f"{server.base}/{MUE_ZIP}", "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(), "kept": str(kept),
        }],
    }  # fmt: skip
    assert kept.read_bytes() == data
    assert command(*MUE, "--json").json["loaded"] is False
    assert server.ranges() == [None, "bytes=2000-"]


def test_a_checksum(command: Command, server: PublisherServer) -> None:
    data = server.publish(MUE_ZIP, mue_zip())
    digest = hashlib.sha256(data).hexdigest()
    options = (*MUE, "--accept-terms", "--sha256")
    assert command(*options, "abc").code == 2
    wrong = command(*options, "0" * 64)
    assert wrong.code == 4
    assert "checksum differs" in wrong.err
    assert command("reference", "show", "mue").code == 2
    assert command(*options, f"SHA256:{digest.upper()}").code == 0


def test_failures_say_what_to_do(command: Command, server: PublisherServer) -> None:
    server.publish(MUE_ZIP, mue_zip(), page(), status(404), *[status(502)] * 3, *[cut(3_000)] * 3)
    wanted = ("shows a page instead", "(404)", "out of order (502)", "broke off after 3,000 bytes")
    for words in wanted:
        ran = command(*MUE, "--accept-terms")
        assert (ran.code, ran.out) == (4, "")
        last = ran.err.splitlines()[-1]
        assert words in last
        assert f"claimsctl reference load {MUE_ZIP}" in last
        assert find("mue").page in last
    assert "the same command goes on from there" in last
    assert "not loaded" in command("reference", "show", "mue").err


def test_a_stop_keeps_what_arrived(
    command: Command, server: PublisherServer, monkeypatch: pytest.MonkeyPatch, reference: Path
) -> None:
    data = server.publish(MUE_ZIP, mue_zip(), cut(2_000))
    received = DownloadProgress.received

    def stop(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DownloadProgress, "received", stop)
    stopped = command(*MUE, "--accept-terms")
    assert stopped.code == 130
    assert "goes on from there" in stopped.err
    monkeypatch.setattr(DownloadProgress, "received", received)
    assert command(*MUE).code == 0
    assert server.ranges()[1] == f"bytes={len(data) if len(data) < 2_000 else 2_000}-"


def test_what_can_be_fetched(
    command: Command, server: PublisherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Today(date):
        @classmethod
        def today(cls) -> Today:
            return cls(2026, 6, 30)

    monkeypatch.setattr(fetches, "date", Today)
    server.publish(MUE_ZIP, mue_zip())
    assert command(*FETCH, "mue", "--accept-terms").code == 0
    monkeypatch.delenv("CLAIMSCTL_REFERENCE_BASE")
    shown = {each["table"]: each for each in command(*FETCH, "--list", "--json").json["tables"]}
    assert set(shown) == set(publishers())
    assert shown["mue"]["urls"] == [f"https://www.cms.gov{DIRECTORY}/{MUE_ZIP}"]
    assert (shown["mue"]["edition"], shown["mue"]["loaded"]) == ("2026Q2", "2026Q2")
    assert shown["mue"]["terms"]["accepted_at"]
    assert len(shown["ncci_ptp"]["urls"]) == 4
    assert shown["taxonomy"]["terms"] is None
    assert "no free download" in shown["rarc"]["why_not"]
    text = command(*FETCH, "--list").out
    assert "mue  2026Q2 (loaded)" in text
    assert "nucc_taxonomy_260.csv" in text
    only = command(*FETCH, "mpfs", "--list").out
    assert "RVU26B" in only
    assert "mue" not in only


def test_what_is_asked_for_wrongly(command: Command, server: PublisherServer) -> None:
    for arguments, words in (
        ((), "Which table?"),
        (("mua",), "Did you mean mue"),
        (("mua", "--list"), "Did you mean mue"),
        (("mue", "--edition", "RVU26A"), "called as in"),
        (("carc",), "no free download"),
    ):
        ran = command(*FETCH, *arguments)
        assert ran.code == 2
        assert words in ran.err
    assert not server.requests


def test_addresses_of_the_settings(
    command: Command, server: PublisherServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAIMSCTL_REFERENCE_BASE")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    settings = workspace / "claimsctl.toml"
    server.files["/own/mue-2026-2.zip"] = mue_zip()
    settings.write_text(f'[reference.sources]\nmue = "{server.url}/own/mue-{{year}}-{{quarter}}.zip"\n')
    assert command(*MUE, "--accept-terms").code == 0
    assert [request.path for request in server.requests] == ["/own/mue-2026-2.zip"]
    settings.write_text(f'[reference]\nbase = "{server.base}"\n')
    server.publish(MUE_ZIP, mue_zip())
    assert command(*MUE, "--replace").code == 0
    monkeypatch.setenv("CLAIMSCTL_REFERENCE_BASE", "ftp://elsewhere")
    assert "no web address" in command(*MUE, "--replace").err
    settings.write_text('[reference.sources]\nmues = "https://m.example/x.zip"\n')
    assert "Did you mean mue?" in command(*MUE, "--replace").err


def test_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "claimsctl.toml"
    file.write_text(
        '[reference]\nbase = "https://m.example"\n[reference.sources]\nmue = "https://a.example"\n'
    )
    env = {"CLAIMSCTL_REFERENCE__SOURCES__MPFS": "https://b.example", "CLAIMSCTL_REFERENCE_BASE": "https://c"}
    found = load_settings(tmp_path, env).reference
    assert found.base == "https://m.example"
    assert found.sources == {"mue": "https://a.example", "mpfs": "https://b.example"}
    for text, words in (
        ('[reference]\nbases = "x"\n', "Did you mean base?"),
        ("[reference]\nbase = 5\n", "should be text"),
        ("[reference.sources]\nmue = 5\n", "should be text"),
        ('[reference]\nsources = "x"\n', "should be a table"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=r"\[reference\]") as caught:
            load_settings(tmp_path, {})
        assert words in str(caught.value)


def test_progress() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def run(stream: io.StringIO, **options: bool) -> list[str]:
        now = [100.0]
        with DownloadProgress(["a.zip", "b.zip"], stream=stream, clock=lambda: now[0], **options) as progress:
            for name, total in (("a.zip", 62_000_000), ("b.zip", 0)):
                for step in range(13):
                    progress.received(name, 2_000_000 + step * 5_000_000, total)
                    now[0] += 1
        return stream.getvalue().splitlines()

    assert run(io.StringIO(), verbose=True) == [
        "a.zip: 22%, 27.0 MB of 62.0 MB, 5.0 MB/s, about 7 s left",
        "a.zip: 42%, 52.0 MB of 62.0 MB, 5.0 MB/s, about 2 s left",
        "b.zip: 50%, 12.0 MB, 5.0 MB/s",
        "b.zip: 50%, 37.0 MB, 5.0 MB/s",
        "b.zip: 50%, 62.0 MB, 5.0 MB/s",
    ]
    assert run(io.StringIO()) == run(io.StringIO(), verbose=True, quiet=True) == []
    assert "MB/s" in "".join(run(Terminal()))
    assert run(Terminal(), quiet=True) == []


def test_the_page_names_every_table_and_setting() -> None:
    text = (ROOT / "docs" / "reference.md").read_text("utf-8")
    for publisher in publishers().values():
        assert f"`{publisher.table}`" in text
    for word in ("[reference.sources]", "CLAIMSCTL_REFERENCE_BASE", "# claimsctl table:", "--accept-terms"):
        assert word in text


def test_the_file_says_that_publishers_move_files() -> None:
    text = (ROOT / "reference_data" / "publishers.toml").read_text("utf-8")
    assert "PUBLISHERS MOVE FILES" in text
    assert set(tomllib.loads(text)) == {"terms", *publishers()}
