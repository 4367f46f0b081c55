"""Looking a patient up by SSN in a large store, in a process that is running and has its keys.

    python -m benchmarks.phi_search WORKSPACE SSN PATIENTS

Fills the table of patients up to so many with random hashes first, as the claims of `many_claims` are all of
the same few. Prints JSON: claims found, patients, seconds of the first search and of the quickest of five.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from claimsctl.inquiry.columns import DEFAULT, ordering
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.listing import list_claims
from claimsctl.security.keys import load_keys
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace

FILL = """
INSERT INTO patients
SELECT uuid(), 1, 'default', hash(i), hash(i, 1), hash(i, 2), hash(i, 3), 'filled', 'filled'
FROM range(?) t(i)
"""


def main(root: str, ssn: str, wanted: int) -> None:
    """Fill, search, print."""
    workspace = Workspace.open(Path(root), create=False)
    with open_store(workspace, write=True) as connection:
        row = connection.execute("SELECT count(*) FROM patients").fetchone()
        assert row is not None
        connection.execute(FILL, [max(wanted - int(row[0]), 0)])
    load_keys(workspace)
    spent: list[float] = []
    found = 0
    for _round in range(6):
        begun = time.perf_counter()
        page = list_claims(workspace, Filters(search=ssn), columns=DEFAULT, order=ordering(None), limit=50)
        found = page.total
        spent.append(time.perf_counter() - begun)
    told = {"found": found, "patients": wanted, "first": spent[0], "again": min(spent[1:])}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
