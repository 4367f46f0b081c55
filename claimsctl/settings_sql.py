"""The tables `[sql.<name>]` of claimsctl.toml, databases; a ValueError says what cannot be meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from claimsctl.security.credentials import check_reference

_PASSWORD: Final = re.compile(r"://[^:/]*:[^@]+@|[?&](password|pwd|passwd|odbc_connect)=", re.IGNORECASE)
_MOST_CLAIMS: Final = 100_000


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """A database that claims are read from (`table` or `query`) or written to.

    `tables` gives the house's table by ours, `columns` the house's column by ours, for each of our tables.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    url: str
    password: str | None = None
    schema: str | None = None
    prefix: str = "claimsctl_"
    phi: Literal["plain", "encrypt", "mask", "drop", "deidentify"] | None = None
    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    batch_claims: int = 2000
    encrypt: Literal["yes", "no", "strict"] | None = None
    trust_server_certificate: bool | None = None
    ca_file: str | None = None
    odbc_driver: str | None = None
    trusted_connection: bool = False
    table: str | None = None
    query: str | None = None
    where: str | None = None
    order_by: tuple[str, ...] = ()
    watermark: str | None = None
    write_back: str | None = None
    write_back_key: tuple[str, ...] = ()
    write_back_create: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "order_by", tuple(self.order_by))
        object.__setattr__(self, "write_back_key", tuple(self.write_back_key))
        if isinstance(self.url, str) and _PASSWORD.search(self.url):
            raise ValueError(
                "url holds a password; secrets do not belong into this file. Take it out and write "
                'password = "env:NAME", "file:PATH" or "keyring:service/user"'
            )
        if isinstance(self.url, str) and "://" not in self.url:
            raise ValueError('url should be as in "postgresql://user@host/database"')
        if self.password is not None:
            check_reference("password", self.password)
        if isinstance(self.batch_claims, int) and not 1 <= self.batch_claims <= _MOST_CLAIMS:
            raise ValueError(f"batch_claims must be from 1 to {_MOST_CLAIMS}")
