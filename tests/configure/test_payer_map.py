"""What an insurance id means: written, refused, found for a claim."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from claimsctl.asking.routing import NoWay, Routing, Way, usual_ways
from claimsctl.configure.payermap import add_mapping, remove_mapping
from claimsctl.errors import SettingsError, UsageError
from claimsctl.facts.payers import PayerIndex
from claimsctl.payers.connectors import load_connectors
from claimsctl.settings import Settings, load_settings
from claimsctl.settings_payers import PayerMapSettings

DAY = date(2026, 6, 30)
ROUTES = frozenset({"uhc", "optum-real", "availity", "optum-network", "stedi"})
REGISTRY = PayerIndex.of(
    [
        {"payer_id": "87726", "name": "UnitedHealthcare", "aliases": "UHC", "type": "commercial"},
        {"payer_id": "60054", "name": "Aetna", "aliases": "AETNA", "type": "commercial"},
        {"payer_id": "62308", "name": "Cigna", "aliases": None, "type": "commercial"},
        {"payer_id": "00160", "name": "Anthem Kentucky", "aliases": "ANTHEM KY", "type": "blue"},
    ]
)


def written(tmp_path: Path, insurance: str, **values: object) -> PayerMapSettings:
    file = tmp_path / "claimsctl.toml"
    add_mapping(file, load_settings(tmp_path, {}), insurance, values, ROUTES)
    return load_settings(tmp_path, {}).payer_map[insurance]


def test_an_entry_is_written_and_removed(tmp_path: Path) -> None:
    entry = written(
        tmp_path, "INS 1", payer_id="UHC", route="uhc", valid_from=DAY, credentials={"client_id": "env:ID"}
    )
    assert (entry.payer_id, entry.valid_from, entry.credentials) == ("UHC", DAY, {"client_id": "env:ID"})
    remove_mapping(tmp_path / "claimsctl.toml", load_settings(tmp_path, {}), "INS 1")
    assert load_settings(tmp_path, {}).payer_map == {}


def test_a_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a reference") as caught:
        written(tmp_path, "INS001", payer_id="UHC", credentials={"client_id": "hunter2-secret"})
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "claimsctl.toml").exists()


def test_what_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean uhc"):
        written(tmp_path, "INS001", route="uhk")
    with pytest.raises(UsageError, match=r"payer_account\.main"):
        written(tmp_path, "INS001", route="uhc", account="main")
    with pytest.raises(UsageError, match="There is no practice oak"):
        written(tmp_path, "INS001", route="uhc", practice="oak")
    written(tmp_path, "INS001", route="uhc")
    with pytest.raises(UsageError, match="mapped already"):
        written(tmp_path, "INS001", route="stedi")


def routing(*, ready: frozenset[str] = frozenset(), **entries: PayerMapSettings) -> Routing:
    return Routing(Settings(Path("/nowhere"), payer_map=entries), REGISTRY, ROUTES, ready, DAY)


def test_the_usual_way_to_a_payer() -> None:
    assert routing().way("UHC", None, "default") == Way("uhc", "87726")
    assert routing().way(None, "Aetna", "default") == Way("availity", "AETNA")
    ready = frozenset({"stedi"})
    assert routing(ready=ready).way("60054", None, "default") == Way("stedi", "60054")
    assert routing(ready=ready).way("UHC", None, "default") == Way("stedi", "87726")


def test_the_map_goes_first() -> None:
    entry = PayerMapSettings(payer_id="UHC", route="optum-real", tax_id="044410275")
    wanted = Way("optum-real", "87726", "INS001", {"tax_id": "044410275"})
    assert routing(INS001=entry).way("ins001", None, "default") == wanted
    assert routing(INS001=entry).way("87726", None, "default") == wanted
    assert routing(INS001=entry).way("62308", None, "default") == Way("optum-network", "62308")


def test_ids_differ_by_route() -> None:
    entry = PayerMapSettings(payer_id="X9", ids={"stedi": "S9", "availity": "A9"})
    assert routing(INS9=entry).way("INS9", None, "default") == Way("stedi", "S9", "INS9")
    ready = frozenset({"availity"})
    assert routing(INS9=entry, ready=ready).way("INS9", None, "default") == Way("availity", "A9", "INS9")


def test_an_entry_counts_for_its_practice_and_its_days() -> None:
    oak = PayerMapSettings(route="stedi", practice="oak")
    every = PayerMapSettings(route="uhc", valid_to=date(2026, 6, 29))
    both = routing(INS001=oak, ins001=every)
    assert both.way("INS001", None, "oak") == Way("stedi", "INS001", "INS001")
    ended = both.way("INS001", None, "default")
    assert isinstance(ended, NoWay)
    assert "payers map show ins001" in ended.suggestion


def test_without_a_way_it_says_how_to_add_one() -> None:
    none = routing().way("INS 7", None, "default")
    assert isinstance(none, NoWay)
    assert "claimsctl payers map add 'INS 7'" in none.suggestion
    assert isinstance(routing().way(None, None, "default"), NoWay)


def test_a_route_with_an_unpublished_id_of_the_payer_asks_for_it() -> None:
    unknown = routing(ready=frozenset({"availity"})).way("ANTHEM KY", None, "default")
    assert isinstance(unknown, NoWay)
    assert unknown.suggestion.endswith("payers map add 'ANTHEM KY' --route availity --id availity=ID")
    entry = PayerMapSettings(payer_id="00160", ids={"availity": "999"})
    assert routing(ANTHEM=entry).way("ANTHEM KY", None, "default") == Way("availity", "999", "ANTHEM")


def test_usual_ways_lead_to_shipped_routes() -> None:
    shipped = load_connectors(None)
    routes = {route for ways in usual_ways().values() for route, _ in ways}
    assert routes == ROUTES <= shipped.keys()
