"""`claims export --phi`: what becomes of patients' data, and what a file can still be used for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from claimsctl.inquiry import exporting
from claimsctl.security.policy import PHI_WAYS, is_personal
from claimsctl.security.spills import MAGIC, read_spill
from claimsctl.store.workspace import Workspace
from tests.cli.conftest import Prepared, command, read_once
from tests.cli.test_claims_command import stored
from tests.commands import Command
from tests.managed import managed

__all__ = ["Prepared", "command", "read_once", "stored"]  # fixtures


def export(stored: Command, path: Path, *options: str) -> pl.DataFrame:
    done = stored("claims", "export", "--out", path, *options)
    assert done.code == 0, done.err
    return pl.read_parquet(path)


def test_encrypted_lines_are_decrypted_by_crypt(stored: Command, tmp_path: Path) -> None:
    plain = export(stored, tmp_path / "plain.parquet", "--show-phi")
    assert {"patient_last_name", "member_id", "patient_dob"} <= set(plain.columns)
    sealed = export(stored, tmp_path / "sealed.parquet", "--phi", "encrypt")
    assert sealed.columns == plain.columns
    for name in plain.columns:
        text = sealed[name].cast(pl.String).drop_nulls()
        assert text.str.starts_with("phi1r.").all() == (is_personal(name) or not len(text)), name
    again = stored("crypt", "decrypt", tmp_path / "sealed.parquet", "--out", tmp_path / "again.parquet")
    assert again.code == 0, again.err
    found = pl.read_parquet(tmp_path / "again.parquet")
    assert found.sort("claim_number").rows() == plain.sort("claim_number").rows()


def test_treated_lines_wait_encrypted_and_keep_their_order(
    stored: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is encrypted is bound to its row, so a file whose parts were swapped could not be decrypted."""
    parts: list[pl.DataFrame] = []

    def read(path: Path) -> pl.DataFrame:
        assert path.read_bytes().startswith(MAGIC)
        parts.append(read_spill(path))
        return parts[-1]

    monkeypatch.setattr(exporting, "read_spill", read)
    monkeypatch.setattr(exporting, "_TREATED_AT_ONCE", 1)
    found = export(stored, tmp_path / "parts.parquet", "--phi", "mask")
    assert [part.height for part in parts if part.height] == [1] * found.height
    assert found.height > 1
    assert found.equals(pl.concat(parts))


@pytest.mark.parametrize("options", [("--show-phi",), ()])
def test_lines_stay_in_the_order_in_which_they_were_stored(
    stored: Command, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (part,) = (tmp_path / "workspace" / "lines").glob("*/part-00000.parquet")
    few = pl.read_parquet(part)
    many = pl.concat([few] * 400).with_columns(row_number=pl.int_range(400 * few.height, dtype=pl.Int64))
    many.cast(few.schema).write_parquet(part, row_group_size=20)
    found = export(stored, tmp_path / "many.parquet", *options)
    assert found.height > 400
    assert found["row_number"].is_sorted()


def test_masked_and_dropped_lines(stored: Command, tmp_path: Path) -> None:
    masked = export(stored, tmp_path / "masked.parquet", "--phi", "mask")
    first = masked.filter(pl.col("claim_number") == "A1").row(0, named=True)
    assert (first["patient_last_name"], first["member_id"]) == ("Q.", "***0915")
    assert first["patient_dob"] == "1980-**-**"
    dropped = export(stored, tmp_path / "dropped.parquet", "--phi", "drop")
    assert dropped.columns == [name for name in masked.columns if not is_personal(name)]
    assert dropped["service_date_from"].equals(masked["service_date_from"])


def test_deidentified_lines_name_nobody_and_join(stored: Command, tmp_path: Path) -> None:
    plain = export(stored, tmp_path / "plain.parquet", "--show-phi")
    one = export(stored, tmp_path / "one.parquet", "--deidentify")
    two = export(stored, tmp_path / "two.parquet", "--phi", "deidentify", "--code", "99214")
    assert one.columns[:2] == ["patient_pseudonym", "patient_age"]
    assert not {"patient_last_name", "member_id", "job_id", "patient_city"} & set(one.columns)
    shared = one.join(two, on=["patient_pseudonym", "claim_number"], how="semi")
    assert shared.height == two.height == 1
    assert shared.rows() == two.rows()
    assert one.height == plain.height == 3
    plain = plain.sort("charge_amount", "units")
    one = one.sort("charge_amount", "units")
    shift = plain["service_date_from"] - one["service_date_from"]
    assert shift.is_between(timedelta(days=1), timedelta(days=365)).all()
    assert (plain["patient_dob"] - one["patient_dob"]).equals(shift)
    assert stored("claims", "export", "--deidentify", "--out", tmp_path / "one.csv").code == 0
    cells = set((tmp_path / "one.csv").read_text().replace("\n", ",").split(","))
    for name in ("claim_number", "patient_dob", "patient_zip", "service_date_from", "member_id"):
        assert not {str(value) for value in plain[name]} & cells
    years = export(stored, tmp_path / "years.parquet", "--deidentify", "--dates", "year")
    assert set(years["service_date_from"]) == {2026}
    years = years.sort("charge_amount", "units")
    assert years[["patient_pseudonym", "claim_number"]].equals(one[["patient_pseudonym", "claim_number"]])


def test_what_was_done_is_told_and_recorded(stored: Command, tmp_path: Path) -> None:
    shifted = stored("claims", "export", "--deidentify", "--out", tmp_path / "a.csv")
    assert "Safe Harbor keeps only years" in shifted.err
    years = stored("claims", "export", "--deidentify", "--dates", "year", "--out", tmp_path / "b.csv")
    assert "Safe Harbor" not in years.err
    nothing = stored("claims", "export", "--deidentify", "--status", "PAID", "--out", tmp_path / "c.csv")
    assert nothing.code == 0
    assert (tmp_path / "c.csv").read_text().startswith("patient_pseudonym,patient_age,claim_number")
    log = [json.loads(line) for line in (tmp_path / "workspace" / "audit.log").read_text().splitlines()]
    assert [e["facts"]["phi"] for e in log if e["action"] == "claims export"] == ["deidentify"] * 3


@pytest.mark.parametrize("options", [["--deidentify", "--show-phi"], ["--phi", "mask", "--deidentify"]])
def test_options_that_contradict_are_refused(stored: Command, options: list[str]) -> None:
    done = stored("claims", "export", *options)
    assert (done.code, "contradict each other" in done.err) == (2, True)


def test_an_analyst_takes_deidentified_lines_and_no_others(
    stored: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = export(stored, tmp_path / "before.parquet", "--deidentify")
    place = managed(
        Workspace.open(tmp_path / "workspace"), monkeypatch, with_data=("default",), analyst="analyst"
    )
    place.be("analyst")
    after = export(stored, tmp_path / "after.parquet", "--deidentify")
    assert after.sort("claim_number").equals(before.sort("claim_number"))
    for options in ([], ["--show-phi"], ["--phi", "mask"], ["--phi", "drop"], ["--phi", "encrypt"]):
        refused = stored("claims", "export", "--out", tmp_path / "no.csv", *options)
        assert refused.code == 5, options
        assert not (tmp_path / "no.csv").exists()


def test_the_words_are_the_same_everywhere() -> None:
    from claimsctl.cli.claims import Phi

    assert tuple(Phi) == PHI_WAYS
