"""Claims into PostgreSQL and out of it, beside a bare COPY of the same rows."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import ROOT, Failed, Row, run
from benchmarks.runs import AS_OF, Bench

MOST_LINES = 1_000_000
COLUMNS = 40
NARROW = """
import sys, polars as pl
pl.scan_csv(sys.argv[1], infer_schema=False).select(sys.argv[3].split(",")).sink_csv(sys.argv[2])
"""
TAKEN = """
claim_number line_number patient_last_name patient_first_name patient_dob patient_sex
patient_address patient_city patient_state patient_zip relationship_code member_id payer_id
payer_name billing_name billing_npi billing_tax_id billing_taxonomy billing_address billing_city
billing_state billing_zip rendering_npi rendering_taxonomy place_of_service service_date_from
service_date_to procedure_code modifier_1 modifier_2 diagnosis_1 diagnosis_2 diagnosis_3 diagnosis_4
diagnosis_pointers units charge_amount claim_filing_code patient_ssn payer_sequence
""".split()
SETTINGS = '[sql.bench]\nurl = "{url}"\nphi = "plain"\n'


def measure(bench: Bench) -> None:
    """Each size up to a million lines of 40 columns: written, and read again."""
    try:
        for lines in [each for each in bench.sizes if each <= MOST_LINES] or [MOST_LINES]:
            with _server(bench) as url:
                _one(bench, lines, url)
    except Failed as error:
        bench.add(Row("PostgreSQL", None, None, None, f"failed: {error}"))


def _one(bench: Bench, lines: int, url: str) -> None:
    narrow = bench.work / f"narrow-{lines}.csv"
    run([bench.python, "-c", NARROW, str(bench.file(lines)), str(narrow), ",".join(TAKEN)])
    environment = bench.environment()
    workspace = Path(environment["CLAIMSCTL_WORKSPACE"])
    workspace.mkdir()
    (workspace / "claimsctl.toml").write_text(SETTINGS.format(url=url))
    run([*bench.claimsctl, "sql", "init", "--to", "bench"], environment)
    out = bench.work / "out-sql"
    options = ("--to", "bench", "--out", str(out), "--as-of", AS_OF, "--quiet")
    written = run([*bench.claimsctl, "process", str(narrow), *options], environment)
    told = json.loads((out / "summary.json").read_text())
    floor = json.loads(run(bench.module("sql_floor", url)).output)
    spent, copied = told["timings"]["send"], floor["into"]
    sent = told["sent"]["bench"]
    rows = sent["claims"] + sent["lines"] + sent["findings"]
    note = (
        f"delivery {spent:.2f} s for {rows:,} rows in {sent['batches']} batches; bare COPY of them into "
        f"tables with the same keys {copied:.2f} s: {spent / copied:.1f} times (target: 2); "
        f"into tables without any {floor['bare']:.2f} s"
    )
    bench.add(Row(f"claimsctl process --to PostgreSQL, {COLUMNS} columns", lines, written, None, note))
    bench.facts[f"sql_{lines}"] = {"send": spent, "copy": copied, "peak_mb": written.peak_mb}
    _read(bench, lines, url)
    shutil.rmtree(out)
    narrow.unlink()


def _read(bench: Bench, lines: int, url: str) -> None:
    """What was written, read again as `process --from` does."""
    reading = run(bench.module("sql_fetch", url, "claimsctl_claim_lines"))
    told = json.loads(reading.output)
    spent, copied = told["fetch"], told["copy"]
    note = (
        f"fetching {told['rows']:,} rows of {told['columns']} columns {spent:.2f} s; bare COPY into a file "
        f"{copied:.2f} s: {spent / copied:.1f} times (target: 2); {told['peak_mb']} MB"
    )
    bench.add(Row("claimsctl process --from PostgreSQL: fetching", lines, reading, None, note))


@contextmanager
def _server(bench: Bench) -> Iterator[str]:
    """A fresh PostgreSQL; its URL."""
    place = tempfile.mkdtemp(prefix="claimsctl-pg-")  # root may not run it, its user must get there
    command = bench.module("sql_server", place)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise Failed("PostgreSQL did not start")
        yield url
    finally:
        server.communicate()
        shutil.rmtree(place, ignore_errors=True)
