"""What holds of the versions of a claim after any sequence of runs, deletions, restores and rollbacks.

Every step does something else to each of many claims, so that a sequence tries as many stories as there are
claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import polars as pl
import pytest
from run_commit import SCHEME, lines, spill

from claimsctl.inquiry.changing import delete_claims, restore_claims
from claimsctl.inquiry.finding import Named
from claimsctl.store.commit import commit_run
from claimsctl.store.database import open_store
from claimsctl.store.rollback import roll_back
from claimsctl.store.workspace import Workspace

CLAIMS = 30
STEPS = 12
VERSION = {
    "claim_number": pl.String, "version": pl.Int32, "is_current": pl.Boolean, "status": pl.String,
    "deleted_at": pl.Datetime, "digest": pl.UInt64, "job_id": pl.String,
}  # fmt: skip


@dataclass
class Stories:
    """A store, its versions as they were read last, and the jobs that ran in it."""

    workspace: Workspace
    random: Random
    versions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VERSION))
    jobs: list[tuple[str, pl.DataFrame]] = field(default_factory=list)

    def run(self) -> None:
        """A run of some claims, each with one of three contents, accepted or rejected."""
        if self.jobs and self.random.random() < 0.3:
            given = self.random.choice(self.jobs)[1]  # the same file again
        else:
            made = [
                lines(
                    range(number, number + 1), charge=self.random.choice(("1.00", "2.00", "3.00")),
                    rejected=frozenset(self.random.choice(((), (number,)))), per_claim=1,
                )
                for number in self.random.sample(range(CLAIMS), CLAIMS * 2 // 3)
            ]  # fmt: skip
            given = pl.concat(made).drop("patient_key")
        before = self.in_force()
        job_id = self.workspace.new_job_id()
        spill(self.workspace, job_id, given)
        commit_run(self.workspace, job_id, digest_scheme=SCHEME)
        self.workspace.remove_tmp(job_id)
        self.jobs.append((job_id, given))
        self.look()
        now = self.in_force()
        for claim, verdict, digest in given.select("claim_number", "verdict", "content_digest").rows():
            status, content = before.get(claim, ("INVALID", digest))
            if verdict == "accepted":
                assert now[claim] == ("VALIDATED", digest)
            elif status == "INVALID" or content == digest:
                assert now[claim] == ("INVALID", digest)
            else:
                assert now[claim] == before[claim], "an accepted one stays"

    def delete(self) -> None:
        there = sorted(self.in_force())
        chosen = self.random.sample(there, len(there) // 4)
        delete_claims(self.workspace, [Named(number) for number in chosen])
        self.look()
        assert not set(chosen) & set(self.in_force())

    def restore(self) -> None:
        gone = self.restorable()
        chosen = self.random.sample(gone, len(gone) // 2)
        restore_claims(self.workspace, [Named(number) for number in chosen])
        self.look()
        assert set(chosen) <= set(self.in_force())

    def roll_back(self) -> None:
        if not self.jobs:
            return
        job_id, _ = self.jobs.pop(self.random.randrange(len(self.jobs)))
        gone, was = set(self.restorable()), self.versions
        by_job = self.workspace.new_job_id()
        done = roll_back(self.workspace, job_id, by_job)
        self.workspace.remove_tmp(by_job)
        self.look()
        assert not gone & set(self.in_force()), "a rollback does not bring back what somebody deleted"
        assert done.claims == was.height - self.versions.height
        lost = set(was["claim_number"]) - set(self.versions["claim_number"])
        assert done.removed == len(lost)
        assert job_id not in self.versions["job_id"]

    def in_force(self) -> dict[str, tuple[str, int]]:
        """Status and content of the claims in force; none is in force twice."""
        rows = self.versions.filter("is_current")
        assert rows["claim_number"].is_unique().all()
        return {number: (status, digest) for number, status, digest in rows.select(
            "claim_number", "status", "digest").rows()}  # fmt: skip

    def restorable(self) -> list[str]:
        deleted = self.versions.filter(pl.col("deleted_at").is_not_null())["claim_number"]
        return sorted(set(deleted) - set(self.in_force()))

    def look(self) -> None:
        """Read the store, and check what must hold always."""
        with open_store(self.workspace, write=False) as connection:
            self.versions = pl.DataFrame(
                connection.execute(f"SELECT {', '.join(VERSION)} FROM claims").fetchall(),
                VERSION,
                orient="row",
            )
            history = connection.execute(
                "SELECT claim_number, version, to_status FROM claim_status_history ORDER BY changed_at, rowid"
            ).fetchall()
            (kept,) = connection.execute("SELECT coalesce(sum(rows), 0) FROM job_parts").fetchall()
        lost = set(self.versions["claim_number"]) - set(self.in_force()) - set(self.restorable())
        assert not lost, "neither in force nor deleted"
        assert kept == (self.versions.height,), "every version has its line"
        said = {(number, version): status for number, version, status in history}
        for row in self.versions.iter_rows(named=True):
            last = said[row["claim_number"], row["version"]]
            if row["is_current"]:
                assert last == row["status"]
            if row["deleted_at"] is not None:
                assert last is None


@pytest.mark.parametrize("seed", range(2))
def test_every_claim_is_in_force_or_deleted(workspace: Workspace, seed: int) -> None:
    stories = Stories(workspace, Random(seed))
    stories.run()
    for _ in range(STEPS):
        stories.random.choice(
            (stories.run, stories.run, stories.delete, stories.restore, stories.roll_back)
        )()
    gone = stories.restorable()
    restore_claims(workspace, [Named(number) for number in gone])
    stories.look()
    assert stories.restorable() == []
    while stories.jobs:
        stories.roll_back()
    assert not stories.versions.height
