"""What of a practice is wrapped for a user, by role: all of its keys, only that of pseudonyms, or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claimsctl.security.access.wrapping import unwrap, wrap
from claimsctl.security.keys import Keys, subkey

if TYPE_CHECKING:
    from claimsctl.security.roles import Role

WITH_KEYS: Final[frozenset[Role]] = frozenset({"admin", "billing", "therapist", "front_desk"})
"""Roles that get the keys of their practices."""
WITH_PSEUDONYMS: Final[frozenset[Role]] = frozenset({"analyst"})
"""Roles that get only the key of pseudonyms."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The keys of one practice: its root, which never changes, and its sealing keys by key id."""

    root: bytes = field(repr=False)
    ring: Mapping[str, bytes] = field(repr=False)

    def keys(self, current: str, ring: Mapping[str, bytes]) -> Keys:
        """As the rest of claimsctl takes them; `ring` has the sealing keys of all practices."""
        return Keys(
            current,
            subkey(self.root, b"lookup", 32),
            self.ring[current],
            subkey(self.root, b"digest", 32),
            ring,
        )

    def with_new_key(self, taken: Collection[str]) -> tuple[Bundle, str]:
        """The bundle with a further sealing key, and its key id, which is not among those taken."""
        while True:
            sealing = os.urandom(32)
            key_id = key_id_of(sealing)
            if key_id not in taken and key_id not in self.ring:
                return Bundle(self.root, {**self.ring, key_id: sealing}), key_id


def key_id_of(sealing: bytes) -> str:
    """The public name of a sealing key."""
    return subkey(sealing, b"key id", 4).hex()


def deidentifying(root: bytes, practice_id: str) -> bytes:
    """The key of a practice's pseudonyms, from its root."""
    return subkey(root, b"deidentify " + practice_id.encode(), 32)


def grant(
    bundle: Bundle, role: Role, public: bytes, workspace: str, practice: str, name: str
) -> bytes | None:
    """What a role gets of a practice, wrapped for a user; None where it gets nothing."""
    if role in WITH_KEYS:
        return wrap_bundle(bundle, public, workspace, practice, name)
    if role in WITH_PSEUDONYMS:
        key = deidentifying(bundle.root, practice)
        return wrap(key, public, _bound("deidentify", workspace, practice, name))
    return None


def wrap_bundle(bundle: Bundle, public: bytes, workspace: str, practice: str, name: str) -> bytes:
    """All keys of a practice, wrapped for a user or for the recovery code."""
    ring = {key_id: key.hex() for key_id, key in bundle.ring.items()}
    text = json.dumps({"root": bundle.root.hex(), "ring": ring}, sort_keys=True)
    return wrap(text.encode(), public, _bound("keys", workspace, practice, name))


def unwrap_bundle(wrapped: bytes, private: bytes, workspace: str, practice: str, name: str) -> Bundle:
    """The keys again; Altered as of `unwrap`."""
    said = json.loads(unwrap(wrapped, private, _bound("keys", workspace, practice, name)))
    ring = {key_id: bytes.fromhex(key) for key_id, key in said["ring"].items()}
    return Bundle(bytes.fromhex(said["root"]), ring)


def unwrap_deidentifying(wrapped: bytes, private: bytes, workspace: str, practice: str, name: str) -> bytes:
    """The key of pseudonyms again; Altered as of `unwrap`."""
    return unwrap(wrapped, private, _bound("deidentify", workspace, practice, name))


def _bound(what: str, workspace: str, practice: str, name: str) -> bytes:
    return json.dumps(["claimsctl grant 1", what, workspace, practice, name]).encode()
