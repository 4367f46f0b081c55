"""The database that a name of the settings or a URL of the command line means, with its password."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.errors import SettingsError, UsageError
from claimsctl.security.credentials import secret
from claimsctl.sql.database import PASSWORD_VARIABLE, Database, HouseTable, Source, is_url, name_of, parse_url

if TYPE_CHECKING:
    from claimsctl.settings import Settings
    from claimsctl.settings_sql import SqlSettings


def named_database(
    settings: Settings, text: str, *, env: Mapping[str, str] | None = None, secrets: bool = True
) -> Database:
    """The database of `[sql.<text>]`, or of a URL, with the secret that its reference names.

    Without `secrets` no secret is looked for.

    SettingsError for a table there is not, or a secret that is not where settings say; UsageError for a
    URL that cannot be meant or holds a password.
    """
    if is_url(text):
        url = parse_url(text)
        password = (os.environ if env is None else env).get(PASSWORD_VARIABLE) if secrets else None
        return Database(name_of(url), url, password=password or None, given=text)
    if text not in settings.sql:
        raise _unknown(settings, text)
    said = settings.sql[text]
    password = None
    if said.password is not None and secrets:
        password = secret(f"[sql.{text}] password", said.password, settings.workspace)
    return database_of(text, said, settings.workspace, password)


def database_of(name: str, said: SqlSettings, workspace: Path, password: str | None = None) -> Database:
    """The database that a settings table describes; its paths are beside claimsctl.toml."""
    try:
        url = parse_url(said.url, base=workspace, said=f"[sql.{name}] url")
    except UsageError as error:
        raise SettingsError(error.message, hint=error.hint) from None
    if said.table is not None and said.query is not None:
        raise SettingsError(f"[sql.{name}] has both table and query.", hint="Take one of them out.")
    ours = (*said.tables, *(table for table in said.columns if table not in said.tables))
    return Database(
        name,
        url,
        password=password,
        schema=said.schema,
        prefix=said.prefix,
        phi=said.phi,
        tables={
            table: HouseTable(said.tables.get(table, f"{said.prefix}{table}"), said.columns.get(table, {}))
            for table in ours
        },
        batch_claims=said.batch_claims,
        encrypt=said.encrypt,
        trust_server_certificate=said.trust_server_certificate,
        ca_file=workspace / Path(said.ca_file).expanduser() if said.ca_file is not None else None,
        odbc_driver=said.odbc_driver,
        trusted_connection=said.trusted_connection,
        source=Source(
            said.table, said.query, said.where, said.order_by, said.watermark, said.write_back,
            said.write_back_key, said.write_back_create,
        ),
        given=name,
    )  # fmt: skip


def _unknown(settings: Settings, text: str) -> UsageError:
    from claimsctl.settings import SETTINGS_FILE, meant

    file = settings.file or SETTINGS_FILE
    known = f"It has {', '.join(sorted(settings.sql))}." if settings.sql else "Add that table to it."
    return SettingsError(
        f"There is no [sql.{text}] in {file}.",
        hint=meant(text, settings.sql) or f"{known} A URL works too: postgresql://user@host/database.",
    )
