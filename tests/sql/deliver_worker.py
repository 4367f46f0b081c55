"""Delivers outboxes, each in a process of its own that is forked from this one, so that it begins quickly.

Reads lines OUTBOX URL; answers "begun PID", and "ended CODE" when that process has ended.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite  # noqa: F401

from claimsctl.sql.database import Database
from claimsctl.sql.load import deliver
from claimsctl.sql.outbox import Outbox
from tests.sql.lines import keys_of


def main() -> None:
    assert psycopg.pq.version() > 0  # loaded, like all else, before the forks
    for asked in sys.stdin:
        directory, url = asked.split()
        child = os.fork()
        if child == 0:
            box = Outbox.open(Path(directory), keys_of)
            print(deliver(box, Database("production", url)), file=sys.stderr)
            os._exit(0)
        print(f"begun {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
