"""Command lines again and again in one process, until a file appears: STOP REPORT, JSON of their arguments.

Each must end with 0 and one JSON document. REPORT gets how often each ran and the longest wait in seconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path

from claimsctl.cli.app import main

stop, report, commands = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
ran, longest = 0, 0.0
while True:
    last = stop.exists()
    for arguments in commands:
        printed, began = io.StringIO(), time.monotonic()
        with contextlib.redirect_stdout(printed):
            try:
                main(arguments)
            except SystemExit as ended:
                if ended.code:
                    raise
        json.loads(printed.getvalue())
        longest = max(longest, time.monotonic() - began)
    ran += 1
    if last:
        break
    time.sleep(0.5)
report.write_text(json.dumps({"ran": ran, "longest": longest}))
