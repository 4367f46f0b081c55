"""`--from` of `process` and `preview`: from what was typed to the databases to read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from claimsctl.cli.state import State
from claimsctl.databases import named_database
from claimsctl.errors import UsageError
from claimsctl.process.fetched import FromDatabase, ask_of, nothing_new
from claimsctl.sql import watermark
from claimsctl.sql.marks import Since

if TYPE_CHECKING:
    from claimsctl.cli.run import Options
    from claimsctl.process.request import Request
    from claimsctl.settings import Settings

LAST = "last"


def from_databases(options: Options, settings: Settings) -> tuple[FromDatabase, ...]:
    """The databases that --from names; empty without it. UsageError where options do not fit together."""
    if not options.sources:
        for name in ("table", "query", "where", "since"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} goes with --from.", hint="Name a database with --from.")
        return ()
    if options.table is not None and options.query is not None:
        raise UsageError("--table and --query do not go together.", hint="Leave one of them out.")
    if len(options.sources) > 1 and (options.table is not None or options.query is not None):
        raise UsageError(
            "--table and --query go with one --from.", hint="Set table or query in [sql.<name>] of each."
        )
    return tuple(_from(name, options, settings) for name in options.sources)


def _from(name: str, options: Options, settings: Settings) -> FromDatabase:
    database = named_database(settings, name)
    if options.table is not None or options.query is not None:
        source = replace(database.source, table=options.table, query=options.query)
        database = replace(database, source=source)
    typed: Mapping[str, str | None] = {
        "from": name, "table": options.table, "query": options.query, "where": options.where,
        "since": options.since,
    }  # fmt: skip
    since = None
    if options.since is not None:
        mark = watermark.last(settings.workspace, watermark.key_of(database, options.where))
        since = Since(mark, None if options.since == LAST else options.since)
    return FromDatabase(database, options.where, since, typed)


def only_what_is_new(state: State, request: Request, settings: Settings) -> tuple[Request, bool]:
    """The request without databases in which nothing is new, and whether nothing at all is left to do; that
    is told to the user."""
    from claimsctl.sql.reading import look

    left, said = [], []
    for each in request.sources:
        if each.since is None or look(each.database, ask_of(each, request, settings.mapping)):
            left.append(each)
        else:
            said.append(f"{each.database.name}: {nothing_new(each)}")
    if left or request.inputs:
        for text in said if not state.quiet else ():
            print(f"claimsctl: {text}", file=sys.stderr)
        return replace(request, sources=tuple(left)), False
    if state.json:
        print(json.dumps({"job_id": None, "status": "NOTHING_NEW", "sources": said}, indent=2))
    elif not state.quiet:
        print("\n".join(said))
    return request, True
