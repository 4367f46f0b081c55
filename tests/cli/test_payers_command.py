"""`claimsctl payers list`, `show`, `test` and `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.sandbox.server import running_sandbox
from tests.commands import EXAMPLES, Command

ROUTE = EXAMPLES / "payer_route.toml"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example route as one of the workspace's own."""
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path))
    path = tmp_path / "payers" / "star.toml"
    path.parent.mkdir()
    path.write_bytes(ROUTE.read_bytes())
    return path


def test_list_has_shipped_and_own_routes(command: Command, own: Path) -> None:
    routes = {each["route"]: each for each in command("payers", "list", "--json").json["routes"]}
    assert set(routes) == {"availity", "northern-star", "optum-network", "optum-real", "stedi", "uhc"}
    assert routes["northern-star"]["origin"] == "workspace"
    assert routes["uhc"]["origin"] == "shipped"
    assert routes["uhc"]["credentials"] == "to set"
    text = command("payers", "list").out
    assert "Northern Star Health Plan" in text


def test_show_tells_what_a_route_needs(command: Command, own: Path) -> None:
    document = command("payers", "show", "northern-star", "--json").json
    assert document["credentials"] == "to set: api_key"
    assert document["file"] == str(own)
    assert [step["step"] for step in document["steps"]] == ["by_number", "by_member"]
    text = command("payers", "show", "uhc").out
    for part in ("https://apimarketplace.uhc.com/Claims", "client_secret", "details", "*_306", "by_provider"):
        assert part in text


def test_an_unknown_route_is_told_with_the_nearest(command: Command) -> None:
    ended = command("payers", "show", "availty")
    assert ended.code == 2
    assert "Did you mean availity?" in ended.err


def test_check_runs_the_examples(command: Command, own: Path) -> None:
    ended = command("payers", "check", ROUTE)
    assert ended.code == 0
    assert "route northern-star is sound, 2 examples read as expected" in ended.out
    assert command("payers", "check", "--json").json["files"][0]["file"] == str(own)


def test_check_tells_examples_that_fail(command: Command, own: Path) -> None:
    own.write_text(ROUTE.read_text("utf-8").replace('"amounts.paid"', '"amount.paid"'), "utf-8")
    ended = command("payers", "check", own)
    assert ended.code == 1
    assert "1 of 2 examples wrong" in ended.out
    assert "example 'a paid claim': claim 1: paid_amount is None, expected '100.00'" in ended.out


def test_check_tells_file_and_key_of_a_mistake(command: Command, own: Path) -> None:
    own.write_text(ROUTE.read_text("utf-8").replace("concurrency = 4", "concurency = 4"), "utf-8")
    for arguments in (("check", own), ("list",)):
        ended = command("payers", *arguments)
        assert ended.code == 2
        assert f"{own}: limits.concurency: unknown key; did you mean concurrency?" in ended.err


def test_check_without_any_file(command: Command) -> None:
    ended = command("payers", "check")
    assert ended.code == 2
    assert "There is no connector file in" in ended.err


def test_test_goes_to_the_token_and_with_a_question_to_the_payer(command: Command) -> None:
    told = command("payers", "test", "uhc", "--sandbox", "--question", "--json").json
    assert (told["environment"], told["token"]) == ("sandbox", "granted")
    assert told["question"].startswith("answered: not found, with ")
    assert "only a question shows" in command("payers", "test", "stedi", "--sandbox").out


def test_test_says_which_credentials_are_missing_or_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = command("payers", "test", "availity")
    assert ended.code == 2
    assert "credentials.client_id is not set" in ended.err
    monkeypatch.setenv("WRONG", "wrong-secret")
    (tmp_path / "workspace").mkdir()
    with running_sandbox(payers=["stedi"]) as box:
        settings = f'[payer_route.stedi]\nbase_url = "{box.url}/stedi"\ncredentials.api_key = "env:WRONG"\n'
        (tmp_path / "workspace" / "claimsctl.toml").write_text(settings, "utf-8")
        ended = command("payers", "test", "stedi", "--question")
    assert ended.code == 5
    assert "stedi: the key is not accepted" in ended.err
    assert "wrong-secret" not in ended.err
