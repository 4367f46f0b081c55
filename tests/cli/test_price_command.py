"""`claimsctl price`: files and single lines, what is printed and written, and bad input."""

from __future__ import annotations

import csv
import json
import stat
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.price.line import OUTPUT
from tests.claims import claim, csv_text
from tests.commands import EXAMPLES, Command
from tests.test_phi_stays_in import WORDS, bad_rows, said

AMOUNTS = ("expected_allowed_amount", "total_rvu")
LOCALITY = ("--locality", "01112/05")
SIX = ("procedure_code", "service_date_from", "place_of_service", "units", "modifier_1", "note")


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Lines without any patient column: two with a price, one of a code nobody knows, one without a date."""
    rows = ["99213,2026-03-02,11,1,,'first'", "99214,03/02/2026,21,2,25,\"a, b\"", "00000,2026-03-02,11,1,,",
            "99213,,11,1,,"]  # fmt: skip
    path = tmp_path / "lines.csv"
    path.write_text("\n".join([",".join(SIX), *rows]) + "\n")
    return path


def test_a_file_gets_its_price_columns_and_keeps_its_text(
    command: Command, bare: Path, tmp_path: Path
) -> None:
    out = tmp_path / "priced.csv"
    ended = command("price", bare, *LOCALITY, "--out", out)
    assert (ended.code, ended.err) == (0, "")
    written = lines(out)
    assert list(written[0]) == [*SIX, *OUTPUT]
    assert [[row[name] for name in SIX] for row in written] == [[*row.values()] for row in lines(bare)]
    # 99213 in San Francisco by RVU26B: 2.85 RVU (1.30, 1.46, 0.09) x (1.095, 1.410, 0.425) x 33.4009.
    assert (written[0]["expected_allowed_amount"], written[0]["pricing_status"]) == ("117.58", "PRICED")
    assert (written[0]["work_rvu"], written[0]["total_rvu"]) == ("1.3", "2.85")
    assert [row["pricing_status"] for row in written[1:]] == ["PRICED", "NO_FEE_ROW", "NO_DATE"]
    assert written[2]["expected_allowed_amount"] == ""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    total = sum(Decimal(row["expected_allowed_amount"]) for row in written[:2])
    said = ended.out.splitlines()
    assert said[0] == f"${total:,.2f} expected for 2 of 4 lines."
    assert any(line.split()[:2] == ["1", "NO_DATE"] for line in said)
    assert f"  {out}  4 rows" in said


def test_prices_are_those_of_process(command: Command, tmp_path: Path) -> None:
    claims = EXAMPLES / "claims.csv"
    assert command("process", claims, "--out", tmp_path / "run", "--output-format", "parquet").code == 0
    ended = command("price", claims, "--out", tmp_path / "priced.parquet", "--json")
    priced = pl.read_parquet(tmp_path / "priced.parquet")
    key = {"Claim #": "claim_number", "Line #": "line_number"}
    names = ["expected_allowed_amount", "pricing_status", "total_rvu", "modifier_adjustment"]
    by_price = priced.rename(key).select(*key.values(), *names).unique()
    by_run = pl.read_parquet(tmp_path / "run" / "accepted.parquet").select(*key.values(), *names)
    by_run, by_price = (
        frame.with_columns(pl.col("line_number").cast(pl.String), pl.col(AMOUNTS).cast(pl.Decimal(18, 4)))
        for frame in (by_run, by_price)
    )
    assert by_run.join(by_price, on=by_run.columns, nulls_equal=True).height == by_run.height > 30
    # A run leaves out the exact copy of a row, and adds up the rest.
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())["pricing"]
    assert summary.keys() == ended.json["pricing"].keys()
    assert ended.json["pricing"]["lines"] == summary["lines"] + 1


def test_services_of_a_day_are_ranked_over_the_whole_file(command: Command, tmp_path: Path) -> None:
    """Therapy of one patient and day, half of its practice expense after the first, 60,000 rows apart."""
    filler = ["F,X9,1999-01-01,2026-03-03,99213,11,1,1234567893,M9,MEDICARE"] * 60_000
    own = "A1,X1,1990-01-01,2026-03-02,{},11,1,1234567893,M1,MEDICARE"
    header = "claim_number,patient_first_name,patient_dob,service_date_from,procedure_code,place_of_service"
    path = tmp_path / "lines.csv"
    header += ",units,rendering_npi,member_id,payer_name"
    path.write_text("\n".join([header, own.format("97110"), *filler, own.format("97140")]) + "\n")
    command("price", path, *LOCALITY, "--out", tmp_path / "out.parquet")
    out = pl.read_parquet(tmp_path / "out.parquet").filter(pl.col("claim_number") == "A1")
    assert out["modifier_adjustment"].is_not_null().sum() == 1


@pytest.mark.parametrize("name", ["priced.parquet", "priced.xlsx", "priced.tsv"])
def test_other_formats(command: Command, bare: Path, tmp_path: Path, name: str) -> None:
    assert command("price", bare, *LOCALITY, "--out", tmp_path / name).code == 0
    if name.endswith("xlsx"):
        found = pl.read_excel(tmp_path / name)
    elif name.endswith("tsv"):
        found = pl.read_csv(tmp_path / name, separator="\t")
    else:
        found = pl.read_parquet(tmp_path / name)
        assert found.schema["expected_allowed_amount"] == pl.Decimal(12, 2)
    assert found.columns == [*SIX, *OUTPUT]
    assert found["expected_allowed_amount"].cast(pl.String)[0] == "117.58"


def test_pricing_again_replaces_the_columns(command: Command, bare: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    command("price", bare, *LOCALITY, "--out", first)
    ended = command("price", first, *LOCALITY, "--out", second, "--json")
    assert first.read_bytes() == second.read_bytes()
    assert ended.json["notes"] == [f"{len(OUTPUT)} columns of an earlier pricing were replaced."]


def test_rows_that_are_no_lines_have_no_price(command: Command, bare: Path, tmp_path: Path) -> None:
    text = bare.read_text()
    bare.write_text(text + "\n" + text + "broken\n")
    ended = command("price", bare, *LOCALITY, "--out", tmp_path / "priced.csv", "--json")
    counts = ended.json["rows"]
    assert counts == {"read": 11, "lines": 8, "no_lines": 1, "blank": 1, "malformed": 1}
    assert ended.json["pricing"]["lines"] == 8
    written = lines(tmp_path / "priced.csv")
    assert [row["pricing_status"] for row in written][3:7] == ["NO_DATE", "", "", "PRICED"]
    assert "broken" in (tmp_path / "priced.malformed.csv").read_text()


def test_without_out_nothing_is_written(command: Command, bare: Path) -> None:
    before = sorted(bare.parent.iterdir())
    ended = command("price", bare, *LOCALITY)
    assert ended.out.splitlines()[-1].startswith("Nothing was written")
    assert command("price", bare, *LOCALITY, "--quiet").out == ""
    assert {path.name for path in bare.parent.iterdir()} - {path.name for path in before} <= {
        "workspace",
        "config",
    }


def test_a_file_without_any_price(command: Command, tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text("procedure_code,service_date_from,units\n99213,2001-03-02,1\n99214,2001-03-02,1\n")
    assert command("price", old).out.splitlines()[0] == "None of 2 lines could be priced."


def test_one_line(command: Command) -> None:
    asked = ("price", "--code", "99213", "--modifier", "25", "--pos", "11", "--date", "2026-03-02", *LOCALITY)
    ended = command(*asked)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == "$117.58 expected"
    assert "PRICED: The line has an expected amount." in ended.out
    found = command(*asked, "--json").json
    assert found["line"]["units"] == "1"
    assert found["price"]["expected_allowed_amount"] == "117.58"
    twice = command(*asked, "--units", "2", "--json").json
    assert twice["price"]["expected_allowed_amount"] == "235.16"


def test_one_line_without_a_price_says_why(command: Command) -> None:
    ended = command("price", "--code", "99213", "--pos", "11", "--date", "2026-03-02", "--zip", "94102")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "No price"
    assert "NO_LOCALITY: Nothing says in which payment locality" in ended.out
    assert "zip_locality" in ended.out


def test_what_is_typed_of_a_line_counts_before_the_settings(command: Command, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "claimsctl.toml").write_text('[pricing]\nenabled = false\nlocality = "01112/05"\n')
    asked = ("price", "--code", "99213", "--pos", "11", "--date", "2026-03-02", "--json")
    house = command(*asked).json["price"]
    assert house["expected_allowed_amount"] == "117.58"
    elsewhere = command(*asked, "--locality", "14212/99").json["price"]
    assert elsewhere["pricing_status"] == "PRICED"
    assert elsewhere["gpci_pe"] != house["gpci_pe"]
    price = command(*asked, "--zip", "94102").json["price"]
    assert price["pricing_status"] == "NO_LOCALITY"
    assert "`claimsctl reference fetch zip_locality` loads it" in price["pricing_note"]
    assisted = command(*asked, "--set", "rendering_taxonomy=363LF0000X").json["price"]
    assert assisted["adjusted_allowed_amount"] == "99.94"  # 85 % of 117.58


def test_explain_one_line(command: Command) -> None:
    asked = ("price", "--code", "99213", "--pos", "11", "--date", "2026-03-02", *LOCALITY, "--explain")
    said = " ".join(command(*asked).out.split())
    assert "(1.3 x 1.095 + 1.46 x 1.41 + 0.09 x 0.425) x 33.4009, rounded half up to the cent" in said
    assert "[GPCI2026]" in said
    assert "[Pub 100-04 ch. 12 s. 20.4.2]" in said
    steps = {step["step"]: step for step in command(*asked, "--json").json["steps"]}
    assert steps["work"]["value"] == "1.4235"
    assert steps["expected allowed amount"]["value"] == "117.58"


def test_explain_a_row_of_a_file(command: Command, tmp_path: Path) -> None:
    """The row is explained as the file prices it: a second therapy of the day is reduced."""
    own = "A1,X1,1990-01-01,2026-03-02,{},11,1,1234567893,M1,MEDICARE"
    header = "claim_number,patient_first_name,patient_dob,service_date_from,procedure_code,place_of_service"
    path = tmp_path / "lines.csv"
    header += ",units,rendering_npi,member_id,payer_name"
    path.write_text("\n".join([header, own.format("97110"), own.format("97140"), own.format("00000")]) + "\n")
    command("price", path, *LOCALITY, "--out", tmp_path / "priced.csv")
    steps = []
    for row, written in enumerate(lines(tmp_path / "priced.csv"), 2):
        found = command("price", path, *LOCALITY, "--explain", "--row", row, "--json").json
        assert (found["price"]["expected_allowed_amount"] or "") == written["expected_allowed_amount"]
        assert found["price"]["pricing_status"] == written["pricing_status"]
        steps.append([step["step"] for step in found["steps"]])
    assert sum("several services of the day" in names for names in steps) == 1
    assert "status" in steps[2]
    ended = command("price", path, *LOCALITY, "--explain", "--row", "9")
    assert ended.code == 2
    assert "has no line in row 9." in ended.err


def test_totals_of_claims(command: Command, tmp_path: Path) -> None:
    """Lines of a claim stand apart; of one line there is no price, of another claim of none."""
    path, out = tmp_path / "lines.csv", tmp_path / "priced.csv"
    rows = ["B,P,99213,1,200.00", "A,P,99214,1,300.00", "B,P,00000,1,5.00", ",P,99213,1,1.00",
            "B,S,99213,1,200.00", "B,P,99213,0,7.00", "A,P,99213,1,", "C,,00000,1,9.00"]  # fmt: skip
    header = "claim_number,payer_sequence,procedure_code,units,charge_amount"
    path.write_text("\n".join([header, *rows]) + "\n")
    given = ("--set", "service_date_from=2026-03-02", "--set", "place_of_service=11", *LOCALITY)
    ended = command("price", path, *given, "--by-claim", "--out", out, "--compare", "RVU25D")
    assert (ended.code, ended.err) == (0, "")
    prices, totals = lines(out), lines(tmp_path / "priced.claims.csv")
    assert f"  {tmp_path / 'priced.claims.csv'}  totals of claims" in ended.out.splitlines()

    def total(name: str, *places: int) -> str:
        return str(sum(Decimal(prices[place][name]) for place in places))

    told = ("claim_number", "payer_sequence", "lines", "priced_lines", "charge_amount", "not_priced")
    assert [tuple(row[name] for name in told) for row in totals] == [
        ("B", "P", "3", "1", "212.00", "BAD_UNITS:1;NO_FEE_ROW:1"),
        ("A", "P", "2", "2", "300.00", ""),
        ("B", "S", "1", "1", "200.00", ""),
        ("C", "", "1", "0", "9.00", "NO_FEE_ROW:1"),
    ]
    for name in ("expected_allowed_amount", "expected_net_amount", "expected_allowed_amount_RVU25D"):
        assert [row[name] for row in totals] == [total(name, 0), total(name, 1, 6), total(name, 4), ""]
    assert stat.S_IMODE((tmp_path / "priced.claims.csv").stat().st_mode) == 0o600
    out.unlink()
    again = command("price", path, *given, "--by-claim", "--out", out)
    assert (again.code, "priced.claims.csv exists already" in again.err) == (2, True)
    frame = command("price", path, *given, "--by-claim", "--out", tmp_path / "p.parquet")
    assert frame.code == 0
    assert pl.read_parquet(tmp_path / "p.claims.parquet")["lines"].to_list() == [3, 2, 1, 1]


def test_compare_two_releases(command: Command, bare: Path, tmp_path: Path) -> None:
    out = tmp_path / "both.csv"
    ended = command("price", bare, *LOCALITY, "--compare", "RVU25D", "--out", out, "--json")
    both = ended.json["comparison"]
    first = lines(out)[0]
    single = command("price", "--code", "99213", "--pos", "11", "--date", "2025-12-01", *LOCALITY, "--json")
    old = Decimal(single.json["price"]["expected_allowed_amount"])
    assert Decimal(first["expected_allowed_amount_RVU25D"]) == old
    assert first["pricing_status_RVU25D"] == "PRICED"
    assert Decimal(first["difference_RVU25D"]) == old - Decimal("117.58")
    assert both["lines"] == {"both": 2, "only_in_force": 0, "only_other": 0, "neither": 2}
    now, then = (Decimal(both[f"expected_allowed_amount{end}"]) for end in ("", "_RVU25D"))
    assert now == Decimal(ended.json["pricing"]["expected_allowed_amount"])
    assert Decimal(both["difference"]) == then - now
    changes = [abs(Decimal(code["difference"])) for code in both["codes"]]
    assert len(changes) == 2
    assert changes == sorted(changes, reverse=True)
    assert sum(Decimal(code["other"]) for code in both["codes"]) == then
    said = command("price", bare, *LOCALITY, "--compare", "RVU25D (starter)").out
    assert "By RVU25D instead" in said
    assert "Largest changes, 2 of 2 codes" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Nothing to price was given. Name a file, or one line with --code 99213."),
        (("--pos", "11"), "--pos without --code says no line."),
        (("{file}", "--code", "99213"), "A file and one line (--code) were given."),
        (("--code", "99213", "--out", "x.csv"), "--out is for files, not for --code."),
        (("--code", "99213", "--row", "3", "--compare", "RVU25D"), "--compare and --row are for files"),
        (("{file}", "--explain"), "--explain and --row go together"),
        (("{file}", "--row", "2"), "--explain and --row go together"),
        (("{file}", "--explain", "--row", "2", "--out", "x.csv"), "--explain writes and compares nothing."),
        (("{file}", "--by-claim"), "--by-claim writes a file beside --out."),
        (("--code", "99213", "--by-claim"), "--by-claim is for files, not for --code."),
        (("{file}", "--compare", "RVU1Z"), "There is no release RVU1Z of the physician fee schedule."),
        (("--code", "99213", "--date", "2026-02-30"), "is not a day written as YYYY-MM-DD"),
        (("--code", "99213", "--units", "many"), "units 'many' cannot be read. Write --units 1."),
        (("--code", "99213", *("--modifier", "25,59,LT,RT,76")), "5 modifiers were given."),
        (("--code", "99213", "--locality", "01112/99"), "There is no Medicare locality 01112/99"),
        (("--code", "99213", "--locality", "SF"), "'SF' is no Medicare locality."),
        (("{file}", "--out", "priced.doc"), "does not say in which format to write."),
        (("{file}", "--out", "{file}"), "is the input itself"),
        (("{file}", "--out", "{there}"), "exists already"),
        (("{file}", "{other}"), "has other columns than"),
    ],
)
def test_wrong_usage(
    command: Command, bare: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    there, other = tmp_path / "there.csv", tmp_path / "other.csv"
    there.write_text("mine")
    other.write_text("procedure_code,service_date_from\n99213,2026-03-02\n")
    places = {"{file}": str(bare), "{there}": str(there), "{other}": str(other)}
    ended = command("price", *(places.get(argument, argument) for argument in arguments))
    assert ended.code == 2
    assert message in " ".join(ended.err.split())
    assert there.read_text() == "mine"


def test_yes_replaces_the_output(command: Command, bare: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    assert command("price", bare, *LOCALITY, "--out", there, "--yes").code == 0
    assert len(lines(there)) == 4


def test_unreadable_files(command: Command, tmp_path: Path) -> None:
    assert command("price", tmp_path / "gone.csv").code == 3
    path = tmp_path / "claims.csv"
    path.write_text("claim_number,units\nA1,1\n")
    ended = command("price", path)
    assert ended.code == 3
    assert "no column for procedure_code and service_date_from" in ended.err
    path.write_bytes(b"\x00\x01\x02")
    assert command("price", path).code == 3


def test_no_patient_shows(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(csv_text([*bad_rows(), claim("A1")]))
    for more in ((), ("--json",), ("--out", tmp_path / "priced.csv"), ("--out", tmp_path / "no.doc")):
        ended = command("price", path, *LOCALITY, *more)
        assert not said(WORDS, "output", (ended.out + ended.err).encode())
