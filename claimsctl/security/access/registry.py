"""The registry of a workspace (`access.json`): users, roles, practices and wrapped keys, signed.

It holds no secret in plain. The signature is by the workspace's authority, whose private half is wrapped to
admins; each user's sealed private halves hold its public half, so that nobody can put another one in.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from claimsctl.errors import PermissionDenied, StoreError
from claimsctl.security.access.wrapping import is_signed, sign
from claimsctl.security.files import disk_errors, sync_directory, write_private

if TYPE_CHECKING:
    from claimsctl.security.keys import KeyOwner
    from claimsctl.security.roles import Role

FORMAT: Final = 1
MethodKind = Literal["passphrase", "keyring", "file", "env", "token"]


@dataclass(frozen=True, slots=True)
class Method:
    """How a user opens their private halves, and what of it is no secret (salt, path, reference)."""

    kind: MethodKind
    parameters: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generation:
    """A sealing key of a practice: since when, and since when nothing in the store needs it."""

    made: date
    retired: date | None = None


@dataclass(frozen=True, slots=True)
class Practice:
    """Which sealing keys a practice has by key id, and which of them is the current one."""

    current: str
    generations: Mapping[str, Generation]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a role. `practices` is None for all; `account` binds to an OS account.

    `grants` has the wrapped keys by practice, `authority` the wrapped private half of it, for admins.
    """

    role: Role
    practices: frozenset[str] | None
    account: str | None
    npi: str | None
    trained: date | None
    made: date
    disabled: date | None
    method: Method
    encrypt: bytes
    verify: bytes
    private: bytes
    grants: Mapping[str, bytes] = field(default_factory=dict)
    authority: bytes | None = None

    def has_practice(self, practice_id: str) -> bool:
        """Whether the practice is one of the user's."""
        return self.practices is None or practice_id in self.practices


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the recovery code opens: the same as an admin of all practices has.

    `check` binds the authority to the code, which a forger does not have.
    """

    encrypt: bytes
    check: bytes
    made: date
    tested: date | None
    grants: Mapping[str, bytes]
    authority: bytes


@dataclass(frozen=True, slots=True)
class Registry:
    """The whole document. `former` has the verifying halves of keys that users had before, by user."""

    workspace: str
    revision: int
    authority: bytes
    recovery: Recovery
    practices: Mapping[str, Practice]
    users: Mapping[str, User]
    former: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    single_user: bytes | None = None
    signature: bytes = field(default=b"", compare=False)

    def signed(self, authority: bytes) -> Registry:
        """The next revision, signed by the private half of the authority.

        Revisions grow with the time (in ms), so that one made of an old copy is newer than all before.
        """
        following = replace(self, revision=max(self.revision + 1, time.time_ns() // 1_000_000))
        return replace(following, signature=sign(authority, _canonical(following)))

    def check(self, authority: bytes) -> None:
        """PermissionDenied unless this is what the authority (its public half) signed."""
        if self.authority != authority or not is_signed(authority, self.signature, _canonical(self)):
            raise PermissionDenied(
                "The registry of users (access.json) was altered: its signature does not fit.",
                hint="Restore it from a backup, or run `claimsctl keys import-recovery --kit FILE`.",
            )


def load_registry(workspace: KeyOwner) -> Registry | None:
    """The registry, None where the workspace has none; not yet checked (`Registry.check`).

    PermissionDenied where it is no registry of this workspace.
    """
    path = workspace.access_file
    with disk_errors(path, "read"):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    return parse_registry(data, workspace.id, path)


def parse_registry(data: bytes, workspace_id: str, path: Path) -> Registry:
    """The registry that a file holds; PermissionDenied where it is damaged or another workspace's."""
    try:
        registry = _registry(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise PermissionDenied(
            f"The registry of users {path} is damaged.",
            hint="Restore it from a backup, or run `claimsctl keys import-recovery --kit FILE`.",
        ) from None
    if registry.workspace != workspace_id:
        raise PermissionDenied(f"The registry of users {path} belongs to another workspace.")
    return registry


def save_registry(workspace: KeyOwner, registry: Registry) -> None:
    """Replace the registry: complete, or as it was."""
    path = workspace.access_file
    write_private(path, registry_text(registry))
    sync_directory(path.parent)


def registry_text(registry: Registry) -> bytes:
    """What stands in the file of a registry, as `parse_registry` reads it."""
    document = _document(registry) | {"signature": registry.signature.hex()}
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


@contextmanager
def registry_lock(workspace: KeyOwner) -> Iterator[None]:
    """One process at a time decides who has which keys; others wait."""
    path = workspace.access_file.with_name("workspace.id")
    with disk_errors(path, "lock"):
        handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _canonical(registry: Registry) -> bytes:
    text = json.dumps(_document(registry), sort_keys=True, separators=(",", ":"))
    return b"claimsctl registry 1 " + text.encode()


def _document(registry: Registry) -> dict[str, Any]:
    plain = {each.name: getattr(registry, each.name) for each in fields(registry)}
    del plain["signature"]
    return {"format": FORMAT, **{name: _plain(value) for name, value in plain.items()}}


def _plain(value: Any) -> Any:
    """JSON of a dataclass: bytes as base64, dates as ISO, sets as sorted lists."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value


def _registry(document: dict[str, Any]) -> Registry:
    if document.pop("format") != FORMAT:
        raise StoreError(
            "access.json is of another version of claimsctl.", hint="Use the newer claimsctl that wrote it."
        )
    signature = bytes.fromhex(document.pop("signature"))
    found = dict(document)
    found["authority"] = _bytes(document["authority"])
    found["single_user"] = _maybe_bytes(document["single_user"])
    found["recovery"] = _recovery(document["recovery"])
    found["practices"] = {name: _practice(each) for name, each in document["practices"].items()}
    found["users"] = {name: _user(each) for name, each in document["users"].items()}
    found["former"] = {
        name: tuple(_bytes(each) for each in halves) for name, halves in document["former"].items()
    }
    if not isinstance(found["revision"], int):
        raise TypeError
    return Registry(**found, signature=signature)


def _practice(document: dict[str, Any]) -> Practice:
    generations = {
        key_id: Generation(date.fromisoformat(each["made"]), _maybe_date(each["retired"]))
        for key_id, each in document["generations"].items()
    }
    practice = Practice(**document | {"generations": generations})
    if practice.current not in generations:
        raise ValueError
    return practice


def _user(document: dict[str, Any]) -> User:
    from claimsctl.security.roles import Role

    method = document["method"]
    if document["role"] not in get_args(Role) or method["kind"] not in get_args(MethodKind):
        raise ValueError
    practices = document["practices"]
    return User(
        **document
        | {
            "practices": None if practices is None else frozenset(practices),
            "trained": _maybe_date(document["trained"]),
            "made": date.fromisoformat(document["made"]),
            "disabled": _maybe_date(document["disabled"]),
            "method": Method(cast("MethodKind", method["kind"]), dict(method["parameters"])),
            "grants": {name: _bytes(each) for name, each in document["grants"].items()},
            "authority": _maybe_bytes(document["authority"]),
        }
        | {name: _bytes(document[name]) for name in ("encrypt", "verify", "private")}
    )


def _recovery(document: dict[str, Any]) -> Recovery:
    return Recovery(
        **document
        | {
            "made": date.fromisoformat(document["made"]),
            "tested": _maybe_date(document["tested"]),
            "grants": {name: _bytes(each) for name, each in document["grants"].items()},
        }
        | {name: _bytes(document[name]) for name in ("encrypt", "check", "authority")}
    )


def _bytes(text: str) -> bytes:
    found = b64decode(text, validate=True)
    if b64encode(found).decode() != text:  # bits that no byte needs must not vary
        raise ValueError
    return found


def _maybe_bytes(text: str | None) -> bytes | None:
    return None if text is None else _bytes(text)


def _maybe_date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
