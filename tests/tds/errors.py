"""Errors as SQL Server numbers them: number, class (severity) and what becomes of batch and transaction."""

from __future__ import annotations

from dataclasses import dataclass

# Classes of errors whose class is not the usual 16.
_CLASSES = {229: 14, 262: 14, 1205: 13, 1222: 16, 2601: 14, 2627: 14, 4060: 11, 18456: 14, 18451: 14}
_CLASSES |= {102: 15, 156: 15, 195: 15, 10928: 20, 10929: 16, 40197: 17, 40501: 20, 40613: 20, 49918: 16}
# After these the next statement of the batch is carried out, unless XACT_ABORT is on.
_STATEMENT_ONLY = {229, 262, 515, 547, 1222, 2601, 2627, 8152, 2628, 220, 8115}


@dataclass
class SqlError(Exception):
    """One ERROR token; `number` as in sys.messages, 50000 for what only this test server says."""

    number: int
    message: str

    def __str__(self) -> str:
        return f"{self.number}: {self.message}"

    @property
    def severity(self) -> int:
        return _CLASSES.get(self.number, 16)

    @property
    def ends_batch(self) -> bool:
        return self.number not in _STATEMENT_ONLY

    @property
    def ends_transaction(self) -> bool:
        return self.number == 1205

    @property
    def ends_connection(self) -> bool:
        return self.severity >= 20


class Dropped(Exception):
    """The connection shall end without a word, as by a fault of the network."""


class Cancelled(Exception):
    """The client sent an attention."""


def untranslatable(what: str, statement: str) -> SqlError:
    """What this server does not know is an error that names the statement, never a silent success."""
    return SqlError(50000, f"TDS test server: {what}: {' '.join(statement.split())[:400]}")
