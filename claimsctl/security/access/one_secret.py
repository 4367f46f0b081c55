"""A workspace without users and roles: one secret for everything, whoever has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from claimsctl.security.keys import KeyOwner, Keys, load_secret, secret_path, subkey

_halves: dict[tuple[Any, ...], bytes] = {}
"""What signs records, by the state of the files it comes of."""


@dataclass(frozen=True, slots=True)
class OneSecret:
    """One secret for all practices, read when it is first needed."""

    workspace: KeyOwner

    def keys(self, _practice_id: str) -> Keys:
        """The keys of every practice."""
        return Keys.derive(load_secret(self.workspace))

    def practices(self) -> tuple[str, ...]:
        """No practice has keys of its own."""
        return ()

    def deidentify_key(self, practice_id: str) -> bytes:
        """The key of a practice's pseudonyms."""
        from claimsctl.security.access.bundles import deidentifying

        return deidentifying(load_secret(self.workspace), practice_id)

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature by a key that comes of the secret."""
        from claimsctl.security.access.wrapping import sign

        try:
            state = tuple(
                (path, found.st_mtime_ns, found.st_size, found.st_ino)
                for path in (secret_path(self.workspace), self.workspace.key_id_file)
                if (found := path.stat())
            )
        except FileNotFoundError:
            return sign(self._signing(), data)
        if state not in _halves:  # records are many, and the secret is the same for all
            _halves.clear()
            _halves[state] = self._signing()
        return sign(_halves[state], data)

    def _signing(self) -> bytes:
        return _signing(load_secret(self.workspace))


def forget_half() -> None:
    """Forget what signs records: the next command reads the secret again."""
    _halves.clear()


def single_user_half(secret: bytes) -> bytes:
    """The public half of what signs records where one secret is for all."""
    from claimsctl.security.access.wrapping import verifying_half

    return verifying_half(_signing(secret))


def _signing(secret: bytes) -> bytes:
    return subkey(secret, b"audit signing", 32)
