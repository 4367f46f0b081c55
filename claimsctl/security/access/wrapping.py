"""Secrets sealed for somebody: to the public half of their X25519 pair, or under a key of 32 bytes.

A wrapped secret is: format version (1 byte), ephemeral X25519 public key (32), nonce (12), AES-256-GCM
ciphertext with tag. The AES key comes of the shared secret by HKDF-SHA256 over both public keys. A boxed
one, under a key, is the same without the ephemeral key. Both are bound to where they belong.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from claimsctl.errors import PermissionDenied
from claimsctl.security.keys import subkey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WRAPPED: Final = b"\x01"
BOXED: Final = b"\x02"
_PUBLIC: Final = 32
_NONCE: Final = 12
_TAG: Final = 16


class Altered(PermissionDenied):
    """A wrapped key was altered, belongs elsewhere, or was made for another key."""


def new_private() -> bytes:
    """A private half, of X25519 or Ed25519 alike."""
    return os.urandom(32)


def encrypting_half(private: bytes) -> bytes:
    """The public half that `wrap` takes (X25519)."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def verifying_half(private: bytes) -> bytes:
    """The public half that `is_signed` takes (Ed25519)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, data: bytes) -> bytes:
    """Ed25519 signature, 64 bytes."""
    return _signing_key(private).sign(data)


@lru_cache(maxsize=4)
def _signing_key(private: bytes) -> Ed25519PrivateKey:
    """Made once for the many records of a process: making it takes longer than signing."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private)


def is_signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether an Ed25519 signature fits."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def wrap(secret: bytes, public: bytes, bound_to: bytes) -> bytes:
    """A secret that only the private half of `public` opens, bound to its place."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    ephemeral = X25519PrivateKey.generate()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    sender = ephemeral.public_key().public_bytes_raw()
    return WRAPPED + sender + _encrypted(_key(shared, sender, public), secret, WRAPPED + bound_to)


def unwrap(wrapped: bytes, private: bytes, bound_to: bytes) -> bytes:
    """The secret again; Altered where it was changed, bound to another place, or made for another key."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    head = 1 + _PUBLIC
    if wrapped[:1] != WRAPPED or len(wrapped) < head + _NONCE + _TAG:
        raise _altered()
    own, sender = X25519PrivateKey.from_private_bytes(private), wrapped[1:head]
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(sender))
    except ValueError:  # a point of small order
        raise _altered() from None
    key = _key(shared, sender, own.public_key().public_bytes_raw())
    return _decrypted(key, wrapped[head:], WRAPPED + bound_to)


def box(secret: bytes, key: bytes, bound_to: bytes) -> bytes:
    """A secret that `key` (32 bytes) opens, bound to its place."""
    return BOXED + _encrypted(key, secret, BOXED + bound_to)


def unbox(boxed: bytes, key: bytes, bound_to: bytes) -> bytes:
    """The secret again; Altered as of `unwrap`."""
    if boxed[:1] != BOXED or len(boxed) < 1 + _NONCE + _TAG:
        raise _altered()
    return _decrypted(key, boxed[1:], BOXED + bound_to)


def _key(shared: bytes, sender: bytes, recipient: bytes) -> bytes:
    return subkey(shared, b"wrap " + sender + recipient, 32)


def _encrypted(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def _decrypted(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except InvalidTag:
        raise _altered() from None


def _altered() -> Altered:
    return Altered("A wrapped key does not open: it was altered, or is meant for another key.")
