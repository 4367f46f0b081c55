"""Searches by date: pages of 50, at most 500 claims, tokens that name the next page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from claimsctl.sandbox.claims import InventedClaim

PAGE: Final = 50
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Claims of one page; `token` names the next one and is empty on the last."""

    claims: Sequence[InventedClaim]
    token: str
    number: int


class Searches:
    """Searches that were begun, by the tokens of their pages."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[str, Sequence[InventedClaim], int]] = {}

    def first(self, owner: str, key: str, found: Sequence[InventedClaim]) -> Page:
        """The first page of a search; `owner` alone may ask for the others."""
        return self._page(owner, key, found, 1)

    def next(self, owner: str, token: str) -> Page | None:
        """The page of a token; None for an unknown one or another's."""
        known = self._pages.get(token)
        if known is None or known[0] != owner:
            return None
        _, found, number = known
        return self._page(owner, token.rpartition("-")[0], found, number)

    def forget(self, token: str) -> None:
        """Let a token expire."""
        self._pages.pop(token, None)

    def _page(self, owner: str, key: str, found: Sequence[InventedClaim], number: int) -> Page:
        rest = found[number * PAGE :]
        search = key if number > 1 else "page-" + hashlib.sha256(f"{owner}|{key}".encode()).hexdigest()[:12]
        token = f"{search}-{number + 1}"
        self._pages[token] = (owner, found, number + 1)
        return Page(found[(number - 1) * PAGE : number * PAGE], token if rest else "", number)

    def dangling(self, page: Page, owner: str, key: str) -> str:
        """A token that leads to an empty page, for a last page that still carries one."""
        token = f"page-{hashlib.sha256(f'{owner}|{key}|end'.encode()).hexdigest()[:12]}-{page.number + 1}"
        self._pages[token] = (owner, (), page.number + 1)
        return token
