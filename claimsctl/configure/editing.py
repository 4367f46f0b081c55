"""claimsctl.toml changed by a command: locked, checked before it counts, comments and order kept."""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.errors import SettingsError
from claimsctl.security.files import FILE_MODE, disk_errors, private_directory, write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

LOCK = "settings.lock"


@contextmanager
def edited(file: Path) -> Iterator[TOMLDocument]:
    """The settings as a document to change in the block; written at its end where it has changed.

    One process at a time. SettingsError where the file is no TOML, or would no longer be right: it stays as
    it was then, as it does after any error in the block.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    target = file.resolve()  # behind a symbolic link the file itself is replaced, not the link
    private_directory(file.parent)
    with _locked(file.parent / LOCK):
        text = _text(target)
        try:
            document = tomlkit.parse(text)
        except TOMLKitError as error:
            raise SettingsError(f"{file} is not TOML: {error}.", hint="Mend it first.") from None
        yield document
        changed = tomlkit.dumps(document)
        if changed == text:
            return
        from claimsctl.settings_check import checked_settings

        checked_settings(tomllib.loads(changed), {}, file.parent, file)
        write_private(target, changed.encode())


def set_table(document: TOMLDocument, section: str, name: str, values: Mapping[str, Any]) -> None:
    """Set keys of `[section.<name>]`, which is made where it is not there; a key of value None goes.

    Keys that the values do not name stay as they are, with their comments.
    """
    import tomlkit

    tables = document.get(section)
    if tables is None:
        tables = tomlkit.table(is_super_table=True)
        document[section] = tables
    table = tables.get(name)
    if table is None:
        table = tomlkit.table()
        tables[name] = table
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        elif isinstance(value, Mapping):
            inline = tomlkit.inline_table()
            inline.update(value)
            table[key] = inline
        else:
            table[key] = value


def remove_table(document: TOMLDocument, section: str, name: str) -> None:
    """Take `[section.<name>]` out; nothing where it is not there."""
    tables = document.get(section)
    if tables is not None:
        tables.pop(name, None)
        if not tables:
            document.pop(section, None)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with disk_errors(path, "lock the settings with"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"Cannot read {file}: {error.strerror}.", hint="Check who may read it.") from None
