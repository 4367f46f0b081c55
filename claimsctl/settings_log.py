"""The `[log]` table of claimsctl.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from claimsctl.security.logs import LogFormat


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where a log is kept, a file beside claimsctl.toml or by its whole path, and how; no file: no log."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    file: str | None = None
    format: LogFormat = "text"
