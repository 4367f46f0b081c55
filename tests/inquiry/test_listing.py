"""Which claims a filter finds, how they are sorted and paged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimsctl.errors import UsageError
from claimsctl.inquiry.columns import COLUMNS, DEFAULT, chosen, ordering
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.listing import Page, list_claims
from claimsctl.inquiry.payers import fold, ways_to_name
from claimsctl.inquiry.people import names_of
from claimsctl.store.database import open_store
from claimsctl.store.lifecycle import STATUSES
from claimsctl.store.workspace import Workspace
from tests.older import make_older


def page(workspace: Workspace, sort: str | None = "claim_number", **asked: Any) -> Page:
    return list_claims(
        workspace, Filters(**asked), columns=("claim_number",), order=ordering(sort), limit=None
    )


def found(workspace: Workspace, **asked: Any) -> str:
    return " ".join(row[0] for row in page(workspace, **asked).rows)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "A1 A2 A3 A4"),
        ({"status": ("INVALID",)}, "A4"),
        ({"status": ("validated", "PAID")}, "A1 A2 A3"),
        ({"payer": ("uhc",)}, "A1 A2"),
        ({"payer": ("87726",)}, "A1 A2"),
        ({"payer": ("Aetna",)}, "A3 A4"),
        ({"payer": ("aetna", "UnitedHealthcare")}, "A1 A2 A3 A4"),
        ({"practice": "default"}, "A1 A2 A3 A4"),
        ({"practice": "other"}, ""),
        ({"provider": ("1497758544",)}, "A2"),
        ({"provider": ("1679576722",)}, "A1 A2 A3 A4"),
        ({"code": ("99214",)}, "A2"),
        ({"code": ("9921*",)}, "A1 A2 A3 A4"),
        ({"code": ("90834", "99213")}, "A1 A2 A3 A4"),
        ({"code": ("99499",)}, ""),
        ({"diagnosis": ("F33.1",)}, "A2"),
        ({"diagnosis": ("f331",)}, "A2"),
        ({"diagnosis": ("F4*", "F331")}, "A1 A2 A3 A4"),
        ({"min_amount": Decimal("120")}, "A1 A2 A4"),
        ({"min_amount": Decimal("120.01")}, "A2"),
        ({"max_amount": Decimal("75.50")}, "A3"),
        ({"min_amount": Decimal(440), "max_amount": Decimal(440)}, "A2"),
        ({"service_from": date(2026, 5, 21)}, "A2"),
        ({"service_to": date(2026, 4, 2)}, "A3"),
        ({"service_from": date(2026, 4, 3), "service_to": date(2026, 5, 20)}, "A1 A2 A4"),
        ({"status": ("VALIDATED",), "payer": ("uhc",), "code": ("99213",)}, "A1"),
        ({"search": "a3"}, "A3"),
        ({"search": "xkw 7730915"}, "A1"),
        ({"search": "Quill, Zeb Ana"}, "A1"),
        ({"search": "zeb ana quill"}, "A1"),
        ({"search": "QUILL ZEB ANA"}, "A1"),
        ({"search": "Quill"}, ""),
        ({"deleted": True}, ""),
    ],
    ids=str,
)
def test_filters(workspace: Workspace, asked: dict[str, Any], expected: str) -> None:
    assert found(workspace, **asked) == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"status": ("PAYED",)}, "'PAYED' is no status of a claim. There are INVALID, VALIDATED"),
        ({"payer": ("Aetan",)}, "No stored claim has the payer 'Aetan'. Did you mean AETNA?"),
        ({"payer": ("zzz",)}, "No stored claim has the payer 'zzz'. `claimsctl claims stats` lists payers."),
        ({"code": ("*",)}, "--code '*' is no code. Write 99213, or 9921*"),
        ({"diagnosis": ("",)}, "--diagnosis '' is no code."),
        ({"min_amount": Decimal(5), "max_amount": Decimal(4)}, "--min-amount 5 is more than --max-amount 4."),
        (
            {"service_from": date(2026, 5, 2), "service_to": date(2026, 5, 1)},
            "--service-from 2026-05-02 is later than --service-to 2026-05-01.",
        ),
        ({"job": "20200101-000000-aaaa"}, "No job '20200101-000000-aaaa' has stored claims."),
        ({"job": "june"}, "No job 'june' has stored claims. Job ids look like"),
        ({"risk_above": 0.5}, "No claim has a denial risk yet"),
        ({"queried_after": date(2026, 1, 1)}, "No payer was asked about a claim of this store yet"),
        ({"search": " "}, "--search has no text."),
    ],
    ids=str,
)
def test_filters_that_cannot_be(workspace: Workspace, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        page(workspace, **asked)
    assert message in str(caught.value)


def test_claims_of_a_job_and_of_a_query(workspace: Workspace) -> None:
    with open_store(workspace, write=True) as connection:
        ((job,),) = connection.execute("SELECT job_id FROM commits").fetchall()
        connection.execute(
            "INSERT INTO claim_status_history BY NAME SELECT 'default' AS practice_id, 'A2' AS claim_number, "
            "'P' AS payer_sequence, 1 AS version, TIMESTAMP '2026-07-02 09:00:00' AS changed_at, "
            "'query' AS action"
        )
    assert found(workspace, job=job) == found(workspace, job=job[:8]) == "A1 A2 A3 A4"
    assert found(workspace, queried_after=date(2026, 7, 2)) == "A2"
    assert found(workspace, queried_after=date(2026, 7, 3)) == ""


def test_sorting_and_pages(workspace: Workspace) -> None:
    def numbers(sort: str, **more: Any) -> list[str]:
        options: dict[str, Any] = {"limit": None, **more}
        return [
            row[0]
            for row in list_claims(
                workspace, Filters(), columns=("claim_number",), order=ordering(sort), **options
            ).rows
        ]

    assert numbers("-charge_amount,claim_number") == ["A2", "A1", "A4", "A3"]
    assert numbers("payer,-service_from") == ["A4", "A3", "A2", "A1"]
    assert numbers("-expected_allowed_amount,service_date_from")[0] == "A2"
    assert numbers("claim_number", limit=3, page=2) == ["A4"]
    second = list_claims(
        workspace, Filters(), columns=DEFAULT, order=ordering("claim_number"), limit=2, page=2
    )
    assert (second.total, second.first, len(second.rows)) == (4, 3, 2)
    with pytest.raises(UsageError, match="There is no page 3: 4 claims make 2 pages"):
        numbers("claim_number", limit=2, page=3)


@pytest.mark.parametrize(
    "sort",
    ["status", "-status", "service_date_from", "-procedure_codes", "-paid_amount", "-denial_risk,-amount"],
)
def test_pages_are_parts_of_the_whole_list(workspace: Workspace, sort: str) -> None:
    """Where the first key ties, is a list, or is blank in all claims or some."""
    with open_store(workspace, write=True) as connection:
        connection.execute("UPDATE claims SET denial_risk = CASE WHEN charge_total < 130 THEN 0.25 END")

    def rows(limit: int | None, page: int = 1) -> list[Any]:
        return [
            *list_claims(
                workspace, Filters(), columns=("claim_number",), order=ordering(sort), limit=limit, page=page
            ).rows
        ]

    whole = rows(None)
    assert len(whole) == 4
    assert rows(3) + rows(3, 2) == whole
    assert rows(1) + rows(1, 2) == whole[:2]


def test_columns_hold_what_the_lines_say(workspace: Workspace) -> None:
    (row,) = list_claims(
        workspace, Filters(code=("99214",)), columns=chosen("all"), order=ordering(None), limit=1
    ).rows
    claim = dict(zip(chosen("all"), row, strict=True))
    assert (claim["procedure_codes"], claim["diagnoses"], claim["lines"]) == (["90834", "99214"], ["F331"], 2)
    assert (claim["charge_amount"], claim["service_date_to"]) == (Decimal("440.00"), date(2026, 5, 21))
    assert claim["expected_allowed_amount"] > 0
    assert claim["total_rvu"] > claim["work_rvu"] > 0
    assert claim["paid_amount"] is None


def test_an_older_store_is_upgraded_when_it_is_asked(workspace: Workspace) -> None:
    make_older(workspace, 2)
    assert found(workspace, code=("99214",)) == "A2"


def test_nothing_is_stored_yet(tmp_path: Any) -> None:
    empty = Workspace.open(tmp_path / "empty")
    assert page(empty).total == 0
    assert not empty.claims_database.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, DEFAULT),
        ("all", tuple(COLUMNS)),
        ("claim, Amount,claim_number", ("claim_number", "charge_amount")),
    ],
)
def test_chosen_columns(text: str | None, expected: tuple[str, ...]) -> None:
    assert chosen(text) == expected


@pytest.mark.parametrize("text", ["", "-", ",", "patient_name", "expected_amount; DROP TABLE claims"])
def test_columns_that_are_not_there(text: str) -> None:
    with pytest.raises(UsageError, match="There are claim_number"):
        chosen(text)
    with pytest.raises(UsageError):
        ordering(text or ",")


def test_a_name_may_be_written_in_three_ways() -> None:
    assert names_of("De Vries, Ann") == ["De Vries\tAnn"]
    assert set(names_of("Ann De Vries")) >= {"De Vries\tAnn", "Vries\tAnn De"}
    assert names_of("Ann") == []


def test_payers_are_known_by_alias() -> None:
    assert {"87726", "UNITEDHEALTHCARE"} <= ways_to_name("u.h.c.")
    assert ways_to_name("0012") == {"12"}
    assert fold(" Blue-Cross 01 ") == "BLUECROSS01"


NAMES = ("claim_number", "status", "charge_amount", "service_date_from", "service_date_to")


@pytest.fixture
def everything(workspace: Workspace) -> Sequence[tuple[Any, ...]]:
    """All claims, with what filters look at."""
    return list_claims(workspace, Filters(), columns=NAMES, order=ordering("claim_number"), limit=None).rows


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sets(st.sampled_from(STATUSES), max_size=3),
    low=st.none() | st.decimals(0, 500, places=2),
    span=st.none() | st.decimals(0, 500, places=2),
    first=st.none() | st.dates(date(2026, 3, 1), date(2026, 6, 1)),
    days=st.integers(0, 60),
)
def test_filters_agree_with_the_same_asked_in_python(
    workspace: Workspace,
    everything: Sequence[tuple[Any, ...]],
    status: set[str],
    low: Decimal | None,
    span: Decimal | None,
    first: date | None,
    days: int,
) -> None:
    high = None if span is None else (low or Decimal(0)) + span
    last = None if first is None else date.fromordinal(first.toordinal() + days)
    expected = [
        number
        for number, is_status, charge, start, end in everything
        if (not status or is_status in status)
        and (low is None or charge >= low)
        and (high is None or charge <= high)
        and (first is None or end >= first)
        and (last is None or start <= last)
    ]
    asked = Filters(
        status=tuple(status), min_amount=low, max_amount=high, service_from=first, service_to=last
    )
    rows = list_claims(workspace, asked, columns=NAMES, order=ordering("claim_number"), limit=None).rows
    assert [row[0] for row in rows] == expected
