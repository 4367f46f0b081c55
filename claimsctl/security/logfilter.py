"""The last step before a line of the log is written: what looks like patient data, or is secret, goes.

Lines are made of codes, numbers and hashes, so that nothing should be found here. The filter stands here
because a line that somebody adds later may be made of more.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

HIDDEN: Final = "\u2039hidden\u203a"

_JOB: Final = r"\d{8}-\d{6}-[0-9a-f]{4}"
_MARK: Final = r"file:[0-9a-f]{16}(?:\.[a-z0-9]+)*"
_SHAPES: Final = re.compile(
    rf"(?P<keep>\b(?:{_JOB}|{_MARK})\b)"
    r"|\b\d{3}[- ]\d{2}[- ]\d{4}\b"  # SSN
    r"|\(?\b\d{3}\)?[-. /]\d{3}[-. ]\d{4}\b"  # phone
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # mail
    r"|\b(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"  # dates, of which one may be of birth
    r"|\b\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d{2}\b"
    r"|\b(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b"
    r"|\b(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d{2}\b"
    r"|\b[A-Za-z]{1,4}\d{6,}[A-Za-z]{0,4}\b"  # member and record numbers
    r"|\b(?=\w*[A-Z])(?=\w*\d\w*\d)[A-Z0-9]{8,}\b"  # as those of Medicare
    r"|\b\d{9,}\b"
)


def without_phi(text: str, hidden: Collection[str] = ()) -> str:
    """The text with HIDDEN for each value of `hidden` and for what looks like an identifier or a date.

    Job ids and marks of files stay.
    """
    for value in sorted(hidden, key=len, reverse=True):
        text = re.sub(re.escape(value), HIDDEN, text, flags=re.IGNORECASE)
    return _SHAPES.sub(lambda found: found[0] if found["keep"] else HIDDEN, text)
