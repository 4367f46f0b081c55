"""House control: findings put aside, and rules that differ by payer."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.errors import SettingsError
from claimsctl.house import RuleChoice, Suppression
from claimsctl.process.control import Steering, with_control
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv

UNTIL = date(2026, 12, 31)
UHC, AETNA = "87726", "60054"


def controlled(book: Rulebook, *suppressions: Suppression, **payers: RuleChoice) -> Rulebook:
    names = {"uhc": UHC, "aetna": AETNA}
    return with_control(
        book, suppressions, {names[name]: choice for name, choice in payers.items()},
        practice_id="default", practices={"default", "other"}, run_date=date(2026, 6, 30),
    )  # fmt: skip


def aside(code: str, **keys: Any) -> Suppression:
    return Suppression(code, "Ticket 17", keys.pop("until", UNTIL), **keys)


def findings(out: Path) -> list[tuple[str, ...]]:
    with (out / "errors.csv").open(newline="", encoding="utf-8") as file:
        return [(row["row_number"], row["code"], row["severity"]) for row in csv.DictReader(file)]


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Lines with a bad charge (FIN-002) and a bad place of service (POS-002), of two payers."""
    rows = []
    for n in range(240):
        payer, code = (UHC, AETNA)[n % 2], ("99213", "36415", "90837")[n % 3]
        rows.append(claim(f"A{n // 2 if n % 13 else n}", payer_id=payer, procedure_code=code,
                          line_number=str(n % 2 + 1), charge_amount="-5" if n % 11 == 0 else "120.00",
                          place_of_service="98" if n % 7 == 0 else "11"))  # fmt: skip
    return write_csv(tmp_path / "claims.csv", rows)


def test_a_suppressed_error_does_not_reject(run: Any, rulebook: Rulebook, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", charge_amount="-5"), claim("A2")])
    plain = run(path, out=tmp_path / "plain", dry_run=True)
    assert plain["rows"]["rejected"] == 1
    assert plain["suppressed"] == plain["suppressions_expired"] == []
    summary = run(path, out=tmp_path / "out", book=controlled(rulebook, aside("FIN-002"), aside("PAT-001")))
    assert summary["rows"]["accepted"] == 2
    assert "FIN-002" not in {each["code"] for each in summary["findings_by_code"]}
    assert "FIN-002" not in {code for _, code, _ in findings(tmp_path / "out")}
    assert not (tmp_path / "out" / "rejected.csv").exists()
    assert summary["suppressed"] == [
        {"code": "FIN-002", "rows": 1, "reason": "Ticket 17", "until": UNTIL},
        {"code": "PAT-001", "rows": 0, "reason": "Ticket 17", "until": UNTIL},
    ]


def test_another_error_still_rejects(run: Any, rulebook: Rulebook, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", charge_amount="-5", patient_zip="1")])
    summary = run(path, out=tmp_path / "out", book=controlled(rulebook, aside("FIN-002")))
    assert summary["rows"]["rejected"] == 1
    rejected = (tmp_path / "out" / "rejected.csv").read_text()
    assert "FIN-002" not in rejected


CASES = [
    (aside("FIN-002"), lambda code, payer, procedure: code == "FIN-002"),
    (aside("FIN-*"), lambda code, payer, procedure: code.startswith("FIN-")),
    (aside("FIN-002", payer_id=UHC), lambda code, payer, procedure: code == "FIN-002" and payer == UHC),
    (
        aside("*", procedures=frozenset({"90837"})),
        lambda code, payer, procedure: procedure == "90837",
    ),
    (
        aside("FIN-*", payer_id=AETNA, procedures=frozenset({"90837", "99213"})),
        lambda code, payer, procedure: code.startswith("FIN-") and payer == AETNA and procedure != "36415",
    ),
]


@pytest.mark.parametrize("batch_size", [100, 50_000])
@pytest.mark.parametrize(("suppression", "covered"), CASES)
def test_what_is_left_is_the_rest(
    run: Any,
    rulebook: Rulebook,
    claims: Path,
    tmp_path: Path,
    batch_size: int,
    suppression: Any,
    covered: Any,
) -> None:
    """Line by line: what the suppression covers is counted and gone, all else stays."""
    line_rules = {rule.code for rule in rulebook.ruleset.rules if rule.level == "line" and not rule.builtin}
    chosen = replace(
        rulebook,
        ruleset=replace(
            rulebook.ruleset,
            rules=tuple(r for r in rulebook.ruleset.rules if r.code in line_rules - {"DUP-001"}),
        ),
    )
    run(claims, out=tmp_path / "plain", book=chosen, batch_size=batch_size)
    with claims.open(newline="") as file:
        lines = {str(n): row for n, row in enumerate(csv.DictReader(file), 2)}
    before = [
        (found, bool(found[0]) and found[1] in line_rules
         and covered(found[1], lines[found[0]]["payer_id"], lines[found[0]]["procedure_code"]))
        for found in findings(tmp_path / "plain")
    ]  # fmt: skip
    assert 0 < sum(gone for _, gone in before) < len(before)
    summary = run(
        claims, out=tmp_path / "out", book=controlled(chosen, suppression), batch_size=batch_size,
        duplicates="update",
    )  # fmt: skip
    after = [found for found in findings(tmp_path / "out") if found[1] != "FILE-014"]
    assert after == [found for found, gone in before if not gone]
    assert summary["suppressed"][0]["rows"] == sum(gone for _, gone in before)


def test_the_first_of_two_suppressions_counts(run: Any, rulebook: Rulebook, claims: Path) -> None:
    book = controlled(rulebook, aside("FIN-002", payer_id=UHC), aside("FIN-*"))
    rows = [each["rows"] for each in run(claims, book=book, dry_run=True)["suppressed"]]
    alone = run(claims, book=controlled(rulebook, aside("FIN-*")), dry_run=True)["suppressed"]
    assert rows[0] > 0
    assert rows[1] > 0
    assert sum(rows) == alone[0]["rows"]


def test_days_and_practices(run: Any, rulebook: Rulebook, claims: Path) -> None:
    ended = aside("FIN-002", until=date(2026, 6, 29))
    later = aside("FIN-002", starts=date(2026, 7, 1))
    elsewhere = aside("FIN-002", practice="other")
    summary = run(claims, book=controlled(rulebook, ended, later, elsewhere), dry_run=True)
    assert summary["suppressed"] == []
    assert summary["suppressions_expired"] == [
        {"code": "FIN-002", "reason": "Ticket 17", "until": date(2026, 6, 29)}
    ]
    assert "FIN-002" in {each["code"] for each in summary["findings_by_code"]}
    today = aside("FIN-002", until=date(2026, 6, 30), starts=date(2026, 6, 30), practice="default")
    assert run(claims, book=controlled(rulebook, today), dry_run=True)["suppressed"][0]["rows"] > 0


def test_rules_of_a_payer(run: Any, rulebook: Rulebook, claims: Path, tmp_path: Path) -> None:
    run(claims, out=tmp_path / "plain")
    book = controlled(
        rulebook, uhc=RuleChoice(severity={"FIN-002": "warning"}, without=("POS-*",)),
        aetna=RuleChoice(only=("FIN-*",)),
    )  # fmt: skip
    summary = run(claims, out=tmp_path / "out", book=book, duplicates="update", batch_size=100)
    with claims.open(newline="") as file:
        payers = {str(n): row["payer_id"] for n, row in enumerate(csv.DictReader(file), 2)}
    found = Counter(
        (payers[row], code, severity) for row, code, severity in findings(tmp_path / "out") if row
    )
    plain = Counter(
        (payers[row], code, severity) for row, code, severity in findings(tmp_path / "plain") if row
    )
    assert found[UHC, "FIN-002", "warning"] == plain[UHC, "FIN-002", "error"] > 0
    assert found[AETNA, "FIN-002", "error"] == plain[AETNA, "FIN-002", "error"]
    assert plain[UHC, "POS-002", "error"] > 0
    assert {code for payer, code, _ in found if payer == UHC and code.startswith("POS-")} == set()
    left = {code for payer, code, _ in found if payer == AETNA} - {
        "DUP-001"
    }  # told of records, not of claims
    assert {code.split("-")[0] for code in left} == {"FIN"}
    assert summary["suppressed"] == []
    assert summary["rules"]["by_payer"][UHC] == {
        "only": [], "without": ["POS-*"], "severity": {"FIN-002": "warning"},
    }  # fmt: skip
    entry = next(each for each in summary["findings_by_code"] if each["code"] == "FIN-002")
    assert entry["severity"] == "error", "the worst that occurs"
    severities = {each["severity"] for each in summary["causes"] if each["code"] == "FIN-002"}
    assert severities == ({"error", "warning"} if found[AETNA, "FIN-002", "error"] else {"warning"})


def test_a_milder_rule_does_not_reject(run: Any, rulebook: Rulebook, tmp_path: Path) -> None:
    rows = [claim("A1", payer_id=UHC, charge_amount="-5"), claim("A2", payer_id=AETNA, charge_amount="-5")]
    book = controlled(rulebook, uhc=RuleChoice(severity={"FIN-002": "warning"}))
    summary = run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out", book=book)
    assert (summary["claims"]["accepted"], summary["claims"]["rejected"]) == (1, 1)


def test_an_alias_of_a_payer_is_the_payer(run: Any, rulebook: Rulebook, claims: Path) -> None:
    by_id = run(claims, book=controlled(rulebook, aside("FIN-002", payer_id=UHC)), dry_run=True)
    by_name = run(
        claims, book=controlled(rulebook, aside("FIN-002", payer_id="UnitedHealthcare")), dry_run=True
    )
    assert by_id["suppressed"] == by_name["suppressed"]


def test_input_without_the_columns(run: Any, rulebook: Rulebook, tmp_path: Path) -> None:
    row = {k: v for k, v in claim(charge_amount="-5").items() if k not in ("payer_id", "procedure_code")}
    book = controlled(
        rulebook, aside("FIN-002", payer_id=UHC), aside("FIN-002", procedures=frozenset({"99213"})),
        uhc=RuleChoice(without=("FIN-002",)),
    )  # fmt: skip
    summary = run(write_csv(tmp_path / "claims.csv", [row]), book=book, dry_run=True)
    assert [each["rows"] for each in summary["suppressed"]] == [0, 0]
    assert "FIN-002" in {each["code"] for each in summary["findings_by_code"]}


@pytest.mark.parametrize(
    ("suppression", "says"),
    [
        (aside("FIN-999"), "No rule has the code FIN-999"),
        (aside("FNI-002"), "Did you mean"),
        (aside("FILE-001"), "not about a claim line"),
        (aside("DUP-001"), "not about a claim line"),
        (aside("FIN-002", payer_id="no such payer"), "there is no payer no such payer"),
        (aside("FIN-002", practice="nowhere"), "there is no [practice.nowhere]"),
        (aside("FIN-999", until=date(2020, 1, 1)), "No rule has the code FIN-999"),
    ],
)
def test_what_there_is_not_is_refused(rulebook: Rulebook, suppression: Suppression, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        controlled(rulebook, suppression)
    assert "[[rules.suppress]]" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "choice",
    [
        RuleChoice(without=("FIN-999",)), RuleChoice(only=("FIN-999",)),
        RuleChoice(severity={"FIN-999": "info"}),
    ],
)  # fmt: skip
def test_unknown_rules_of_a_payer_are_refused(rulebook: Rulebook, choice: RuleChoice) -> None:
    with pytest.raises(SettingsError, match=r"\[rules.payer.87726\]: No rule has the code FIN-999"):
        controlled(rulebook, uhc=choice)


def test_digest_tells_control_from_none(rulebook: Rulebook) -> None:
    plain = rulebook.ruleset.digest
    assert controlled(rulebook).ruleset.digest == plain
    one = controlled(rulebook, aside("FIN-002", procedures=frozenset({"1", "2"})))
    two = controlled(rulebook, aside("FIN-002", procedures=frozenset({"2", "1"})))
    other = controlled(rulebook, aside("FIN-002"))
    assert one.ruleset.digest == two.ruleset.digest
    assert len({plain, one.ruleset.digest, other.ruleset.digest}) == 3


def test_a_rule_on_an_old_table_stays_mild_for_later_lines() -> None:
    """Such a rule is two checks: an error, and a warning on lines after the end of the table."""
    book = load_rulebook(Selection(only=frozenset({"PRV-011"})), run_date=date(2026, 6, 30))
    assert [check.severity for check in book.ruleset.checks] == ["error", "warning"] * 2
    for chosen, severities in (("error", []), ("warning", ["warning"] * 2), ("info", ["info"] * 4)):
        choice = RuleChoice(severity={"PRV-011": chosen})  # type: ignore[dict-item]
        steering = Steering.of(controlled(book, uhc=choice).control, book.ruleset.checks)
        assert [check.severity for check in steering.checks[4:]] == severities


def test_severities_by_pattern(run: Any, claims: Path, tmp_path: Path) -> None:
    """In [rules] and for a payer; a code goes before a pattern, a longer pattern before a shorter one."""
    house = Selection(severities={"*": "info", "FIN-*": "warning", "FIN-002": "error"})
    book = controlled(load_rulebook(house), uhc=RuleChoice(severity={"FIN-00*": "warning"}))
    run(claims, out=tmp_path / "out", book=book)
    with claims.open(newline="") as file:
        payers = {str(n): row["payer_id"] for n, row in enumerate(csv.DictReader(file), 2)}
    found = {(payers.get(row), code, severity) for row, code, severity in findings(tmp_path / "out")}
    assert {s for payer, code, s in found if code == "FIN-002" and payer == UHC} == {"warning"}
    assert {s for payer, code, s in found if code == "FIN-002" and payer == AETNA} == {"error"}
    assert {s for _, code, s in found if code.startswith("FIN-") and code != "FIN-002"} <= {"warning"}
    assert {s for _, code, s in found if code == "POS-002"} == {"info"}


def test_a_built_in_rule_takes_a_pattern_too(run: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A1")])
    book = load_rulebook(Selection(severities={"DUP-*": "warning", "FILE-*": "warning"}))
    run(path, out=tmp_path / "out", book=book)
    assert {severity for _, _, severity in findings(tmp_path / "out")} == {"warning"}
