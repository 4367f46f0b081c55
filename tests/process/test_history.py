"""Rules that look at claims of earlier runs: which of those count, and how they are found."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import StoreError
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.older import make_older

PACK = """
[pack]
name = "house"

[[rule]]
code = "HOUSE-PAST"
name = "not_billed_in_30_days"
severity = "warning"
fields = ["procedure_code"]
rule_expression = "count_in(history(same_patient, procedure_code, days(-30, -1))) = 0"
error_message = "{procedure_code} was billed less than 30 days before."
suggestion = "Look at the earlier claim."

[[rule]]
code = "HOUSE-ALL"
name = "three_in_30_days"
severity = "warning"
fields = ["procedure_code"]
rule_expression = "sum_in(with_history(same_patient, procedure_code, days(-30, 30)), units) < 3"
error_message = "{procedure_code} is billed three times in 30 days."
suggestion = "Look at the other claims."
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    path = tmp_path_factory.mktemp("pack") / "house.toml"
    path.write_text(PACK)
    return load_rulebook(Selection(only=frozenset({"HOUSE-*", "FIN-002", "DUP-007"})), [path])


@pytest.fixture
def process(run: Any, book: Rulebook, tmp_path: Path) -> Any:
    """Run the job on lines."""
    runs = iter(range(100))

    def process_lines(*lines: dict[str, str], name: str | None = None, **options: Any) -> Run:
        number = next(runs)
        folder = tmp_path / f"in{number}"
        folder.mkdir()
        path = write_csv(folder / (name or f"{number}.csv"), lines)
        out = tmp_path / f"out{number}"
        return Run(run(path, out=out, **{"book": book, **options}), out, path)

    return process_lines


class Run:
    def __init__(self, summary: dict[str, Any], out: Path, path: Path) -> None:
        self.summary, self.out, self.path = summary, out, path
        self.job = summary["job_id"]
        self.jobs = summary["history"]["jobs"]

    def found(self, code: str) -> list[str]:
        """Claim numbers that a house rule reports."""
        with (self.out / "errors.csv").open(newline="", encoding="utf-8") as file:
            return [row["claim_number"] for row in csv.DictReader(file) if row["code"] == f"HOUSE-{code}"]

    @property
    def past(self) -> list[str]:
        return self.found("PAST")


def visit(number: str, day: str, **changes: str) -> dict[str, str]:
    """A line of one patient."""
    dates = {"service_date_from": day, "service_date_to": day}
    return claim(number, **{"member_id": "XYQ0000000001", **dates, **changes})


def test_claims_of_earlier_runs_count(process: Any) -> None:
    first = process(visit("A1", "2026-05-04"), visit("A2", "2026-05-06", procedure_code="99214"))
    assert first.past == []
    assert first.jobs == []
    second = process(visit("B1", "2026-05-20"), visit("B2", "2026-06-08"))
    assert second.past == ["B1"]
    assert second.found("ALL") == ["B1"]
    assert second.jobs == [first.job]
    assert second.summary["history"]["claims"] == 2
    third = process(visit("C1", "2026-06-02"))
    assert third.past == third.found("ALL") == ["C1"]
    assert third.jobs == [first.job, second.job]


def test_the_same_input_again_does_not_meet_itself(process: Any) -> None:
    lines = [visit("A1", "2026-05-04"), visit("A2", "2026-05-20", procedure_code="99214")]
    process(*lines, visit("A3", "2026-06-02", procedure_code="99214"))
    again = process(*lines, visit("A3", "2026-06-02", procedure_code="99214"))
    assert (again.past, again.jobs) == ([], [])
    # Part of the claims, in another file: those that came again count as they stand here.
    part = process(*lines)
    assert part.past == []
    assert part.summary["history"]["claims"] == 1
    limited = process(*lines, visit("A3", "2026-06-02", procedure_code="99214"), limit=1)
    assert limited.jobs == []


def test_only_the_input_that_came_again_is_left_out(run: Any, book: Rulebook, tmp_path: Path) -> None:
    monday = write_csv(tmp_path / "monday.csv", [visit("A1", "2026-05-04")])
    tuesday = write_csv(tmp_path / "tuesday.csv", [visit("B1", "2026-05-05")])
    both = run(monday, tuesday, book=book)
    assert both["findings_by_code"] == [] or "HOUSE-PAST" not in {f["code"] for f in both["findings_by_code"]}
    again = run(tuesday, book=book)
    assert again["history"]["jobs"] == [both["job_id"]]
    assert "HOUSE-PAST" in {f["code"] for f in again["findings_by_code"]}


def test_rejected_claims_and_rolled_back_jobs_do_not_count(process: Any, tmp_path: Path) -> None:
    first = process(visit("A1", "2026-05-04", charge_amount="-5"))
    assert first.summary["rows"]["rejected"] == 1
    assert process(visit("B1", "2026-05-20")).past == []
    second = process(visit("C1", "2026-05-06", procedure_code="99214"))
    third = process(visit("C2", "2026-05-10", procedure_code="99214"))
    assert third.past == ["C2"]
    jobs = JobStore(Workspace.open(tmp_path / "workspace"))
    jobs.finish(second.job, "ROLLED_BACK")
    assert process(visit("C3", "2026-05-09", procedure_code="99214")).past == []


def test_of_a_changed_claim_the_newest_version_counts(process: Any) -> None:
    process(visit("A1", "2026-05-04"))
    changed = visit("A1", "2026-05-04", procedure_code="99214")
    refused = process(changed, name="refused.csv")
    assert refused.summary["rows"]["rejected"] == 1
    assert refused.past == []
    assert process(visit("B1", "2026-05-08", procedure_code="99214")).past == []
    updated = process(changed, duplicates="update", name="updated.csv")
    assert updated.summary["rows"]["accepted"] == 1
    old, new = (process(visit(f"C{code}", "2026-05-06", procedure_code=code)) for code in ("99213", "99214"))
    assert (old.past, new.past) == ([], ["C99214"])
    assert updated.job in new.jobs


@pytest.fixture(params=["all", "few"])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier lines are read together, or part by part, and never all in memory."""
    if request.param == "few":
        monkeypatch.setattr("claimsctl.store.history.ROWS_AT_ONCE", 1)
        monkeypatch.setattr("claimsctl.process.cross._IN_MEMORY_ROWS", 6)


@pytest.mark.usefixtures("at_once")
def test_voided_and_replaced_claims_do_not_count(process: Any) -> None:
    """V is taken back by a void, R by a replacement, of two patients."""

    def both(letter: str, day: str, **changes: str) -> list[dict[str, str]]:
        kinds = {"V": ("XYQ0000000008", "8"), "R": ("XYQ0000000007", "7")}
        lines = []
        for kind, (member, frequency) in kinds.items():
            given = {name: frequency if value == "?" else value for name, value in changes.items()}
            lines.append(visit(f"{letter}{kind}", day, member_id=member, **given))
        return lines

    process(*both("A", "2026-05-04", payer_claim_number="ICN-7?"))
    assert process(*both("B", "2026-05-06")).past == ["BV", "BR"]
    again = both("C", "2026-05-02", frequency_code="?", original_claim_number="ICN7?")
    # The run that takes it back does not count it any more, nor do those that follow.
    assert process(*again, *both("D", "2026-05-05")).past == []
    after = process(*both("E", "2026-05-03"))
    assert after.past == ["ER"]
    assert after.summary["history"]["claims"] == 2 + 3


@pytest.mark.usefixtures("at_once")
def test_lines_are_found_over_several_parts(process: Any) -> None:
    lines = [visit(f"A{n // 2}", f"2026-05-{4 + n:02}", line_number=str(n % 2 + 1)) for n in range(9)]
    others = [claim(f"O{n}") for n in range(9)]
    mixed = [line for pair in zip(lines, others, strict=True) for line in pair]
    first = process(*mixed, batch_size=4)
    assert first.summary["rows"]["accepted"] == 18
    second = process(*(visit(f"B{n}", f"2026-06-{2 + n:02}") for n in range(5)), batch_size=2)
    assert second.past == [f"B{n}" for n in range(5)]
    assert second.summary["history"]["claims"] == 5


def test_the_same_patient(process: Any) -> None:
    cases: list[tuple[dict[str, str], bool]] = [
        ({"payer_id": "UHC"}, True),
        ({"member_id": "xyq-000000-0001"}, True),
        ({"patient_last_name": "Sample-Jones", "patient_first_name": "Patricia"}, True),
        ({"patient_first_name": "Ann"}, False),
        ({"patient_dob": "1980-05-18"}, False),
        ({"payer_id": "60054"}, False),
        ({"member_id": "XYQ0000000099"}, False),
    ]
    members = [f"XYQ000000000{n}" for n in range(len(cases))]
    process(*(visit(f"A{n}", "2026-05-04", member_id=member) for n, member in enumerate(members)))
    later = [
        visit(f"B{n}", "2026-05-20", **{"member_id": member, **changes})
        for n, (member, (changes, _)) in enumerate(zip(members, cases, strict=True))
    ]
    assert process(*later).past == [f"B{n}" for n, (_, same) in enumerate(cases) if same]


def test_practices_have_histories_of_their_own(process: Any) -> None:
    process(visit("A1", "2026-05-04"), practice_id="north")
    assert process(visit("B1", "2026-05-20"), practice_id="south").past == []
    assert process(visit("C1", "2026-05-20"), practice_id="north").past == ["C1"]


def test_a_dry_run_reads_no_earlier_runs(process: Any, run: Any, book: Rulebook) -> None:
    earlier = process(visit("A1", "2026-05-04"))
    lines = write_csv(earlier.path.with_name("dry.csv"), [visit(f"B{n}", "2026-05-20") for n in range(3)])
    summary = run(lines, book=book, dry_run=True)
    codes = {found["code"] for found in summary["findings_by_code"]}
    assert "HOUSE-ALL" in codes  # with_history: in the file alone
    not_run = {note["code"]: note["reason"] for note in summary["rules"]["not_run"]}
    assert not_run["HOUSE-PAST"] == summary["history"]["unread"]
    assert "dry run" in not_run["HOUSE-PAST"]
    assert not_run["DUP-007"] == not_run["HOUSE-PAST"], "A1 may have changed, nobody has looked"


def test_a_column_that_earlier_lines_do_not_have_is_blank(process: Any) -> None:
    process(visit("A1", "2026-05-04"))
    without = {name: value for name, value in visit("A2", "2026-05-05").items() if name != "units"}
    process(without)
    again = process(visit("B1", "2026-05-20", units="2"))
    assert again.past == again.found("ALL") == ["B1"]


def _made_by_an_older_version(workspace: Workspace) -> None:
    make_older(workspace, 1)
    for part in (workspace.root / "lines").rglob("part-*.parquet"):
        pl.read_parquet(part).drop("history_key").write_parquet(part)


def test_a_store_of_an_older_version_is_not_compared_until_its_files_come_again(
    process: Any, tmp_path: Path
) -> None:
    lines = [visit("A1", "2026-05-04"), claim("A2")]
    process(*lines)
    _made_by_an_older_version(Workspace.open(tmp_path / "workspace"))
    first = process(visit("B1", "2026-05-06"))
    not_run = {note["code"]: note["reason"] for note in first.summary["rules"]["not_run"]}
    assert "older version" in not_run["HOUSE-PAST"]
    second = process(visit("C1", "2026-05-08"))
    assert second.past == ["C1"]  # B1 is known; A1 is not
    assert second.summary["history"]["claims"] == 1
    assert second.summary["history"]["not_compared"] == 2
    process(*lines, name="again.csv")
    third = process(visit("D1", "2026-05-10"))
    assert third.summary["history"]["claims"] == 3
    assert "not_compared" not in third.summary["history"]


def test_ncci_edits_with_an_earlier_claim(run: Any, tmp_path: Path) -> None:
    book = load_rulebook(Selection(only=frozenset({"NCCI-00*"})), samples=True)
    knee = visit("A1", "2026-05-04", procedure_code="27447")
    run(write_csv(tmp_path / "knee.csv", [knee]), book=book)
    injection = visit("B1", "2026-05-04", procedure_code="20610")
    found = run(write_csv(tmp_path / "injection.csv", [injection]), book=book)
    assert [f["code"] for f in found["findings_by_code"]] == ["NCCI-002"]
    marked = visit("C1", "2026-05-04", procedure_code="20610", modifier_1="59")
    other = visit("D1", "2026-05-04", procedure_code="20610", rendering_npi="1881697878")
    found = run(write_csv(tmp_path / "marked.csv", [marked, other]), book=book)
    assert [f["code"] for f in found["findings_by_code"]] == ["NCCI-003"]


def test_what_a_void_names(process: Any) -> None:
    """Under the number of the claim that it takes back (A), or under one of its own (B)."""
    cases: list[tuple[dict[str, str], str | None]] = [
        ({}, None),
        ({"original_claim_number": "ICN99"}, "which no earlier run has for this patient"),
        ({"charge_amount": "90.00"}, "which has other codes, dates or charges"),
        # nothing is known of this patient
        ({"original_claim_number": "ICN99", "member_id": "XYQ0000000099"}, None),
    ]
    book = load_rulebook(Selection(only=frozenset({"CLM-013"})))
    originals, voids, wanted = [], [], {}
    for n, (letter, (changes, problem)) in enumerate(itertools.product("AB", cases)):
        member = f"XYQ000000000{n}"
        named = {"payer_claim_number": f"ICN-7{n}"}
        originals.append(visit(f"A{n}", "2026-05-04", member_id=member, **named))
        void = {"member_id": member, "frequency_code": "8", "original_claim_number": f"ICN7{n}", **changes}
        voids.append(visit(f"{letter}{n}", "2026-05-04", **void))
        if problem is not None:
            wanted[f"{letter}{n}"] = problem
    process(*originals, book=book)
    done = process(*voids, book=book, duplicates="update")
    with (done.out / "errors.csv").open(newline="", encoding="utf-8") as file:
        found = {row["claim_number"]: row for row in csv.DictReader(file) if row["code"] == "CLM-013"}
    assert {number: row["message"].partition(", ")[2].rstrip(".") for number, row in found.items()} == wanted


def test_lines_that_cannot_be_read_stop_the_run(process: Any, tmp_path: Path) -> None:
    first = process(visit("A1", "2026-05-04"))
    (part,) = (tmp_path / "workspace" / "lines" / first.job).glob("part-*.parquet")
    content = part.read_bytes()
    for damage in (content[:200], None):
        part.unlink()
        if damage is not None:
            part.write_bytes(damage)
        with pytest.raises(StoreError, match="Lines of earlier runs cannot be read, in "):
            process(visit("B1", "2026-05-20"))
    part.write_bytes(content)
    assert process(visit("B1", "2026-05-20")).past == ["B1"]


def test_many_runs_are_read_a_few_at_a_time(process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        process(visit(f"A{n}", f"2026-05-{4 + n:02}", procedure_code=f"9921{2 + n}", charge_amount="90.00"))
    process(claim("O1"))  # another patient's: its file is not read
    for limit in ("FILES_AT_ONCE", "ROWS_AT_ONCE"):
        lines = [visit(f"{limit}{n}", "2026-05-20", procedure_code=f"9921{2 + n}") for n in range(4)]
        with monkeypatch.context() as patched:
            patched.setattr(f"claimsctl.store.history.{limit}", 2)
            found = process(*lines)
        assert found.past == [f"{limit}{n}" for n in range(4)]
