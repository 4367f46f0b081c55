"""`practices` and `payers map`, as typed."""

from __future__ import annotations

from pathlib import Path

from tests.commands import Command


def test_practices(command: Command, tmp_path: Path) -> None:
    added = command(
        "practices", "add", "oak", "--name", "Oak", "--npi", "1234567893", "--network", "87726=in"
    )
    assert added.code == 0, added.err
    assert command("practices", "show", "oak", "--json").json == {
        "id": "oak", "name": "Oak", "npi": "1234567893", "network": {"87726": "in"},
    }  # fmt: skip
    assert command("practices", "edit", "oak", "--name", "").code == 0
    listed = command("practices", "list", "--json").json["practices"]
    assert [(each["id"], each.get("name")) for each in listed] == [("oak", None)]
    wrong = command("practices", "edit", "oak", "--network", "87726")
    assert (wrong.code, wrong.err) == (2, "claimsctl: --network takes NAME=VALUE.\n")


def test_payer_map(command: Command) -> None:
    added = command("payers", "map", "add", "INS001", "--payer-id", "UHC", "--route", "uhc", "--json")
    assert added.json == {"insurance_id": "INS001", "payer_id": "UHC", "route": "uhc", "active": True}
    assert "INS001" in command("payers", "map", "list").out
    again = command("payers", "map", "add", "INS001", "--route", "stedi")
    assert (again.code, "mapped already" in again.err) == (2, True)
    assert command("payers", "map", "add", "INS001", "--route", "stedi", "--inactive", "--yes").code == 0
    shown = command("payers", "map", "show", "INS001", "--json").json
    assert shown == {"insurance_id": "INS001", "route": "stedi", "active": False}
    assert command("payers", "map", "remove", "INS001", "--json").json["removed"] is True
    assert command("payers", "map", "list", "--json").json == {"payer_map": []}
