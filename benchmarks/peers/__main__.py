"""Run one tool on one file and print the number of findings."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    name, source, report = sys.argv[1:]
    try:
        peer = importlib.import_module(f"benchmarks.peers.{name}_peer")
    except ModuleNotFoundError as missing:
        sys.exit(f"not installed: {missing.name}")
    print(peer.run(Path(source), Path(report)))
