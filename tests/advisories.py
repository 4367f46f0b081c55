"""Known weaknesses of the pinned packages, as pip-audit finds them: `python -m tests.advisories`.

Its service is on the network. What could not be looked up is said, and is never counted as sound: pip-audit
itself ends well when it found nothing because it could ask for nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PINNED = Path(__file__).parents[1] / "constraints.txt"


def main() -> int:
    """Print what was found; 1 where a package has a known weakness."""
    command = [
        sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off",
        "--no-deps", "--disable-pip", "--timeout", "15", "--requirement", str(PINNED),
    ]  # fmt: skip
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False).stdout
    except subprocess.TimeoutExpired:
        said = ""
    lines, code = judged(said)
    print("\n".join(lines))
    return code


def judged(said: str) -> tuple[list[str], int]:
    """What the JSON of pip-audit means in words, and the exit code; no JSON: nothing was looked up."""
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    looked_up = [each for each in packages if "vulns" in each]
    if not looked_up:
        return ["Advisories: NOT CHECKED; their service was not reached, or told of no package."], 0
    weak = list(_weak(looked_up))
    missing = sorted(each["name"] for each in packages if "vulns" not in each)
    asked = f"{len(looked_up)} of {len(packages)} packages looked up"
    lines = [f"Advisories: {asked}, {len(weak)} known weaknesses."]
    if missing:
        lines.append(f"NOT CHECKED: {', '.join(missing)}")
    return [*lines, *weak], int(bool(weak))


def _weak(packages: list[dict[str, Any]]) -> Iterator[str]:
    for each in packages:
        for found in each["vulns"]:
            mended = ", ".join(found.get("fix_versions") or ()) or "no version yet"
            yield f"  {each['name']} {each['version']}: {found['id']}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main())
