"""Bare COPY of what claimsctl wrote into PostgreSQL: out as CSV, and back into tables with and without keys.

    python -m benchmarks.sql_floor postgresql://...

Prints JSON: seconds of `out`, of `into` tables with the same keys and indexes and of `bare` ones without;
`rows` and `bytes` of the texts.
"""

from __future__ import annotations

import json
import sys
import time

TABLES = ("claims", "claim_lines", "claim_findings")
COPIES = {
    "into": "CREATE TABLE copied (LIKE {name} INCLUDING ALL)",
    "bare": "CREATE TABLE copied (LIKE {name})",
}


def main(url: str) -> None:
    """Measure and print."""
    import psycopg

    spent = dict.fromkeys(("out", *COPIES), 0.0)
    rows = size = 0
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for table in TABLES:
            name = f"claimsctl_{table}"
            begun = time.perf_counter()
            with cursor.copy(f"COPY {name} TO STDOUT (FORMAT csv)") as copy:
                text = b"".join(bytes(part) for part in copy)
            spent["out"] += time.perf_counter() - begun
            for kind, made in COPIES.items():
                cursor.execute(made.format(name=name))
                begun = time.perf_counter()
                with cursor.copy("COPY copied FROM STDIN (FORMAT csv)") as copy:
                    for start in range(0, len(text), 1 << 20):
                        copy.write(text[start : start + (1 << 20)])
                spent[kind] += time.perf_counter() - begun
                cursor.execute("DROP TABLE copied")
            rows += text.count(b"\n")
            size += len(text)
    print(json.dumps({**spent, "rows": rows, "bytes": size}))


if __name__ == "__main__":
    main(sys.argv[1])
