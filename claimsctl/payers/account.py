"""Whose access a route is asked with, and what the user set differently for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Account:
    """One access to one route. None leaves what the connector says.

    `credentials` are resolved secrets by the names the connector asks for (client_id, client_secret,
    api_key ...); they stand in no message, log or representation. `settings` are values that connectors
    offer to be set (scope, submitter_id ...). `client_certificate` is a PEM file with its key.
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Literal["production", "sandbox"] = "production"
    settings: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    token_url: str | None = None
    requests_per_second: float | None = None
    requests_per_day: int | None = None
    concurrency: int | None = None
    timeout_seconds: float | None = None
    claim_timeout_seconds: float | None = None
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_certificate: Path | None = None
