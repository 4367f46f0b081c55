"""The keys a user of the registry holds, unwrapped when they are first needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from claimsctl.errors import PermissionDenied
from claimsctl.security.access.bundles import (
    WITH_KEYS,
    WITH_PSEUDONYMS,
    Bundle,
    deidentifying,
    unwrap_bundle,
    unwrap_deidentifying,
)
from claimsctl.security.access.wrapping import Altered, sign, unwrap, verifying_half

if TYPE_CHECKING:
    from claimsctl.security.access.registry import Registry, User
    from claimsctl.security.access.unlocking import Private
    from claimsctl.security.keys import Keys

AUTHORITY: Final = b"claimsctl authority 1 "


class Held:
    """What the opened private halves of a user open in a registry that was checked."""

    def __init__(self, registry: Registry, name: str, private: Private) -> None:
        self.registry = registry
        self.name = name
        self.private = private
        self.user: User = registry.users[name]
        self._bundles: dict[str, Bundle] = {}
        self._ring = _Ring(self)

    def keys(self, practice_id: str) -> Keys:
        """Keys of a practice, with all others of the user on the ring; PermissionDenied without the right."""
        bundle = self.bundle(practice_id)
        return bundle.keys(self.registry.practices[practice_id].current, self._ring)

    def practices(self) -> tuple[str, ...]:
        """The practices whose keys the user has, sorted."""
        return tuple(sorted(self.user.grants)) if self.user.role in WITH_KEYS else ()

    def deidentify_key(self, practice_id: str) -> bytes:
        """The key of pseudonyms; PermissionDenied without the right."""
        if self.user.role in WITH_PSEUDONYMS:
            wrapped, private = self._grant(practice_id), self.private.encrypt
            return unwrap_deidentifying(wrapped, private, self.registry.workspace, practice_id, self.name)
        return deidentifying(self.bundle(practice_id).root, practice_id)

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature by the user's key."""
        return sign(self.private.verify, data)

    def bundle(self, practice_id: str) -> Bundle:
        """Root and sealing keys of a practice; PermissionDenied without the right."""
        if self.user.role not in WITH_KEYS:
            raise PermissionDenied(
                f"{self.name} has no key of patient data: {article(self.user.role)} sees none.",
                hint="Ask an admin: claimsctl users grant.",
            )
        wrapped = self._grant(practice_id)
        found = self._bundles.get(practice_id)
        if found is None:
            private, workspace = self.private.encrypt, self.registry.workspace
            found = unwrap_bundle(wrapped, private, workspace, practice_id, self.name)
            if set(found.ring) != set(self.registry.practices[practice_id].generations):
                raise Altered(f"The wrapped keys of {practice_id} do not fit access.json.")
            self._bundles[practice_id] = found
        return found

    def bundles(self) -> dict[str, Bundle]:
        """All that the user has."""
        return {practice: self.bundle(practice) for practice in self.practices()}

    def authority(self) -> bytes:
        """The private half of the authority, which signs the registry; PermissionDenied without it."""
        if self.user.role != "admin" or self.user.authority is None:
            raise PermissionDenied(
                f"{self.name} may not change users and keys: that is for an admin.",
                hint="Ask one of `claimsctl users list`.",
            )
        bound_to = AUTHORITY + f"{self.registry.workspace} {self.name}".encode()
        found = unwrap(self.user.authority, self.private.encrypt, bound_to)
        if verifying_half(found) != self.registry.authority:
            raise Altered("The wrapped authority does not fit access.json.")
        return found

    def _grant(self, practice_id: str) -> bytes:
        found = self.user.grants.get(practice_id)
        if found is not None:
            return found
        if practice_id not in self.registry.practices:
            raise PermissionDenied(
                f"The practice {practice_id} has no keys yet.",
                hint=f"An admin makes them: claimsctl keys init --practice {practice_id}",
            )
        raise PermissionDenied(
            f"{self.name} has no key of the practice {practice_id}.",
            hint=f"Ask an admin: claimsctl users grant {self.name} --practice {practice_id}",
        )


class _Ring(Mapping[str, bytes]):
    """Sealing keys of all practices of a user; a practice is unwrapped when one of its keys is asked for."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def __getitem__(self, key_id: str) -> bytes:
        for practice in self._held.practices():
            if key_id in self._held.registry.practices[practice].generations:
                return self._held.bundle(practice).ring[key_id]
        raise KeyError(key_id)

    def __iter__(self) -> Iterator[str]:
        return iter({
            key_id
            for practice in self._held.practices()
            for key_id in self._held.registry.practices[practice].generations
        })  # fmt: skip

    def __len__(self) -> int:
        return sum(1 for _ in self)


def article(role: str) -> str:
    """ "an analyst", "a therapist"."""
    said = role.replace("_", " ")
    return f"{'an' if said[0] in 'aeio' else 'a'} {said}"
