"""Access tokens of the sandbox: issued, honoured for their life, revoked by scenarios."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CLIENT_ID: Final = "sandbox-client"
CLIENT_SECRET: Final = "sandbox-secret"
API_KEY: Final = "sandbox-api-key"


@dataclass(slots=True)
class Token:
    """One token: when it ends (seconds of the clock), its scope, and how often it was used."""

    ends: float
    scope: str
    used: int = 0
    revoked: bool = False


class Tokens:
    """All tokens of one route."""

    def __init__(self, route: str, life: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.life = life
        self._route, self._clock = route, clock
        self._tokens: dict[str, Token] = {}

    def issue(self, scope: str = "", life: float | None = None) -> tuple[str, float]:
        """A new token and its life in seconds."""
        lasts = self.life if life is None else life
        value = f"sbx-{self._route}-token-{len(self._tokens) + 1:06d}"
        self._tokens[value] = Token(self._clock() + lasts, scope)
        return value, lasts

    def known(self, authorization: str) -> Token | None:
        """The token of an Authorization header, alive or not."""
        return self._tokens.get(authorization.partition(" ")[2])

    def revoke(self, authorization: str) -> None:
        """Let a token stop working."""
        token = self.known(authorization)
        if token is not None:
            token.revoked = True

    def use(self, authorization: str) -> Token | None:
        """The token of an Authorization header; None when it is missing, unknown, too old or revoked."""
        kind, _, value = authorization.partition(" ")
        token = self._tokens.get(value)
        if kind != "Bearer" or token is None or token.revoked or self._clock() >= token.ends:
            return None
        token.used += 1
        return token
