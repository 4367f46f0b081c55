"""Whether the audit file is whole: altered, removed, reordered and cut-off records, and anchors of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import ClaimsctlError, InputError, UsageError
from claimsctl.security.access.opening import SINGLE_USER, known_verify_keys, open_access
from claimsctl.security.audit import REFUSED, UNUSUAL, Audited, opened
from claimsctl.security.audit_lines import START, Entry, digest, following, forwards, parse, to_sign, written
from claimsctl.security.audit_memory import memory_of, remembered

_FORM: Final = "claimsctl audit anchor 1"
_LARGEST_ANCHOR: Final = 10_000
_MOST_TOLD: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What `verify` found; no problems means that the chain is whole.

    `signed` counts records with a good signature, `torn` half lines that a full disk or a power failure
    left and the record after them tells of.
    """

    records: int
    problems: tuple[str, ...]
    signed: int = 0
    torn: int = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of the chain that is kept elsewhere: later the file must still lead there.

    `seq` and `hash` are those of the last record then; `sig` is by `user` over the rest.
    """

    workspace: str
    seq: int
    hash: str
    at: str
    user: str
    sig: str = ""

    def text(self) -> bytes:
        """What is signed."""
        return f"{_FORM} ".encode() + written({**asdict(self), "sig": ""})


@dataclass(slots=True)
class _Signatures:
    """Who signed what; reads each key once."""

    known: Mapping[str, tuple[bytes, ...]]
    read: dict[bytes, Any] = field(default_factory=dict)
    by_users: bool = False
    """Whether a user of the registry has signed: from then on the workspace's own secret signs nothing."""

    def holds(self, user: object, data: bytes, sig: object) -> bool:
        """Whether the signature is that of the user."""
        try:
            signature = bytes.fromhex(sig) if isinstance(sig, str) else b""
        except ValueError:
            return False
        if signature.hex() != sig:  # the same bytes, written in another way
            return False
        if any(self._verifies(key, signature, data) for key in self.known.get(str(user), ())):
            self.by_users = True
            return True
        return not self.by_users and any(
            self._verifies(key, signature, data) for key in self.known.get(SINGLE_USER, ())
        )

    def _verifies(self, key: bytes, signature: bytes, data: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if key not in self.read:
            self.read[key] = Ed25519PublicKey.from_public_bytes(key)
        try:
            self.read[key].verify(signature, data)
        except InvalidSignature:
            return False
        return True


def verify(workspace: Audited, anchors: Sequence[Anchor] = ()) -> AuditCheck:
    """Read the whole file and name every record that does not fit the chain or an anchor.

    What this account remembers of the last record it signed counts as an anchor.
    """
    walk = _Walk(workspace, anchors)
    for number, line in forwards(workspace.audit_log):
        walk.line(number, line)
    return walk.ended()


class _Walk:
    """One way through the file, a line after the other."""

    def __init__(self, workspace: Audited, anchors: Sequence[Anchor]) -> None:
        self.problems: list[str] = []
        self.records = self.signed = self.torn = 0
        self._expected, self._previous = 1, START
        self._damaged: tuple[int, str] | None = None
        self._unsigned: list[int] = []
        self._workspace = workspace
        self._keys: _Signatures | None = None
        self._no_keys: str | None = None
        self._fixed: dict[int, list[tuple[str, str]]] = {}
        for anchor in anchors:
            self._check_anchor(workspace, anchor)
        self._begin()
        known = remembered(memory_of(workspace))
        if known is not None:
            self._fixed.setdefault(known[0], []).append((known[1], "what this account remembers"))

    def _signed(self, user: object, data: bytes, sig: object) -> bool | None:
        """None where it cannot be told; keys are looked for when the first signature is met."""
        if self._keys is None and self._no_keys is None:
            try:
                self._keys = _Signatures(known_verify_keys(self._workspace))
            except ClaimsctlError as error:
                self._no_keys = error.message
                self._say(f"no signature can be checked: {error.message}")
        return None if self._keys is None else self._keys.holds(user, data, sig)

    def _begin(self) -> None:
        """The anchors are younger than the first line, which the workspace's own secret may have signed."""
        if self._keys is not None:
            self._keys.by_users = False

    def _check_anchor(self, workspace: Audited, anchor: Anchor) -> None:
        of = f"the anchor of {anchor.at}"
        if anchor.workspace != workspace.id:
            raise UsageError(f"{of[0].upper()}{of[1:]} is of another workspace.", hint="Name its own anchor.")
        if self._signed(anchor.user, anchor.text(), anchor.sig) is False:
            self._say(f"{of} is not signed by {anchor.user}")
        self._fixed.setdefault(anchor.seq, []).append((anchor.hash, of))

    def line(self, number: int, line: bytes) -> None:
        text = line.removesuffix(b"\n")
        entry = parse(text)
        if entry is None:
            self._unreadable()
            self._damaged = (number, hashlib.sha256(text).hexdigest())
            return
        self.records += 1
        if self._damaged is not None and entry.get("torn") == self._damaged[1]:
            # What a full disk or a power failure leaves; this record vouches for it.
            self.torn += 1
            self._damaged = None
        elif self._damaged is None and "torn" in entry:
            self._say(f"line {number}: a damaged line before it was removed")
        self._unreadable()
        if entry.get("hash") != digest(entry) or written(entry) != text:
            self._say(f"line {number}: the record was altered")
        if entry.get("seq") != self._expected or entry.get("prev") != self._previous:
            self._say(f"line {number}: records before it were removed, added or reordered")
        self._check_signature(number, entry)
        for hash_, of in self._fixed.pop(self._expected, ()):
            if hash_ != entry.get("hash"):
                self._say(f"line {number}: the record is another one than in {of}")
        self._expected, self._previous = following(entry), str(entry.get("hash"))

    def _check_signature(self, number: int, entry: Entry) -> None:
        if "sig" not in entry:
            if not _may_be_unsigned(entry):
                self._unsigned.append(number)
            return
        if self._unsigned and self.signed:
            self._tell_unsigned()
        self._unsigned.clear()  # before there were signatures: the first one covers them through the chain
        good = self._signed(entry.get("user"), to_sign(str(entry.get("hash"))), entry["sig"])
        if good:
            self.signed += 1
        elif good is False:
            self._say(f"line {number}: the signature is not that of {entry.get('user')}")

    def _tell_unsigned(self) -> None:
        for number in self._unsigned:
            self._say(f"line {number}: the record is not signed")

    def _unreadable(self) -> None:
        if self._damaged is not None:
            self._say(f"line {self._damaged[0]} is unreadable")
            self._damaged = None

    def _say(self, problem: str) -> None:
        self.problems.append(problem)

    def ended(self) -> AuditCheck:
        self._unreadable()
        if self.signed:
            self._tell_unsigned()
        for seq, wanted in sorted(self._fixed.items()):
            for _, of in wanted:
                self._say(f"record {seq:,} of {of} is not there: records were removed from the end")
        problems = self.problems[:_MOST_TOLD]
        if len(self.problems) > _MOST_TOLD:
            problems.append(f"{len(self.problems) - _MOST_TOLD:,} more")
        return AuditCheck(self.records, tuple(problems), self.signed, self.torn)


def _may_be_unsigned(entry: Entry) -> bool:
    """A stranger who is refused, once or often, has no key."""
    facts = entry.get("facts")
    what = facts.get("what") if isinstance(facts, dict) else None
    return entry.get("action") == REFUSED or (entry.get("action") == UNUSUAL and what == REFUSED)


def make_anchor(workspace: Audited) -> Anchor:
    """An anchor of the chain as it is now; that it was made is its last record."""
    access = open_access(workspace)
    with opened(workspace) as log:
        entry = log.entry("audit anchor", None, None, {})
        log.append(entry)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    anchor = Anchor(workspace.id, entry["seq"], entry["hash"], at, access.user)
    return replace(anchor, sig=access.sign(anchor.text()).hex())


def anchor_text(anchor: Anchor) -> str:
    """An anchor as it stands in a file."""
    return json.dumps({"form": _FORM, **asdict(anchor)}, indent=2) + "\n"


def read_anchor(path: Path) -> Anchor:
    """The anchor in a file; InputError where there is none."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST_ANCHOR))
        if found.pop("form") != _FORM or not isinstance(found["seq"], int):
            raise ValueError
        return Anchor(**found)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", hint="Check the name.") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            f"{path} is no anchor of an audit file.", hint="`claimsctl audit anchor --out FILE` makes one."
        ) from None
