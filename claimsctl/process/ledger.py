"""The balanced book of a run: every row read is accepted, held, rejected or skipped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from claimsctl.errors import InternalError


@dataclass
class Count:
    """Rows or claims by outcome. `read` is counted at intake, the others where they are decided."""

    read: int = 0
    accepted: int = 0
    held: int = 0
    rejected: int = 0
    skipped: int = 0

    def balances(self) -> bool:
        """Whether what was read equals what became of it."""
        return self.read == self.accepted + self.held + self.rejected + self.skipped


@dataclass
class Ledger:
    """Rows and claims of a run."""

    rows: Count = field(default_factory=Count)
    claims: Count = field(default_factory=Count)

    def check(self) -> None:
        """Raise InternalError unless rows and claims balance (catalogue FILE-013)."""
        for name, count in (("rows", self.rows), ("claims", self.claims)):
            if not count.balances():
                raise InternalError(
                    f"The ledger of {name} does not balance ({asdict(count)}); nothing was published.",
                    hint="Please report this with the numbers; they hold no patient data.",
                )

    def as_dict(self) -> dict[str, dict[str, int]]:
        """For summary.json."""
        return {"rows": asdict(self.rows), "claims": asdict(self.claims)}
