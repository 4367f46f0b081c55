"""What a run hands over: whole claims in batches, the same each time, nothing half, nothing in plain text."""

from __future__ import annotations

import errno
import json
import random
import stat
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import OutputError, PermissionDenied, StoreError
from claimsctl.security.keys import Keys
from claimsctl.sql import batching
from claimsctl.sql.manifest import MANIFEST, reseal
from claimsctl.sql.outbox import Outbox, OutboxWriter
from claimsctl.sql.tables import tables_for
from claimsctl.validate.findings import FINDING
from tests.sql.lines import KEYS, frame, keys_of, line, many, outbox, rows


def _content(box: Outbox) -> list[tuple[int, str, list[tuple[object, ...]]]]:
    return [
        (batch.number, table, box.read(batch, table).rows()) for batch in box.batches for table in batch.files
    ]


def test_claims_stand_once_with_totals_and_lines_apart(tmp_path: Path) -> None:
    lines = [
        line("A1", 1),
        line("A1", 2, charge_amount=Decimal("30.50"), expected_allowed_amount=None, payer_id=None),
        line("B2", 1, payer_sequence="S", expected_allowed_amount=None),
    ]
    box = outbox(tmp_path / "box", lines)
    claims, of_lines = rows(box, "claims"), rows(box, "claim_lines")
    assert claims.select("practice_id", "claim_number", "payer_sequence", "status", "payer_id").rows() == [
        ("main-street", "A1", "P", "VALIDATED", "87726"),
        ("main-street", "B2", "S", "VALIDATED", "87726"),
    ]
    totals = claims.select("line_count", "charge_total", "expected_allowed_total").rows()
    assert totals == [(2, Decimal("150.50"), Decimal("92.05")), (1, Decimal("120.00"), None)]
    assert of_lines["line_number"].to_list() == [1, 2, 1]
    assert of_lines["input"].unique().to_list() == ["claims.csv"]
    assert "patient_last_name" not in of_lines.columns
    assert "charge_amount" not in claims.columns
    hashes = dict(claims.select("claim_number", "content_hash").rows())
    assert of_lines["content_hash"].to_list() == [hashes["A1"], hashes["A1"], hashes["B2"]]
    assert rows(box, "jobs").select("job_id", "rows_read").rows() == [(box.job_id, 3)]


def test_files_have_the_columns_of_the_manifest_in_the_types_of_the_tables(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", many(3))
    for table in ("claims", "claim_lines", "jobs"):
        found, schema = rows(box, table), tables_for("plain")[table].schema()
        assert tuple(found.columns) == box.columns[table]
        assert dict(found.schema) == {name: schema[name] for name in found.columns}


@pytest.mark.parametrize("at_once", [7, 100_000])
def test_the_files_do_not_depend_on_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = outbox(tmp_path / "whole", many(40), batch_claims=6)
    monkeypatch.setattr(batching, "_AT_ONCE", at_once)
    parts = outbox(tmp_path / "parts", many(40), part=9, batch_claims=6)
    assert _content(whole) == _content(parts)
    assert [batch.number for batch in whole.batches] == list(range(1, 9))
    assert [batch.rows("claims") for batch in whole.batches] == [6] * 6 + [4, 0]
    assert whole.rows("claim_lines") == 80


def test_lines_scattered_over_the_file_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = many(30, 3)
    random.Random(7).shuffle(lines)
    monkeypatch.setattr(batching, "_AT_ONCE", 10)
    box = outbox(tmp_path / "box", lines, part=8, batch_claims=4)
    first = list(dict.fromkeys(each["claim_number"] for each in lines))
    assert rows(box, "claims")["claim_number"].to_list() == first
    for batch in box.batches[:-1]:
        claims, of_lines = box.read(batch, "claims"), box.read(batch, "claim_lines")
        assert claims.height <= 4
        assert (
            of_lines["claim_number"].unique(maintain_order=True).to_list() == claims["claim_number"].to_list()
        )
        assert of_lines["line_number"].to_list() == [1, 2, 3] * claims.height
        assert claims["line_count"].to_list() == [3] * claims.height


def test_a_value_that_only_a_later_part_has_is_the_claims(tmp_path: Path) -> None:
    lines = [line("A1", 1, diagnosis_1=None), line("B2", 1), line("A1", 2, diagnosis_1="I10")]
    box = outbox(tmp_path / "box", lines, part=1)
    assert rows(box, "claims").select("claim_number", "diagnosis_1").rows() == [
        ("A1", "I10"),
        ("B2", "F41.1"),
    ]


def test_columns_that_no_line_fills_are_left_out(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line(line_note=None)])
    assert "line_note" not in box.columns["claim_lines"]
    assert "minutes" not in box.columns["claim_lines"]
    assert {"content_hash", "status", "charge_total"} <= set(box.columns["claims"])


def test_lines_numbered_twice_get_numbers_of_their_own(tmp_path: Path) -> None:
    lines = [line("A1", 1), line("A1", 1, charge_amount=Decimal(5)), line("A1", 2), line("B2", 4)]
    found = rows(outbox(tmp_path / "box", lines), "claim_lines")
    assert found.select("claim_number", "line_number").rows() == [("A1", 1), ("A1", 2), ("A1", 3), ("B2", 4)]
    assert found["charge_amount"].to_list()[1] == Decimal("5.00")


def test_findings_are_numbered_cut_and_in_batches_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimsctl.sql.outbox._ROWS", 10)
    found = pl.DataFrame(
        [
            {"input": "claims.csv", "row_number": n, "claim_number": f"C{n}", "severity": "error",
             "code": "PAT-001", "value": "x" * 5_000, "message": "\U0001f600" * 501}
            for n in range(25)
        ],
        schema=FINDING,
    )  # fmt: skip
    box = outbox(tmp_path / "box", many(2), findings=found)
    assert [set(batch.files) for batch in box.batches] == [
        {"claims", "claim_lines"}, *[{"claim_findings"}] * 3, {"jobs"}
    ]  # fmt: skip
    written = rows(box, "claim_findings")
    assert written["finding_number"].to_list() == list(range(1, 26))
    assert written["row_number"].to_list() == list(range(25))
    assert written["value"][0] == "x" * 399 + "…"
    assert written["message"][0] == "\U0001f600" * 499 + "…"


def test_a_run_without_accepted_claims_hands_over_its_record(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [])
    assert [set(batch.files) for batch in box.batches] == [{"jobs"}]
    assert box.rows("claims") == 0


def test_an_outbox_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    writer = OutboxWriter(tmp_path / "a" / "b", "job", "production", "plain", "default", KEYS)
    writer.add(frame([line()]))
    box = writer.close({})
    again = Outbox.open(tmp_path / "a" / "b", keys_of)
    assert again == box
    assert not [path for path in box.directory.iterdir() if path.is_dir()]
    for path in box.directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    box.remove()
    assert not box.directory.exists()


def test_an_unfinished_outbox_is_not_sent_and_does_not_disturb_the_next_run(tmp_path: Path) -> None:
    writer = OutboxWriter(tmp_path / "box", "job", "production", "plain", "default", KEYS)
    writer.add(frame(many(5)))
    with pytest.raises(StoreError, match=r"has not finished\. .*jobs resume"):
        Outbox.open(tmp_path / "box", keys_of)
    assert rows(outbox(tmp_path / "box", many(2)), "claims").height == 2


def test_an_altered_file_is_noticed(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", many(2))
    path = box.directory / box.batches[0].files["claims"].file
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match=r"claims-00001\.parquet is not what the run wrote"):
        box.read(box.batches[0], "claims")


@pytest.mark.parametrize("text", ["{", "{}", '{"version": 3}', "[]"])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        Outbox.open(tmp_path, keys_of)


def test_a_manifest_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", many(1))
    said = json.loads((box.directory / MANIFEST).read_text())
    (box.directory / MANIFEST).write_text(json.dumps({**said, "version": 9}))
    with pytest.raises(StoreError, match="has version 9"):
        Outbox.open(box.directory, keys_of)


def test_long_notes_of_pricing_are_cut(tmp_path: Path) -> None:
    rows_of = frame([line()]).with_columns(pl.lit("n" * 2_000).alias("pricing_note"))
    writer = OutboxWriter(tmp_path / "box", "job", "production", "plain", "default", KEYS)
    writer.add(rows_of, input_name="i" * 300)
    found = rows(writer.close({}), "claim_lines")
    assert found["pricing_note"][0] == "n" * 999 + "…"
    assert found["input"][0] == "i" * 259 + "…"


def test_a_full_disk_is_told_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = OutboxWriter(tmp_path / "box", "job", "production", "plain", "default", KEYS)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match=r"No space left on device\. Free some space"):
        writer.add(frame([line()]))


def test_a_number_that_no_column_can_hold_is_named_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"minutes in row 2 .* whole numbers of 32 bits"):
        outbox(tmp_path / "box", [line(minutes=2**40)])


def test_an_amount_that_no_target_can_hold_is_named_without_its_value(tmp_path: Path) -> None:
    lines = [line(), line("B2", row_number=17, charge_amount=Decimal("98765432109.00"))]
    with pytest.raises(OutputError, match=r"charge_amount in row 17 .*12 digits") as caught:
        outbox(tmp_path / "box", lines)
    assert "98765" not in str(caught.value)


def test_an_outbox_holds_no_name_in_plain_text(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", [line(patient_last_name="Quillfeather", patient_ssn="745-38-2916")])
    assert rows(box, "claims")["patient_last_name"].to_list() == ["Quillfeather"]
    for path in box.directory.iterdir():
        data = path.read_bytes()
        for text in (b"Quillfeather", b"745-38-2916", b"745382916"):
            assert text not in data
            assert text.hex().encode() not in data


@pytest.mark.parametrize("version", [1, 2])
def test_files_that_somebody_put_there_in_plain_are_not_sent(tmp_path: Path, version: int) -> None:
    """As an earlier version left them, whose manifests anybody could write."""
    box = outbox(tmp_path / "box", many(2))
    said = json.loads((box.directory / MANIFEST).read_text())
    for batch, each in zip(box.batches, said["batches"], strict=True):
        for table, file in each["files"].items():
            box.read(batch, table).write_parquet(box.directory / file["file"])
            file["sha256"] = sha256((box.directory / file["file"]).read_bytes()).hexdigest()
    del said["key"]
    (box.directory / MANIFEST).write_text(json.dumps({**said, "version": version}))
    with pytest.raises(StoreError, match=f"version {version}"):
        Outbox.open(box.directory, keys_of)


def test_the_key_of_an_outbox_is_sealed_anew(tmp_path: Path) -> None:
    box = outbox(tmp_path / "box", many(2))
    fresh = Keys.derive(b"n" * 32)
    turned = replace(KEYS, key_id=fresh.key_id, sealing=fresh.sealing, ring={KEYS.key_id: KEYS.sealing})
    reseal(box.directory / MANIFEST, turned)
    only_new = replace(turned, ring={})
    again = Outbox.open(box.directory, lambda _practice: only_new)
    assert rows(again, "claims").equals(rows(box, "claims"))
    with pytest.raises(PermissionDenied):
        Outbox.open(box.directory, keys_of)
