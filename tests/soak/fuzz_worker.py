"""Runs command lines one after the other: a crash of the interpreter ends this process, not the tests.

Reads a JSON list of arguments per line, answers each with one line of JSON: code, out, err.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import TextIO

from claimsctl.cli.app import main
from claimsctl.process import rulebook
from tests.commands import remembering


def run(arguments: list[str], out: TextIO, err: TextIO) -> dict[str, object]:
    """Run a command line with what libraries write to the descriptors themselves caught as well."""
    for file, descriptor in ((out, 1), (err, 2)):
        file.seek(0)
        file.truncate()
        os.dup2(file.fileno(), descriptor)
    code: object = "no exit"
    try:
        main(arguments)
    except SystemExit as stop:
        code = stop.code
    sys.stdout.flush()
    sys.stderr.flush()
    texts = {}
    for name, file in (("out", out), ("err", err)):
        file.seek(0)
        texts[name] = file.read()
    return {"code": code, **texts}


def serve() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    rulebook.load_rulebook = remembering(rulebook.load_rulebook)
    with (
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
    ):
        for line in sys.stdin:
            print(json.dumps(run(json.loads(line), out, err)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
