"""What a commit makes of the lines of a run: versions, verdicts, nothing twice, nothing by halves."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pytest
from run_commit import SCHEME, lines, spill

from claimsctl.errors import InternalError, StoreError
from claimsctl.store import commit, database
from claimsctl.store.claims import existing_claims
from claimsctl.store.commit import Committed, commit_run
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from tests.older import make_older

REJECTED = frozenset({1})


def store(workspace: Workspace, *parts: pl.DataFrame, scheme: str = SCHEME) -> tuple[str, Committed]:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, *parts)
    result = commit_run(workspace, job_id, digest_scheme=scheme)
    workspace.remove_tmp(job_id)
    return job_id, result


def ask(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(query).fetchall()


def claims(workspace: Workspace, columns: str, number: str) -> list[tuple[Any, ...]]:
    return ask(workspace, f"SELECT {columns} FROM claims WHERE claim_number = '{number}' ORDER BY version")


def kept(workspace: Workspace) -> set[str]:
    return {str(p.relative_to(workspace.root)) for p in (workspace.root / "lines").rglob("*") if p.is_file()}


def test_headers_are_aggregated_over_parts(workspace: Workspace) -> None:
    whole = lines(range(3), rejected=REJECTED)
    job_id, result = store(workspace, whole.head(3), whole.tail(3))  # claim 1 stands in both parts
    assert result == Committed(claims=3, stored=3, lines=6)
    header = claims(
        workspace,
        "status, job_id, version, is_current, line_count, charge_total, service_from::VARCHAR, "
        "service_to::VARCHAR, payer_id, rendering_npi, billing_npi, input, digest, digest_scheme",
        "C1",
    )
    digest = whole.filter(claim_number="C1")["content_digest"].sum()
    assert header == [
        ("INVALID", job_id, 1, True, 2, Decimal("20.20"), "2026-01-01", "2026-01-02", "87726", "1234567801",
         None, "claims.csv", digest, SCHEME)
    ]  # fmt: skip
    assert claims(workspace, "status", "C0") == [("VALIDATED",)]
    assert kept(workspace) == {f"lines/{job_id}/part-00000.parquet", f"lines/{job_id}/part-00001.parquet"}
    assert ask(workspace, "SELECT part, file, rows FROM job_parts ORDER BY part") == [
        (0, f"lines/{job_id}/part-00000.parquet", 3), (1, f"lines/{job_id}/part-00001.parquet", 3),
    ]  # fmt: skip
    back = pl.concat(pl.read_parquet(workspace.root / name) for name in sorted(kept(workspace)))
    assert back.equals(whole)
    assert pl.read_parquet(workspace.claim_ids_file(job_id))["claim_id"].to_list() == [1, 2, 3]


def test_store_and_lines_are_private(workspace: Workspace) -> None:
    store(workspace, lines(range(2)))
    assert {
        (path.name, stat.S_IMODE(path.stat().st_mode))
        for path in workspace.root.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077
    } == set()


def test_second_commit_of_a_job_does_nothing(workspace: Workspace) -> None:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, lines(range(2)))
    first = commit_run(workspace, job_id, digest_scheme=SCHEME)
    spill(workspace, job_id, lines(range(5)))
    again = commit_run(workspace, job_id, digest_scheme=SCHEME)
    assert (again.stored, again.repeated) == (first.stored, True)
    assert ask(workspace, "SELECT count(*) FROM claims") == [(2,)]


def test_unchanged_claims_are_not_stored_again(workspace: Workspace) -> None:
    first, _ = store(workspace, lines(range(4)))
    second, result = store(workspace, lines(range(2)), lines(range(2, 6)))
    assert result == Committed(claims=6, stored=2, unchanged=4, lines=4)
    assert ask(workspace, "SELECT job_id, count(*) FROM claims GROUP BY 1 ORDER BY 1") == [
        (first, 4), (second, 2),
    ]  # fmt: skip
    part = pl.read_parquet(workspace.root / f"lines/{second}/part-00001.parquet")
    assert part.equals(lines(range(2, 6)).tail(4)), "only the new claims' lines, types and order kept"
    assert kept(workspace) == {f"lines/{first}/part-00000.parquet", f"lines/{second}/part-00001.parquet"}
    third, result = store(workspace, lines(range(6)))
    assert result == Committed(claims=6, unchanged=6)
    assert not (workspace.root / "lines" / third).exists()


def test_changed_claim_becomes_a_new_version(workspace: Workspace) -> None:
    first, _ = store(workspace, lines(range(2)))
    second, result = store(workspace, lines(range(1), charge="99.00"))
    assert (result.stored, result.replaced) == (1, 1)
    assert claims(workspace, "version, is_current, job_id, charge_total", "C0") == [
        (1, False, first, Decimal("20.20")), (2, True, second, Decimal("198.00")),
    ]  # fmt: skip
    assert claims(workspace, "version, is_current", "C1") == [(1, True)]
    assert ask(
        workspace,
        "SELECT version, from_status, to_status, job_id FROM claim_status_history "
        "WHERE claim_number = 'C0' ORDER BY version",
    ) == [(1, None, "VALIDATED", first), (2, "VALIDATED", "VALIDATED", second)]


def test_rejected_change_never_replaces_an_accepted_claim(workspace: Workspace) -> None:
    store(workspace, lines(range(1)))
    wrong = lines(range(1), charge="99.00", rejected=frozenset({0}))
    _, result = store(workspace, wrong)
    assert (result.stored, result.replaced) == (1, 0)
    assert claims(workspace, "version, is_current, status", "C0") == [
        (1, True, "VALIDATED"), (2, False, "INVALID"),
    ]  # fmt: skip
    _, result = store(workspace, wrong)
    assert (result.stored, result.unchanged) == (0, 1), "the same mistake is stored once"


def test_rejected_claim_comes_into_force_where_no_version_is(workspace: Workspace) -> None:
    """Also where the same mistake was stored beside the accepted version that was deleted since."""
    store(workspace, lines(range(1)))
    wrong = lines(range(1), charge="99.00", rejected=frozenset({0}))
    store(workspace, wrong)
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "UPDATE claims SET is_current = false, deleted_at = now()::TIMESTAMP WHERE is_current"
        )
    _, result = store(workspace, wrong)
    assert (result.stored, result.unchanged) == (1, 0)
    assert claims(workspace, "version, is_current, status", "C0") == [
        (1, False, "VALIDATED"), (2, False, "INVALID"), (3, True, "INVALID"),
    ]  # fmt: skip


def test_latest_of_several_mistakes_is_in_force(workspace: Workspace) -> None:
    for charge in ("1.00", "2.00", "1.00"):
        store(workspace, lines(range(1), charge=charge, rejected=frozenset({0})))
    assert claims(workspace, "version, is_current, charge_total", "C0") == [
        (1, False, Decimal("2.00")), (2, False, Decimal("4.00")), (3, True, Decimal("2.00")),
    ]  # fmt: skip


def test_corrected_claim_replaces_its_rejected_version(workspace: Workspace) -> None:
    store(workspace, lines(range(1), rejected=frozenset({0})))
    store(workspace, lines(range(1), charge="99.00", rejected=frozenset({0})))
    store(workspace, lines(range(1), charge="12.00"))
    assert claims(workspace, "version, is_current, status", "C0") == [
        (1, False, "INVALID"), (2, False, "INVALID"), (3, True, "VALIDATED"),
    ]  # fmt: skip


def test_unchanged_claim_gets_the_verdict_of_today(workspace: Workspace) -> None:
    store(workspace, lines(range(2)))
    second, _ = store(workspace, lines(range(2), rejected=REJECTED))
    assert claims(workspace, "version, is_current, status", "C1") == [(1, True, "INVALID")]
    assert ask(
        workspace,
        f"SELECT claim_number, from_status, to_status FROM claim_status_history WHERE job_id = '{second}'",
    ) == [("C1", "VALIDATED", "INVALID")]
    store(workspace, lines(range(2)))
    assert claims(workspace, "status", "C1") == [("VALIDATED",)]


def test_verdict_does_not_touch_a_claim_that_went_on(workspace: Workspace) -> None:
    store(workspace, lines(range(2)))
    with open_store(workspace, write=True) as connection:
        connection.execute("UPDATE claims SET status = 'PAID'")
    store(workspace, lines(range(2), rejected=REJECTED))
    assert claims(workspace, "status", "C1") == [("PAID",)]


def test_null_payer_sequence_is_a_value(workspace: Workspace) -> None:
    nothing = lines(range(2)).with_columns(payer_sequence=pl.lit(None, pl.String))
    store(workspace, nothing)
    _, result = store(workspace, nothing)
    assert result.unchanged == 2
    _, result = store(workspace, lines(range(2)))
    assert (result.stored, result.replaced) == (2, 0), "P and nothing are different claims"


def test_practices_are_apart(workspace: Workspace) -> None:
    other = lines(range(2)).with_columns(practice_id=pl.lit("other"), claim_id=pl.col("claim_id") + 100)
    store(workspace, lines(range(2)))
    _, result = store(workspace, other)
    assert (result.stored, result.replaced) == (2, 0)


def test_flagged_claims_of_another_scheme_are_brought_up_to_date(workspace: Workspace) -> None:
    store(workspace, lines(range(2)))
    newer = lines(range(2)).with_columns(pl.col("content_digest") + 5, unchanged=pl.lit(True))
    _, result = store(workspace, newer, scheme="newer")
    assert (result.stored, result.unchanged) == (0, 2)
    assert {row[0] for row in ask(workspace, "SELECT digest_scheme FROM claims")} == {"newer"}
    _, result = store(workspace, newer.with_columns(unchanged=pl.lit(False)), scheme="newer")
    assert result.unchanged == 2


def test_lines_without_claim_number_make_no_claim(workspace: Workspace) -> None:
    lost = lines(range(2)).with_columns(
        claim_number=pl.when(pl.col("claim_id") == 1).then(None).otherwise("claim_number")
    )
    _, result = store(workspace, lost)
    assert (result.claims, result.lines) == (1, 4)


def test_absurd_charges_do_not_stop_a_commit(workspace: Workspace) -> None:
    absurd = lines(range(1)).with_columns(
        charge_amount=pl.lit(Decimal("99999999999999.99")).cast(pl.Decimal(18, 4))
    )
    store(workspace, absurd)
    assert claims(workspace, "charge_total", "C0") == [(None,)]


@pytest.mark.parametrize(("revenue", "charges"), [("0001", "10.10"), ("1", "10.10"), ("0010", "20.20")])
def test_a_total_line_is_not_charged_once_more(workspace: Workspace, revenue: str, charges: str) -> None:
    last = pl.int_range(pl.len()) == 1
    with_total = lines(range(1)).with_columns(revenue_code=pl.when(last).then(pl.lit(revenue)))
    store(workspace, with_total)
    assert claims(workspace, "charge_total, line_count", "C0") == [(Decimal(charges), 2)]


def test_digest_sum_wraps_around(workspace: Workspace) -> None:
    store(workspace, lines(range(1)).with_columns(content_digest=pl.lit(2**64 - 1, pl.UInt64)))
    assert claims(workspace, "digest", "C0") == [(2**64 - 2,)]


def test_empty_run(workspace: Workspace) -> None:
    _, result = store(workspace)
    assert result == Committed()


def test_sealed_columns_move_with_their_part(workspace: Workspace) -> None:
    job_id = workspace.new_job_id()
    tmp = spill(workspace, job_id, lines(range(2)), lines(range(2, 4)))
    (tmp / "lines-00001.sealed").write_bytes(b"sealed")
    commit_run(workspace, job_id, digest_scheme=SCHEME)
    assert (workspace.lines_directory(job_id) / "part-00001.sealed").read_bytes() == b"sealed"


def test_missing_column_is_our_defect_and_changes_nothing(workspace: Workspace) -> None:
    with pytest.raises(InternalError, match="content_digest"):
        store(workspace, lines(range(2)).drop("content_digest"))
    assert kept(workspace) == set()


def test_failed_commit_can_be_repeated(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(workspace, lines(range(1)))
    job_id = workspace.new_job_id()
    tmp = spill(workspace, job_id, lines(range(1)), lines(range(1, 3)))
    before = kept(workspace)

    def fail(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commit._Commit, "_keep_ids", fail)
        with pytest.raises(KeyboardInterrupt):
            commit_run(workspace, job_id, digest_scheme=SCHEME)
    assert kept(workspace) == before
    assert len(list(tmp.glob("lines-*.parquet"))) == 2
    assert ask(workspace, "SELECT count(*) FROM claims") == [(1,)]
    assert commit_run(workspace, job_id, digest_scheme=SCHEME).stored == 2


def test_interrupt_after_the_end_of_a_commit_comes_too_late(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, lines(range(2)))
    original = commit.open_store

    @contextmanager
    def disturbed(*args: Any, **named: Any) -> Iterator[Any]:
        with original(*args, **named) as connection:
            yield connection
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(commit, "open_store", disturbed)
        assert commit_run(workspace, job_id, digest_scheme=SCHEME).stored == 2
    assert kept(workspace) == {f"lines/{job_id}/part-00000.parquet"}
    assert ask(workspace, "SELECT count(*) FROM claims") == [(2,)]


def test_interrupted_query_is_an_interrupt(workspace: Workspace) -> None:
    store(workspace, lines(range(1)))
    with pytest.raises(KeyboardInterrupt), open_store(workspace, write=False):
        raise RuntimeError("Query interrupted")


def test_full_disk_leaves_the_store_as_it_was(workspace: Workspace) -> None:
    first, _ = store(workspace, lines(range(50)))
    before = kept(workspace)
    here = str(Path(__file__).parent)
    code = (
        f"import resource, signal, sys; sys.path.insert(0, {here!r}); from pathlib import Path\n"
        "from claimsctl.store.workspace import Workspace; from claimsctl.errors import StoreError\n"
        "from run_commit import lines, spill, commit, SCHEME\n"
        f"w = Workspace.open(Path({str(workspace.root)!r})); job = w.new_job_id()\n"
        "spill(w, job, lines(range(50, 60_000)))\n"
        "limit = w.claims_database.stat().st_size + 5000\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: commit.commit_run(w, job, digest_scheme=SCHEME)\n"
        "except StoreError as e: print(e.exit_code, e)\n"
        "print(len(list(w.tmp_directory(job).glob('lines-*'))))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stdout.startswith("4 Cannot write the claims store"), found.stdout + found.stderr
    assert "Free some space" in found.stdout
    assert found.stdout.endswith("\n1\n"), "the lines are back"
    Workspace.open(workspace.root)
    assert kept(workspace) == before
    assert ask(workspace, "SELECT job_id, count(*) FROM claims GROUP BY ALL") == [(first, 50)]


@pytest.mark.parametrize("damage", ["not a database", "flipped", "cut"])
def test_damaged_store_says_how_to_mend(workspace: Workspace, damage: str) -> None:
    store(workspace, lines(range(5_000)))
    data = bytearray(workspace.claims_database.read_bytes())
    if damage == "not a database":
        data = bytearray(b"x" * 20_000)
    elif damage == "flipped":
        data[4096 : len(data)] = bytes(byte ^ 255 for byte in data[4096:])
    else:
        del data[len(data) // 2 :]
    workspace.claims_database.write_bytes(data)
    with pytest.raises(StoreError, match="damaged") as caught:
        store(workspace, lines(range(5)))
    assert "mv '" in str(caught.value)
    assert workspace.claims_database.read_bytes() == bytes(data), "nothing is overwritten"


def test_store_of_a_newer_duckdb_is_refused() -> None:
    said = duckdb.IOException(
        "IO Error: Trying to read a database file with version number 999, but we can only read 64."
    )
    error = database._translated(said, Path("claims.duckdb"))
    assert isinstance(error, StoreError)
    assert "newer DuckDB" in str(error)
    assert "mv " not in str(error), "it is sound, and not to be moved away"


def test_store_that_a_kill_left_without_tables_is_empty(workspace: Workspace) -> None:
    duckdb.connect(str(workspace.claims_database)).close()
    with open_store(workspace, write=False) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchall() == [(0,)]
    assert existing_claims(workspace, lines(range(1))).is_empty()
    store(workspace, lines(range(1)))
    with open_store(workspace, write=False) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchall() == [(1,)]


def test_store_of_a_newer_version_is_refused(workspace: Workspace) -> None:
    store(workspace, lines(range(1)))
    with open_store(workspace, write=True) as connection:
        connection.execute("UPDATE meta SET value = '99'")
    with pytest.raises(StoreError, match="newer claimsctl"):
        store(workspace, lines(range(1)))
    with pytest.raises(StoreError, match="newer claimsctl"):
        existing_claims(workspace, lines(range(1)))


def test_waiting_is_announced_and_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(workspace, lines(range(1)))
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(workspace.claims_database)!r})\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    now = [0.0]  # seconds pass only while it waits, however long opening takes here
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda pause: now.append(now.pop() + pause))
    monkeypatch.setattr("claimsctl.store.database.time", clock)
    told: list[str] = []
    with (
        pytest.raises(StoreError, match=f"in use by process {holder.pid}"),
        open_store(workspace, write=True, notify=told.append, wait_seconds=5),
    ):
        pass
    assert told == [f"Waiting for process {holder.pid} to finish with the claims store ..."]
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()
    store(workspace, lines(range(1, 2)))


def test_a_store_of_the_first_version_is_brought_up_to_date_by_the_next_commit(workspace: Workspace) -> None:
    first, _ = store(workspace, lines(range(2)))
    make_older(workspace, 1)
    assert ask(workspace, "SELECT count(*) FROM claims") == [(2,)]  # readers leave it as it is
    assert ask(workspace, "SELECT value FROM meta") == [("1",)]
    keyed = lines(range(2, 4)).with_columns(pl.lit(7, pl.UInt64).alias("history_key"))
    second, _ = store(workspace, keyed)
    assert ask(workspace, "SELECT DISTINCT job_id, history_key FROM claims ORDER BY 1") == [
        (first, None),
        (second, 7),
    ]
    assert ask(workspace, "SELECT key, value FROM meta ORDER BY ALL") == [
        ("schema_version", "5"),
        ("without_history_key", first),
    ]
    known = lines(range(2)).with_columns(pl.lit(9, pl.UInt64).alias("history_key"))
    store(workspace, known)  # unchanged claims get their key
    assert ask(workspace, f"SELECT DISTINCT history_key FROM claims WHERE job_id = '{first}'") == [(9,)]
