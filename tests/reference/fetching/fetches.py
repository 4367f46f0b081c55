"""An order that goes well, and what is left behind when one does not."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from claimsctl.reference.download import FetchError
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import DOWNLOADS, Fetched, fetch
from claimsctl.reference.publishers import (
    Order,
    Places,
    find,
    order,
)
from tests.publisher import (
    MUE_ZIP,
    PublisherServer,
)

TODAY = date(2026, 6, 30)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def mue(server: PublisherServer, edition: str = "2026Q2") -> Order:
    return order(find("mue"), edition, TODAY, Places({}, server.base))


def downloads(store: EditionStore) -> set[str]:
    return {path.name for path in (store.root / DOWNLOADS).iterdir()} - {"lock"}


def check_whole(fetched: Fetched, data: bytes, store: EditionStore) -> None:
    (file,) = fetched.files
    assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    (edition,) = store.editions("mue")
    assert (edition.name, edition.rows) == ("2026Q2", 14_000)
    assert (edition.origin.file, edition.origin.sha256) == (MUE_ZIP, file.sha256)
    assert list(store.verify()) == [(edition, None)]
    assert downloads(store) == set()


def failure(
    server: PublisherServer, store: EditionStore, spool: Path, wanted: Order | None = None
) -> FetchError:
    """The error of a fetch that stores nothing and says what to do by hand."""
    with pytest.raises(FetchError) as caught:
        fetch(wanted or mue(server), store, spool)
    assert caught.value.exit_code == 4
    assert store.tables() == []
    return caught.value
