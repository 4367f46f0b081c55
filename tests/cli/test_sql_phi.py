"""Whether patient data is written plain, encrypted or masked: a person is asked, a script is refused."""

from __future__ import annotations

import pytest

from claimsctl.cli.sqlphi import with_phi
from claimsctl.cli.state import State
from claimsctl.errors import SettingsError
from claimsctl.sql.database import Database
from tests.cli.test_confirming import at_a_terminal

NAMED = Database("production", "sqlite:////data/a.db", given="production")
BY_URL = Database("a", "sqlite:////data/a.db", given="sqlite:////data/a.db")


def test_what_is_decided_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(monkeypatch, "plain")
    decided = Database("a", "sqlite:////data/a.db", phi="encrypt")
    assert with_phi(State(), decided).phi == "encrypt"
    assert with_phi(State(), decided, "mask").phi == "mask"
    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("answer", "phi"), [("", "mask"), ("plain", "plain"), ("E", "encrypt"), ("x\nmask", "mask")]
)
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, phi: str) -> None:
    shown = at_a_terminal(monkeypatch, answer)
    assert with_phi(State(), NAMED).phi == phi
    assert f'below [sql.production]: phi = "{phi}"' in shown.getvalue()


def test_a_script_is_refused_with_the_line_to_add() -> None:
    with pytest.raises(SettingsError) as caught:
        with_phi(State(), NAMED)
    assert str(caught.value).endswith('Add to claimsctl.toml, below [sql.production]: phi = "mask"')
    with pytest.raises(SettingsError) as caught:
        with_phi(State(), BY_URL)
    assert '[sql."a"] with the lines url = "sqlite:////data/a.db" and phi = "mask"' in str(caught.value)


def test_yes_is_no_answer_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "plain")
    with pytest.raises(SettingsError):
        with_phi(State(yes=True), NAMED)
