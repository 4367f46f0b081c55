"""The main job from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimsctl.errors import InputError, MappingError, OutputError
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import CLEAN, claim, csv_text, write_csv


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def codes(summary: dict[str, Any]) -> dict[str, int]:
    return {each["code"]: each["rows"] for each in summary["findings_by_code"]}


def test_clean_claim_is_accepted(run: Any, tmp_path: Path) -> None:
    summary = run(write_csv(tmp_path / "claims.csv", [claim()]), out=tmp_path / "out")
    assert summary["findings"]["error"] == 0, summary["findings_by_code"]
    assert summary["rows"] == {"read": 1, "accepted": 1, "held": 0, "rejected": 0, "skipped": 0}
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet")
    assert accepted.height == 1
    row = accepted.row(0, named=True)
    assert row["patient_zip"] == "01609"
    assert str(row["charge_amount"]) == "120.00"
    assert row["service_date_from"].isoformat() == "2026-05-04"
    assert not (tmp_path / "out" / "rejected.csv").exists()


def test_one_bad_line_rejects_its_whole_claim(run: Any, tmp_path: Path) -> None:
    rows = [
        claim("A1"),
        claim("A2", line_number="1"),
        claim("A3"),
        claim("A2", line_number="2", procedure_code="36415", charge_amount="-5"),
    ]
    summary = run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    assert summary["rows"]["accepted"] == 2
    assert summary["rows"]["rejected"] == 2
    assert summary["claims"] == {"read": 3, "accepted": 2, "held": 0, "rejected": 1, "skipped": 0}
    rejected = read_csv(tmp_path / "out" / "rejected.csv")
    assert [row["row_number"] for row in rejected] == ["3", "5"]
    assert "FIN-002" in rejected[1]["error_codes"]
    assert rejected[0]["error_codes"] == ""
    assert rejected[0]["error_messages"]
    assert rejected[1]["charge_amount"] == "-5"
    assert list(rejected[0])[: len(CLEAN)] == list(CLEAN)
    errors = read_csv(tmp_path / "out" / "errors.csv")
    finding = next(e for e in errors if e["code"] == "FIN-002")
    assert (finding["row_number"], finding["claim_number"], finding["line_number"]) == ("5", "A2", "2")
    assert finding["value"].lstrip("'") == "-5"
    assert finding["suggestion"]


def test_correction_loop(run: Any, tmp_path: Path) -> None:
    rows = [claim("A1"), claim("A2", place_of_service="98")]
    first = run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "first")
    assert first["rows"]["rejected"] == 1
    rejected = tmp_path / "first" / "rejected.csv"
    rejected.write_text(rejected.read_text().replace(",98,", ",11,"))
    second = run(rejected, out=tmp_path / "second")
    assert second["rows"]["accepted"] == 1, second["findings_by_code"]
    assert second["rows"]["rejected"] == 0
    assert second["since_last"]["fixed"] >= 1
    assert second["since_last"]["new"] == 0


def test_second_run_stores_nothing_twice_and_says_so(run: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2")])
    run(path, out=tmp_path / "first")
    again = run(path, out=tmp_path / "second")
    assert again["rows"]["accepted"] == 2
    assert codes(again)["FILE-014"] == 1
    changed = write_csv(tmp_path / "changed.csv", [claim("A1", charge_amount="130.00"), claim("A2")])
    refused = run(changed, out=tmp_path / "third")
    assert codes(refused)["DUP-007"] == 1
    assert refused["rows"]["rejected"] == 1
    skipped = run(changed, out=tmp_path / "fourth", duplicates="skip")
    assert skipped["rows"]["skipped"] == 1
    assert skipped["claims"]["skipped"] == 1
    updated = run(changed, out=tmp_path / "fifth", duplicates="update")
    assert updated["rows"]["accepted"] == 2


def test_exact_copies_are_skipped(run: Any, tmp_path: Path) -> None:
    summary = run(write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A2"), claim("A1")]))
    assert summary["rows"]["skipped"] == 1
    assert codes(summary)["DUP-001"] == 1
    assert summary["rows"]["accepted"] == 2


def test_missing_required_column_is_one_finding_and_rejects_all(run: Any, tmp_path: Path) -> None:
    rows = [{k: v for k, v in claim(f"A{n}").items() if k != "billing_npi"} for n in range(3)]
    summary = run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    assert codes(summary)["FILE-001"] == 1
    assert summary["rows"]["rejected"] == 3
    assert summary["causes"][0]["code"] == "FILE-001"
    assert summary["causes"][0]["rows"] == 3
    assert "billing_npi" in read_csv(tmp_path / "out" / "rejected.csv")[0]["error_messages"]
    given = run(tmp_path / "claims.csv", constants={"billing_npi": "1679576722"})
    assert given["rows"]["accepted"] == 3


@pytest.mark.parametrize(
    "selection",
    [
        Selection(only=frozenset({"PAT-*"})), Selection(without=frozenset({"FILE-001"})),
        Selection(severities={"FILE-001": "info"}), Selection(severities={"*": "warning"}),
    ],
)  # fmt: skip
def test_a_missing_required_column_is_an_error_whatever_is_chosen(
    run: Any, tmp_path: Path, selection: Selection
) -> None:
    path = write_csv(tmp_path / "claims.csv", [{k: v for k, v in claim().items() if k != "procedure_code"}])
    summary = run(path, book=load_rulebook(selection))
    assert summary["rows"]["rejected"] == 1
    assert (codes(summary)["FILE-001"], summary["findings"]["error"]) == (1, 1)
    assert [each["severity"] for each in summary["causes"] if each["code"] == "FILE-001"] == ["error"]
    assert "FILE-001" not in {each["code"] for each in summary["rules"]["not_run"]}


def test_malformed_record_is_kept_and_rejects_its_claim(run: Any, tmp_path: Path) -> None:
    text = csv_text([claim("A1"), claim("A2"), claim("A3")])
    lines = text.splitlines()
    lines.insert(3, lines[2].replace(",1,", ",2,", 1) + ",one,two")
    (tmp_path / "claims.csv").write_text("\n".join(lines) + "\n")
    summary = run(tmp_path / "claims.csv", out=tmp_path / "out")
    assert summary["rows"] == {"read": 4, "accepted": 2, "held": 0, "rejected": 2, "skipped": 0}
    malformed = read_csv(tmp_path / "out" / "malformed.csv")
    assert [row["row_number"] for row in malformed] == ["4"]
    assert malformed[0]["raw"] == lines[3]


def test_repeated_headers_footers_and_blank_rows_are_counted(run: Any, tmp_path: Path) -> None:
    text = csv_text([claim("A1"), claim("A2")])
    header, first, second = text.splitlines()
    body = [header, first, header, "", second, "Total" + "," * (len(CLEAN) - 1)]
    (tmp_path / "claims.csv").write_text("\n".join(body) + "\n")
    summary = run(tmp_path / "claims.csv")
    assert summary["rows"] == {"read": 5, "accepted": 2, "held": 0, "rejected": 0, "skipped": 3}
    assert {"FILE-007", "FILE-008", "FILE-009"} <= codes(summary).keys()


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_header_of_a_glued_file_is_known_behind_its_byte_order_mark(
    run: Any, tmp_path: Path, quote: str
) -> None:
    header, first, second = csv_text([claim("A1"), claim("A2")]).splitlines()
    titles = ",".join(f"{quote}{title}{quote}" for title in header.split(","))
    body = [titles, first, "\ufeff" + titles, second]
    (tmp_path / "claims.csv").write_text("\n".join(body) + "\n", encoding="utf-8-sig")
    summary = run(tmp_path / "claims.csv")
    assert summary["rows"] == {"read": 3, "accepted": 2, "held": 0, "rejected": 0, "skipped": 1}
    assert codes(summary)["FILE-007"] == 1


def test_cells_that_a_spreadsheet_keeps_as_text_are_values(run: Any, tmp_path: Path) -> None:
    protected = [
        {name: f'="{cell}"' for name, cell in row.items()} for row in (claim("C99"), claim("C98", units="0"))
    ]
    summary = run(write_csv(tmp_path / "claims.csv", protected), out=tmp_path / "out")
    assert (summary["rows"]["accepted"], summary["rows"]["rejected"]) == (1, 1), summary["findings_by_code"]
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet").row(0, named=True)
    assert (accepted["claim_number"], accepted["patient_zip"], accepted["patient_sex"]) == (
        "C99",
        "01609",
        "F",
    )
    assert str(accepted["charge_amount"]) == "120.00"
    rejected = read_csv(tmp_path / "out" / "rejected.csv")[0]
    assert {name: rejected[name] for name in CLEAN} == protected[1], "as it came"


def test_characters_that_nobody_can_see_are_no_reason_to_reject(run: Any, tmp_path: Path) -> None:
    marked = [
        {name: f"\ufeff{cell[:2]}\u200b{cell[2:]}\u00ad" for name, cell in row.items()}
        for row in (claim("C99"), claim("C98", units="0"))
    ]
    summary = run(write_csv(tmp_path / "claims.csv", marked), out=tmp_path / "out")
    assert (summary["rows"]["accepted"], summary["rows"]["rejected"]) == (1, 1), summary["findings_by_code"]
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet").row(0, named=True)
    plain = claim("C99")
    assert {name: accepted[name] for name in ("claim_number", "patient_zip", "rendering_npi")} == {
        name: plain.get(name) for name in ("claim_number", "patient_zip", "rendering_npi")
    }
    rejected = read_csv(tmp_path / "out" / "rejected.csv")[0]
    assert {name: rejected[name] for name in CLEAN} == marked[1], "as it came"


def test_lines_without_numbers_are_numbered_in_file_order(run: Any, tmp_path: Path) -> None:
    rows = [
        {k: v for k, v in claim(number, procedure_code=code).items() if k != "line_number"}
        for number, code in (("A1", "99213"), ("A2", "99213"), ("A1", "36415"))
    ]
    run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    errors = read_csv(tmp_path / "out" / "errors.csv")
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet")
    assert accepted.select("claim_number", "line_number").rows() == [("A1", 1), ("A2", 1), ("A1", 2)], errors


def test_several_inputs_are_one_claim_space(run: Any, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [claim("A1"), claim("A9", line_number="1")])
    write_csv(tmp_path / "b.csv", [claim("A9", line_number="2", units="0", procedure_code="36415")])
    summary = run(tmp_path / "a.csv", tmp_path / "b.csv", out=tmp_path / "out")
    assert summary["rows"]["rejected"] == 2
    assert (tmp_path / "out" / "rejected" / "a.csv").exists()
    assert (tmp_path / "out" / "rejected" / "b.csv").exists()


def test_findings_of_a_claim_in_inputs_with_other_columns(run: Any, tmp_path: Path) -> None:
    """Each once, and none in place of another: the checks of one input are not those of the other."""
    book = load_rulebook(Selection(only=frozenset({"CLM-010", "CLM-015"})))
    wrong = {"accept_assignment_code": "Z"}
    write_csv(tmp_path / "a.csv", [claim("A9", **wrong)])
    write_csv(tmp_path / "b.csv", [claim("A9", line_number="2", frequency_code="5", **wrong)])
    for order in ("ab", "ba"):
        out = tmp_path / order
        run(*(tmp_path / f"{name}.csv" for name in order), out=out, book=book)
        with (out / "errors.csv").open(newline="") as file:
            assert sorted(each["code"] for each in csv.DictReader(file)) == ["CLM-010", "CLM-015"]


def test_the_mapping_of_every_input_is_told(run: Any, tmp_path: Path) -> None:
    for name, header in (("a.csv", "procedure_code"), ("b.csv", "CPT"), ("c.csv", "CPT")):
        rows = [{(header if k == "procedure_code" else k): v for k, v in claim(name).items()}]
        write_csv(tmp_path / name, rows)
    summary = run(*(tmp_path / name for name in ("a.csv", "b.csv", "c.csv")), out=tmp_path / "out")
    told = summary["mapping"]["columns"]
    assert told["procedure_code"] == (
        "header 'procedure_code' (exact name); in b.csv: header 'CPT' (synonym)"
    )
    assert told["units"] == "header 'units' (exact name)"


def test_identifiers_are_masked_in_reports_and_plain_in_results(run: Any, tmp_path: Path) -> None:
    rows = [claim("A1", patient_ssn="123-45-678", patient_last_name="Zebrowski9", member_id="QWE998877")]
    run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    reports = (tmp_path / "out" / "errors.csv").read_text() + (tmp_path / "out" / "summary.json").read_text()
    for secret in ("123-45-678", "Zebrowski9", "QWE998877"):
        assert secret not in reports
        assert secret in (tmp_path / "out" / "rejected.csv").read_text()


def test_dry_run_writes_nothing(run: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", units="0")])
    summary = run(path, dry_run=True, out=tmp_path / "out")
    assert summary["rows"]["rejected"] == 1
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "workspace" / "claims.duckdb").exists()


@pytest.mark.parametrize("output_format", ["csv", "xlsx"])
def test_other_output_formats(run: Any, tmp_path: Path, output_format: str) -> None:
    run(write_csv(tmp_path / "c.csv", [claim("A1")]), out=tmp_path / "out", output_format=output_format)
    assert (tmp_path / "out" / f"accepted.{output_format}").exists()


def test_runs_are_reproducible_whatever_the_batch_size(run: Any, tmp_path: Path, rulebook: Any) -> None:
    rows = [
        claim(
            f"A{n % 37}",
            line_number=str(n // 37 + 1),
            units="0" if n % 37 % 11 == 0 else "1",
            service_date_from=f"2026-05-{n // 37 + 1:02}",
            service_date_to=f"2026-05-{n // 37 + 1:02}",
            procedure_code=("99213", "36415", "80053", "71046")[n // 37 % 4],
        )
        for n in range(200)
    ]
    path = write_csv(tmp_path / "claims.csv", rows)
    outputs = []
    for n, batch in enumerate((100_000, 23, 100)):
        out = tmp_path / f"out{n}"
        summary = run(path, out=out, batch_size=batch)
        # FILE-014 and the store differ from run to run on purpose
        errors = [e for e in read_csv(out / "errors.csv") if e["code"] != "FILE-014"]
        accepted = pl.read_parquet(out / "accepted.parquet")
        by_code = [e for e in summary["findings_by_code"] if e["code"] != "FILE-014"]
        outputs.append(
            (summary["rows"], summary["claims"], by_code, errors, accepted.rows(),
             read_csv(out / "rejected.csv"))
        )  # fmt: skip
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0][0]["rejected"] > 0
    assert outputs[0][0]["accepted"] > 0


@pytest.fixture(scope="module")
def few_rules() -> Rulebook:
    """Rules of what the next test spoils; all of them would take most of its time."""
    return load_rulebook(Selection(only=frozenset({"FILE-*", "CLM-*", "DAT-*", "DUP-*", "FIN-*"})))


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    data=st.lists(
        st.tuples(
            st.sampled_from(["A1", "A2", "A3", "", " A1 ", "Total"]),
            st.sampled_from(["1", "2", "", "x"]),
            st.sampled_from(["120.00", "", "(5)", "abc", "$1,000"]),
            st.sampled_from(["2026-05-04", "5/4/26", "", "46150", "soon"]),
        ),
        max_size=25,
    ),
    batch=st.sampled_from([1, 3, 100]),
)
def test_the_ledger_always_balances(
    run: Any, tmp_path: Path, few_rules: Rulebook, data: list[tuple[str, ...]], batch: int
) -> None:
    rows = [
        claim(number, line_number=line, charge_amount=charge, service_date_from=day)
        for number, line, charge, day in data
    ]
    text = csv_text(rows or [claim()])
    path = tmp_path / "claims.csv"
    path.write_text(text)
    summary = run(path, book=few_rules, dry_run=True, batch_size=batch)
    rows_read = summary["rows"]
    assert rows_read["read"] == len(rows or [claim()])
    assert rows_read["read"] == sum(rows_read[k] for k in ("accepted", "held", "rejected", "skipped"))


def test_bad_inputs_say_what_was_found(run: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run(tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError):
        run(tmp_path / "empty.csv")
    header_only = write_csv(tmp_path / "header.csv", [claim()])
    header_only.write_text(header_only.read_text().splitlines()[0] + "\n")
    summary = run(header_only)
    assert codes(summary)["FILE-004"] == 1
    ambiguous = tmp_path / "two.csv"
    ambiguous.write_text(
        csv_text([claim()]).replace("procedure_code", "CPT").replace("diagnosis_pointers", "HCPCS")
    )
    with pytest.raises(MappingError, match=r"CPT.*HCPCS"):
        run(ambiguous)


def test_output_place_that_cannot_be_written(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = write_csv(tmp_path / "claims.csv", [claim()])
    with pytest.raises(OutputError):
        run(path, out=tmp_path / "file")


def test_summary_has_the_documented_keys(run: Any, tmp_path: Path) -> None:
    run(write_csv(tmp_path / "claims.csv", [claim()]), out=tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    documented = """job_id command version status started_at finished_at inputs mapping rows claims findings
        findings_by_code findings_by_field causes since_last rules reference history duplicates pricing
        scoring timings rows_per_second peak_memory_bytes outputs""".split()
    assert set(documented) <= summary.keys()
    assert {"path", "format", "bytes", "sha256", "rows"} == summary["inputs"][0].keys()
    assert len(summary["inputs"][0]["sha256"]) == 64


def test_a_claim_with_a_copied_row_is_unchanged_when_it_comes_again(run: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1"), claim("A1"), claim("A2")])
    run(path)
    again = run(path)
    assert "DUP-007" not in codes(again)
    assert again["rows"]["accepted"] == 2


def test_sessions_get_the_same_claim_number_again(run: Any, tmp_path: Path) -> None:
    session = {
        "Patient Name": "Sample, Pat", "DOB": "5/17/1980", "Session Date": "5/4/2026", "CPT": "90837",
        "ICD10": "F41.1", "Fee": "150", "Copay": "20", "Payer": "UHC", "Sex": "F",
    }  # fmt: skip
    other = {**session, "Session Date": "5/11/2026"}
    text = csv_text([session, other])
    (tmp_path / "sessions.csv").write_text(text)
    (tmp_path / "again.csv").write_text(csv_text([other]))
    numbers = []
    for name in ("sessions.csv", "again.csv"):
        out = tmp_path / name.removesuffix(".csv")
        summary = run(tmp_path / name, out=out, profile="session")
        accepted = pl.read_parquet(out / "accepted.parquet")
        assert accepted.height == summary["rows"]["accepted"], summary["findings_by_code"]
        numbers.append(accepted["claim_number"].to_list())
    assert len(numbers[0]) == 2
    assert numbers[1] == numbers[0][1:]
    assert all(number.startswith("S") and len(number) == 15 for number in numbers[0])
