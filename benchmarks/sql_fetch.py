"""Reading a table of PostgreSQL as `process --from` does, beside a bare COPY of it into a file.

    python -m benchmarks.sql_fetch postgresql://... TABLE

Prints JSON: seconds of `copy` and `fetch` (the quicker of two), `rows`, `columns`, `peak_mb` of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path


def main(url: str, table: str) -> None:
    """Measure and print."""
    import psycopg

    from claimsctl.sql.database import Database, Source, parse_url
    from claimsctl.sql.reading import Ask, fetch

    copied, fetched_in = [], []
    database = Database("bench", parse_url(url))
    with tempfile.TemporaryDirectory() as place:
        for turn in range(2):
            begun = time.perf_counter()
            with (
                psycopg.connect(url) as connection,
                connection.cursor() as cursor,
                (Path(place) / "bare.csv").open("wb") as file,
                cursor.copy(f"COPY {table} TO STDOUT (FORMAT csv)") as copy,
            ):
                for part in copy:
                    file.write(part)
            copied.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            fetched = fetch(database, Ask(Source(table=table)), Path(place) / f"{turn}.parquet")
            fetched_in.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {
        "copy": min(copied), "fetch": min(fetched_in), "rows": fetched.rows, "columns": len(fetched.columns),
        "peak_mb": round(peak),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
