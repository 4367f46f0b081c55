"""Everything that can go wrong, in one tree.

ClaimsctlError
├── UsageError            2   wrong command, option or value
│   ├── SettingsError     2   claimsctl.toml or an environment variable
│   ├── DriverMissing     2   a database needs a package or driver that is not installed
│   ├── RuleError         2   a rule pack: file, rule, column and caret
│   └── MappingError      2   headers that map to one column twice, unknown columns in --map
├── InputError            3   input unreadable, gone, or not claims
├── OutsideError          4   something outside failed; running again may help
│   ├── ConnectError      4   a database cannot be reached, or its server refuses to serve
│   ├── LoadError         4   a database does not take rows, or a server went away for good
│   ├── OutputError       4   output place: disk full, not writable
│   └── StoreError        4   workspace database busy or damaged
│       └── StoreBusy     4   another process holds it
├── PermissionDenied      5   not permitted, or a key is missing
│   └── LoginRefused      5   a database knows neither user nor password, or lets them not in
├── InternalError        70   a defect of claimsctl
└── Interrupted         130   stopped by the user; state is saved
"""

from __future__ import annotations


class ClaimsctlError(Exception):
    """Base of every error claimsctl raises on purpose; `exit_code` is the process exit status.

    The message is one line: what happened, where, and what to do. It never holds a cell value of a
    PHI column.
    """

    exit_code: int = 70
    retryable: bool = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message} {hint}")
        self.message = message
        self.hint = hint


class UsageError(ClaimsctlError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class SettingsError(UsageError):
    """A settings file or environment variable cannot be used."""


class DriverMissing(UsageError):
    """A package or a driver for a kind of database is not installed; the hint says how to install it."""


class RuleError(UsageError):
    """A rule or rule pack cannot be used; names file, rule and position, never blames the data."""


class MappingError(UsageError):
    """Input headers cannot be mapped to canonical columns without a decision of the user."""


class InputError(ClaimsctlError):
    """An input cannot be read, has gone, or does not hold claims."""

    exit_code = 3


class OutsideError(ClaimsctlError):
    """Something outside claimsctl failed; running again may help."""

    exit_code = 4
    retryable = True


class ConnectError(OutsideError):
    """A database cannot be reached; names place and user, never the password."""


class LoadError(OutsideError):
    """A database does not take rows; names table and column where it tells them, never a value."""


class OutputError(OutsideError):
    """Results cannot be written where they were asked for."""


class StoreError(OutsideError):
    """The workspace store is busy, damaged or of a newer version."""


class StoreBusy(StoreError):
    """Another process holds the store, and went on holding it."""


class PermissionDenied(ClaimsctlError):
    """The user may not do this, or the key for it is missing.

    `recorded` says that the audit file tells of it already.
    """

    exit_code = 5
    recorded = False


class LoginRefused(PermissionDenied):
    """A database refuses the user, its password, or its right to enter."""


class InternalError(ClaimsctlError):
    """A defect of claimsctl itself."""

    exit_code = 70


class Interrupted(ClaimsctlError):
    """Stopped by the user; the message says what was kept and how to go on."""

    exit_code = 130


def was_stopped(error: BaseException) -> bool:
    """Whether the user stopped the work: the error is the stop, or an internal one that came of it.

    A signal may arrive at any line, also where clean-up counts on what the next line would have done.
    """
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, KeyboardInterrupt | Interrupted):
            return True
        each = None if isinstance(each, ClaimsctlError | OSError) else each.__context__
    return False
