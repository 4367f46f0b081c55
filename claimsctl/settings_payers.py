"""The tables of claimsctl.toml that say how payers are asked; a ValueError says what cannot be meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal

from claimsctl.security.credentials import check_reference


def check_references(credentials: dict[str, str]) -> None:
    """ValueError for a value that is no reference."""
    for name, value in credentials.items():
        check_reference(f"credentials.{name}", value)


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """A `[payer_route.<route>]` table: what differs from the connector of that route; None: as it says."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    environment: Literal["production", "sandbox"] | None = None
    base_url: str | None = None
    token_url: str | None = None
    requests_per_second: float | None = None
    requests_per_day: int | None = None
    concurrency: int | None = None
    timeout_seconds: float | None = None
    claim_timeout_seconds: float | None = None
    cache_minutes: float | None = None
    proxy: str | None = None
    ca_file: str | None = None
    client_certificate: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_references(self.credentials)
        for name in (
            "requests_per_second", "requests_per_day", "concurrency", "timeout_seconds",
            "claim_timeout_seconds",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0")
        if self.cache_minutes is not None and self.cache_minutes < 0:
            raise ValueError("cache_minutes must be 0 or more")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """A `[payer_account.<id>]` table: credentials that several payers share."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    credentials: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_references(self.credentials)


@dataclass(frozen=True, slots=True)
class PayerMapSettings:
    """A `[payer_map.<insurance id>]` table: which payer is meant, and how it is asked.

    `valid_from` and `valid_to` are the first and last day on which the entry is used. `ids` are the payer's
    ids by route; `payer_id` counts where a route is not among them.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    payer_id: str | None = None
    route: str | None = None
    name: str | None = None
    active: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    practice: str | None = None
    account: str | None = None
    credentials: dict[str, str] = field(default_factory=dict)
    tax_id: str | None = None
    npi: str | None = None
    provider_id: str | None = None
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_references(self.credentials)
        ordered = isinstance(self.valid_from, date) and isinstance(self.valid_to, date)
        if ordered and self.valid_from > self.valid_to:  # type: ignore[operator]
            raise ValueError("valid_from is later than valid_to")

    def in_force(self, day: date) -> bool:
        """Whether the entry is used on a day."""
        return (
            self.active
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )

    def provider(self) -> dict[str, str]:
        """Ids under which this payer knows the practice, where they differ from the practice's own."""
        given = {"tax_id": self.tax_id, "npi": self.npi, "provider_id": self.provider_id}
        return {name: value for name, value in given.items() if value}
