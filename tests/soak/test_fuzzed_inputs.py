"""Damaged copies of good inputs: never a traceback, never an internal error, a ledger that balances."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.commands import EXAMPLES, ROOT, Ended
from tests.soak.conftest import AS_OF, rounds

Damage = Callable[[bytes, random.Random], bytes]


def flip_bits(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 20)):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def replace_bytes(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 30)):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    return bytes(damaged)


def cut_short(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def cut_out(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.randint(1, 400) :]


def repeat_a_piece(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    piece = data[at : at + dice.randint(1, 2_000)]
    return data[:at] + piece * dice.randint(1, 5) + data[at:]


def swap_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    for _ in range(dice.randint(1, 5)):
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


PIECES = (
    b'"', b"''", b'""', b"\0", b"\r", b"\n", b"\r\n", b",", b";", b"\t", b"|", b"\\", b"#", b"=", b"\x1a",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xe9", b"\xf0\x9f\x92\x89", b"\x85", b"\xe2\x80\xa8", b"[", b"}",
    b"null", b"NaN", b"1e999", b"-0", b"99999999999999999999", b"0001-01-01", b"99/99/9999", b"{value}",
    b"[bold]", b"\x1b[2J", b"%s", b"=cmd|' /C calc'!A0", b"A" * 5_000,
)  # fmt: skip


def insert_pieces(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        data = data[:at] + dice.choice(PIECES) + data[at:]
    return data


def insert_a_huge_field(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return (
        data[:at]
        + dice.choice((b"9", b"x", b" ", b'"', b"\xe9")) * dice.choice((70_000, 3_000_000))
        + data[at:]
    )


def other_line_ends(data: bytes, dice: random.Random) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", dice.choice((b"\r", b"\r\n", b"\n\n", b"\r\r\n")))


def other_encoding(data: bytes, dice: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(
        dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"))
    )


TEXT: tuple[Damage, ...] = (
    flip_bits, replace_bytes, cut_short, cut_out, repeat_a_piece, swap_lines, insert_pieces, insert_pieces,
    insert_a_huge_field, other_line_ends, other_encoding,
)  # fmt: skip
BINARY: tuple[Damage, ...] = (flip_bits, replace_bytes, cut_short, cut_out, repeat_a_piece, insert_pieces)


class Worker:
    """A process that runs command lines; started anew when one of them kills it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def run(self, *arguments: object) -> Ended:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("fuzz_worker.py"))],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([str(each) for each in arguments]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            code, self.process = self.process.wait(), None
            return Ended(code, "", "the process died")
        return Ended(**json.loads(answer))

    def stop(self) -> None:
        if self.process is not None:
            self.process.communicate()


@pytest.fixture
def worker() -> Iterator[Worker]:
    running = Worker()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Good inputs by file name."""
    place = tmp_path_factory.mktemp("sources")
    frame = pl.read_csv(EXAMPLES / "claims.csv", infer_schema=False)
    frame.write_excel(place / "claims.xlsx")
    frame.write_parquet(place / "claims.parquet")
    frame.write_ndjson(place / "claims.jsonl")
    frame.write_json(place / "claims.json")
    for name in ("claims.csv", "sessions.csv"):
        shutil.copy(EXAMPLES / name, place / name)
    return {path.name: path.read_bytes() for path in place.iterdir()}


def check_ledger(out: Path, summary: Any) -> None:
    for count in (summary["rows"], summary["claims"]):
        assert count["read"] == sum(count[name] for name in ("accepted", "held", "rejected", "skipped"))
    assert summary == json.loads((out / "summary.json").read_text())
    assert pl.read_parquet(out / "accepted.parquet").height == summary["rows"]["accepted"]
    found = pl.read_csv(out / "errors.csv", infer_schema=False)
    assert found.height == sum(summary["findings"].values())
    assert found["suggestion"].null_count() == 0


def test_damaged_inputs(tmp_path: Path, worker: Worker, sources: dict[str, bytes]) -> None:
    ended_with: dict[int, int] = {}
    for seed in range(rounds(1) * len(sources)):
        name = sorted(sources)[seed % len(sources)]
        dice = random.Random(seed)
        data = sources[name]
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            damage = dice.choice(BINARY if name.endswith(("xlsx", "parquet")) else TEXT)
            data = damage(data, dice) or b" "
        path, out = tmp_path / f"{seed}-{name}", tmp_path / f"out-{seed}"
        path.write_bytes(data)
        profile = "session" if name.startswith("sessions") else "professional"
        ended = worker.run(
            "process", path, *AS_OF, "--profile", profile, "--out", out, "--json", "--duplicates", "update"
        )
        case = f"seed {seed}, {path}: {ended.err[-2_000:]}"
        assert ended.code in (0, 2, 3), case
        assert "Traceback" not in ended.err + ended.out, case
        assert "panicked" not in ended.err, case
        if ended.code == 0:
            check_ledger(out, ended.json)
        else:
            assert ended.out == "", case
            assert ended.err.count("\n") == 1, case
            assert not out.exists(), case
        ended_with[ended.code] = ended_with.get(ended.code, 0) + 1
        path.unlink()
        shutil.rmtree(out, ignore_errors=True)
    assert ended_with[0] * 3 > sum(ended_with.values()), f"too few are read at all: {ended_with}"
    assert list((tmp_path / "workspace" / "tmp").iterdir()) == []
