"""What `reference fetch` does and prints."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from textwrap import fill
from typing import TextIO

from claimsctl.cli.progress import Progress
from claimsctl.cli.references import record_edition
from claimsctl.cli.run import console, notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import Screen
from claimsctl.cli.state import State
from claimsctl.errors import Interrupted, UsageError
from claimsctl.reference.addresses import file_name, shown
from claimsctl.reference.editions import EditionStore
from claimsctl.reference.fetching import Fetched, fetch, loaded_already
from claimsctl.reference.publishers import (
    Order,
    Places,
    Publisher,
    check_sources,
    find,
    listed,
    order,
)
from claimsctl.reference.terms import Terms, accept, accepted_at
from claimsctl.settings import Settings


def fetch_table(
    state: State,
    table: str,
    edition: str | None,
    *,
    accept_terms: bool,
    sha256: Sequence[str],
    keep: bool,
    replaced: bool,
) -> None:
    """Download one edition and load it; what was loaded before is fetched again only with --replace."""
    stop_on_signals()
    settings, workspace = open_workspace(state)
    store = EditionStore(workspace.reference_directory)
    publisher = find(table)
    wanted = order(publisher, edition, date.today(), _places(settings))
    if sha256:
        wanted = replace(wanted, sha256=tuple(_checksum(text) for text in sha256))
    there = loaded_already(wanted, store)
    if there is not None and not replaced:
        _tell_loaded(state, wanted, there.origin.file, there.name)
        return
    if publisher.terms is not None:
        _settle_terms(state, publisher, publisher.terms, store, accept_terms=accept_terms)
    tell = notifier(state)
    tell(f"fetching {table} {wanted.edition} from {shown(wanted.files[0][0])}")
    names = [file_name(urls[0]) for urls in wanted.files]
    watch = DownloadProgress(names, quiet=state.quiet or state.json, verbose=state.verbose)
    try:
        with workspace.scratch() as spool, watch:
            done = fetch(wanted, store, spool, replace=replaced, keep=keep, watch=watch.received)
    except KeyboardInterrupt:
        raise Interrupted(
            "Stopped.",
            hint="What arrived is kept: the same command goes on from there.",
        ) from None
    if done.edition is not None:
        record_edition(workspace, "reference fetch", done.release)
    _tell_fetched(state, done)


def _places(settings: Settings) -> Places:
    own = settings.reference
    check_sources(own.sources)
    return Places(own.sources, os.environ.get("CLAIMSCTL_REFERENCE_BASE") or own.base)


def _checksum(text: str) -> str:
    digest = text.strip().lower().removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise UsageError(f"--sha256 {text} is no sha256.", hint="It has 64 digits of 0-9 and a-f.")
    return digest


def _settle_terms(
    state: State, publisher: Publisher, terms: Terms, store: EditionStore, *, accept_terms: bool
) -> None:
    """Have the terms accepted, once for each version of them; --yes is no answer to a licence."""
    if accepted_at(store.root, terms) is not None:
        return
    if not accept_terms:
        import typer

        typer.echo(f"{terms.title}\n\n{fill(terms.summary, 78)}\n\n{terms.url}\n", err=True)
        asks = not state.json and sys.stdin.isatty() and sys.stderr.isatty()
        if not asks or not typer.confirm("Do you accept these terms?", default=False, err=True):
            raise UsageError(
                f"{publisher.table} was not fetched: its terms are not accepted.",
                hint=f"If you accept them: claimsctl reference fetch {publisher.table} --accept-terms",
            )
    accept(store.root, terms)


def _tell_loaded(state: State, wanted: Order, file: str, edition: str) -> None:
    table = wanted.publisher.table
    if state.json:
        print(json.dumps({"table": table, "edition": edition, "loaded": False, "origin": file}, indent=2))
        return
    line = f"{table} {edition}: loaded already, from {file}; --replace fetches it again"
    Screen(console(state)).line(line)


def _tell_fetched(state: State, done: Fetched) -> None:
    release = done.release
    if state.json:
        told = {
            "table": release.table, "edition": release.edition, "rows": release.frame.height,
            "valid_from": release.valid_from, "valid_to": release.valid_to,
            "loaded": done.edition is not None, "notes": list(release.notes),
            "files": [asdict(each) for each in done.files],
        }  # fmt: skip
        print(json.dumps(told, indent=2, default=str))
        return
    screen = Screen(console(state))
    name = f"{release.table} {release.edition}"
    if done.edition is None:
        screen.line(f"{name}: this file is loaded already")
    else:
        dates = f"service dates {release.valid_from or 'ever'} to {release.valid_to or 'the next edition'}"
        screen.line(f"{name}: {release.frame.height:,} rows, {dates}")
    for note in release.notes:
        screen.wrapped(note, 2)
    for each in done.files:
        screen.line(f"{each.name}: {megabytes(each.bytes)}, sha256 {each.sha256}", indent=2)
        if each.kept:
            screen.line(f"kept as {each.kept}", indent=4)


def print_publishers(state: State, only: str | None) -> None:
    """What can be fetched: the current edition, its addresses and terms; and why the rest cannot."""
    settings, workspace = open_workspace(state)
    store = EditionStore(workspace.reference_directory)
    if only is not None:
        find(only)
    entries: list[dict[str, object]] = []
    for publisher, wanted, why in listed(date.today(), _places(settings)):
        if only not in (None, publisher.table):
            continue
        terms = publisher.terms
        at = accepted_at(store.root, terms) if terms else None
        loaded = loaded_already(wanted, store) if wanted else None
        entries.append(
            {
                "table": publisher.table,
                "title": publisher.title,
                "publisher": publisher.publisher,
                "edition": publisher.current(date.today()),
                "loaded": loaded.name if loaded else None,
                "urls": [shown(urls[0]) for urls in wanted.files] if wanted else [],
                "page": publisher.page,
                "licence": publisher.licence,
                "terms": {"title": terms.title, "url": terms.url, "accepted_at": at and at.isoformat()}
                if terms
                else None,
                "why_not": why,
            }
        )
    if state.json:
        print(json.dumps({"tables": entries}, indent=2))
        return
    screen = Screen(console(state))
    for entry in entries:
        _print_publisher(screen, entry)


def _print_publisher(screen: Screen, entry: dict[str, object]) -> None:
    there = " (loaded)" if entry["loaded"] else ""
    screen.line(f"{entry['table']}  {entry['edition'] or ''}{there}".rstrip(), "bold")
    screen.wrapped(f"{entry['title']}. {entry['publisher']}; {entry['licence']}.", 2)
    terms, urls = entry["terms"], entry["urls"]
    assert isinstance(urls, list)
    if isinstance(terms, dict):
        when = f"accepted {terms['accepted_at'][:10]}" if terms["accepted_at"] else "to be accepted"
        screen.wrapped(f"Terms: {terms['title']} ({when})", 2)
    for url in urls:
        screen.line(url, indent=2)
    if entry["why_not"]:
        screen.wrapped(str(entry["why_not"]), 2)
        screen.line(str(entry["page"]), indent=2)


class DownloadProgress(Progress):
    """Bytes, speed and time left of the files that are downloaded one after the other."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        quiet: bool = False,
        verbose: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        stages = {name: 1 / len(names) for name in names}
        super().__init__(quiet=quiet, verbose=verbose, stages=stages, stream=stream, clock=clock)
        self._name = ""
        self._had, self._done, self._total = 0, 0, 0

    def received(self, name: str, done: int, total: int) -> None:
        """Tell how many bytes of a file are there, of how many (0: unknown)."""
        if name != self._name or done < self._done:  # another file, or the same from its beginning
            self._name, self._had, self._stage = name, done, ""
        self._done, self._total = done, total
        self(name, done, total, done)

    def _speed(self, rows: int, now: float) -> str:
        of = f" of {megabytes(self._total)}" if self._total else ""
        return f"{megabytes(self._done)}{of}, {megabytes(round(self._rate(now)))}/s"

    def _left(self, now: float) -> str:
        rate = self._rate(now)
        if not rate or not self._total or now - self._stage_begun < 1:  # too early to tell
            return ""
        minutes, seconds = divmod(round((self._total - self._done) / rate), 60)
        return f"about {minutes} min {seconds:02d} s left" if minutes else f"about {seconds} s left"

    def _rate(self, now: float) -> float:
        """Bytes a second, without what an earlier run had received."""
        spent = now - self._stage_begun
        return (self._done - self._had) / spent if spent > 0 else 0.0


def megabytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e6:,.1f} MB"
