"""The manifest of an outbox: what the run says of its files, bound to the key that decrypts them.

The key is sealed with that of the workspace and bound to everything else that the manifest says, so that a
manifest that was altered anywhere opens nothing.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import StoreError
from claimsctl.security.files import disk_errors, write_private
from claimsctl.security.sealing import key_id_of, seal, unseal

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys

    KeysOf = Callable[[str], Keys]

MANIFEST: Final = "manifest.json"
_VERSION: Final = 3
"""Earlier ones, never released, bound less: what they left is not sent."""


def write_manifest(path: Path, said: Mapping[str, Any], key: bytes, keys: Keys) -> None:
    """Write what a run says of its outbox (JSON), with the key of its files, sealed."""
    _write(path, {"version": _VERSION, **said}, key, keys)


def read_manifest(path: Path, keys_of: KeysOf) -> tuple[dict[str, Any], bytes]:
    """What the run said, and the key of the files. `keys_of` gives the keys of a practice.

    StoreError where it cannot be read or was altered, PermissionDenied without the right.
    """
    with disk_errors(path, "read"):
        data = path.read_bytes()
    with damage_named(path):
        said = json.loads(data)
        version = said["version"]
        if version != _VERSION:
            raise StoreError(
                f"{path} has version {version}; this claimsctl reads {_VERSION}.",
                hint="Send it with the version that wrote it, or run the job again.",
            )
        sealed, place, practice = b64decode(said["key"], validate=True), _place(said), said["practice_id"]
    keys = keys_of(practice)
    try:
        return said, unseal(sealed, place, keys)
    except StoreError:
        raise StoreError(f"{path} is not what the run wrote.", hint="Run the job again.") from None


def reseal(path: Path, keys: Keys) -> bool:
    """Seal the key of an outbox again (its manifest `path`), with the sealing key in use now; False where it
    was. Errors as `read_manifest`."""
    said, key = read_manifest(path, lambda _practice: keys)
    if key_id_of(b64decode(said["key"])) == keys.key_id:
        return False
    _write(path, said, key, keys)
    return True


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """A document of another shape as a StoreError that names the manifest."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"{path} is damaged.", hint="Run the job again.") from None


def _write(path: Path, said: Mapping[str, Any], key: bytes, keys: Keys) -> None:
    sealed = b64encode(seal(key, _place(said), keys)).decode()
    write_private(path, json.dumps({**said, "key": sealed}, indent=1).encode())


def _place(said: Mapping[str, Any]) -> bytes:
    """What the key is bound to: all that the manifest says beside it."""
    rest = json.dumps({name: value for name, value in said.items() if name != "key"}, sort_keys=True)
    return b"claimsctl outbox 2 " + sha256(rest.encode()).digest()
