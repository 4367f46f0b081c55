"""The shipped routes are sound, read their own examples, and mistakes in a file are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claimsctl.payers.connectors import ConnectorError, load_connectors, read_connector, route_named
from claimsctl.payers.rehearse import failures
from claimsctl.reference.locate import data_path

ROUTES = ("availity", "optum-network", "optum-real", "stedi", "uhc")
SHIPPED = data_path("reference_data") / "payer_routes"


@pytest.mark.parametrize("route", ROUTES)
def test_a_shipped_route_reads_its_examples(route: str) -> None:
    connector = read_connector(SHIPPED / f"{route}.toml")
    assert connector.claim_status.examples
    assert list(failures(connector)) == []


def test_the_five_routes_are_shipped() -> None:
    assert tuple(sorted(load_connectors(None))) == ROUTES


UHC = (SHIPPED / "uhc.toml").read_text(encoding="utf-8")
STEP = "transactions.CLAIM_STATUS.steps"


def _mistake(folder: Path, old: str, new: str) -> str:
    assert old in UHC
    path = folder / "mine.toml"
    path.write_text(UHC.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConnectorError) as caught:
        read_connector(path)
    assert str(path) in caught.value.message
    return caught.value.message


# <what stands in the file|the mistake in its place>, with enough around it to be found.
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            "<timeout_seconds|timeout_second> = 45",
            "limits.timeout_second: unknown key; did you mean timeout_seconds?",
        ),
        ('<title|titel> = "', "did you mean title?"),
        (
            '<method|methode> = "GET"\npath = "/api/claim/detail',
            "(detail): unknown key; did you mean method?",
        ),
        ("${claim.<member_id|membr_id>:trim", "no claim column 'membr_id'; did you mean member_id?"),
        (
            'when = "claim.<member_id|memberid> &&',
            "by_member.when: no claim column 'memberid'; did you mean member_id?",
        ),
        ("match.<is_paid|payed> &&", "payment.when: no value of match 'payed'"),
        (
            "{<category_code|categry_code>: clm",
            "statuses: no field 'categry_code'; did you mean category_code?",
        ),
        ("{<line_number|line_no>: ", "lines: no field 'line_no'; did you mean line_number?"),
        (":<trim_zeros|trim_zero>(9)", "no filter 'trim_zero(9)'; there are days"),
        (":<trim_zeros(9)|trim_zeros>", "trim_zeros needs a number"),
        ("|<practice|practise>.tax_id:digits}", "no source 'practise'; did you mean practice?"),
        ("${steps.<detail|details>.transaction_id}", "no earlier step 'details'; did you mean detail?"),
        (
            "${steps.detail.<transaction_id|transaction>}",
            "no output of detail 'transaction'; did you mean transaction_id?",
        ),
        ('<paid_date|payed_date> = "paymentIssueDt"', "no field 'payed_date'; did you mean paid_date?"),
        ('root = "<claimsDetailInfo|claimsDetailInfo[>"', "is no JMESPath"),
        ('<required = "claims"\n|>', "reply.required: is missing"),
        ('<"ptntDob", |>', "'ptntDob' of step by_member names a person and must be listed"),
        ('redact = ["<|ptntFm", ">', "redact: no input 'ptntFm'; did you mean ptntFn?"),
        (
            'step = "<by_provider|by_providers>"\nby',
            "group.step: no step of kind find 'by_providers'; did you mean by_provider?",
        ),
        ('"@shared.<summary|sumary>"', "did you mean @shared.summary?"),
        (
            'headers = { <transactionId|Authorization = "x", transactionId> = "${steps',
            "headers.Authorization: is set by [auth] alone",
        ),
        ('name = "<detail|by_member>"', "there is a step of this name before"),
        ('"claim.<billing_tax_id|tin>", "practice', "group.by: no claim column 'tin'"),
        ('means = "<widen|wider>"', "errors.codes.*_307.means: Input should be"),
        ("requests_per_second = <1.6|0>", "limits.requests_per_second: Input should be greater than 0"),
        ('name = "<uhc|UHC!>"', "name: String should match pattern"),
        ('[auth]\nkind = "<client_credentials|oauth>"', "auth.kind: Input should be"),
        ("[<formats]|formats>", "is no TOML file"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, changed: str, told: str) -> None:
    before, right, wrong, after = re.fullmatch(r"(.*?)<(.*?)\|(.*)>(.*)", changed, re.DOTALL).groups()
    assert told in _mistake(tmp_path, before + right + after, before + wrong + after)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    message = _mistake(tmp_path, "timeout_seconds = 45\nclaim_timeout", "timeout = 45\nclaim_timout")
    assert "limits.timeout:" in message
    assert "did you mean claim_timeout_seconds?" in message


def test_own_files_add_routes_and_take_the_place_of_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "payers"
    own.mkdir()
    (own / "mine.toml").write_text(UHC.replace('name = "uhc"', 'name = "my-plan"', 1), encoding="utf-8")
    (own / "uhc.toml").write_text(
        UHC.replace("requests_per_second = 1.6", "requests_per_second = 3"), encoding="utf-8"
    )
    connectors = load_connectors(tmp_path)
    assert sorted(connectors) == sorted((*ROUTES, "my-plan"))
    assert connectors["uhc"].limits.requests_per_second == 3
    assert connectors["uhc"].origin == str(own / "uhc.toml")
    (own / "other.toml").write_text(UHC, encoding="utf-8")
    with pytest.raises(ConnectorError, match=r"'uhc' is already the name of"):
        load_connectors(tmp_path)


def test_an_example_that_fails_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        UHC.replace('charge_amount = "claimSummary.totalChargedAmt"', 'charge_amount = "claimSummary.total"'),
        encoding="utf-8",
    )
    assert list(failures(read_connector(path))) == [
        "example 'a paid claim': claim 1: charge_amount is None, expected '150.00'"
    ]


def test_a_route_is_found_by_name() -> None:
    connectors = load_connectors(None)
    assert route_named(connectors, "uhc").name == "uhc"
    with pytest.raises(
        Exception, match=re.escape("There is no payer route 'availty'. Did you mean availity?")
    ):
        route_named(connectors, "availty")
