"""A connector together with an account: addresses, limits and permission as they hold for one run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from claimsctl.errors import SettingsError
from claimsctl.payers.account import Account
from claimsctl.payers.connector import Connector, Environment, Limits
from claimsctl.payers.inputs import rendered
from claimsctl.payers.template import Format, MissingInput, placeholders


class Access:
    """What the connector says, with what the user set in its place. Raises SettingsError where that lacks."""

    def __init__(self, connector: Connector, account: Account, today: date) -> None:
        self.connector, self.account, self.route = connector, account, connector.name
        self.environment = self._environment()
        self.base_url = (account.base_url or self._address("base_url")).rstrip("/")
        self.token_url: str | None = None
        if connector.auth.kind == "client_credentials":
            self.token_url = account.token_url or self._address("token_url")
        self.limits = self._limits()
        self.form = Format(connector.formats.send_date, connector.formats.forbidden, today)
        self.context: dict[str, Any] = {"credentials": account.credentials, "settings": self._settings()}
        self._check_credentials()
        self.headers: Mapping[str, str] = {**connector.headers, **self.environment.headers}

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self.base_url}/{path.lstrip('/')}"

    def auth_headers(self, token: str) -> dict[str, str]:
        """The header that permits a request."""
        auth = self.connector.auth
        if auth.kind == "none":
            return {}
        return rendered({auth.header: auth.value}, {**self.context, "token": {"value": token}}, self.form)

    def _environment(self) -> Environment:
        name = self.account.environment
        environment = self.connector.environments.get(name)
        if environment is None:
            raise SettingsError(f"[payer_route.{self.route}] environment: the connector has no {name!r}.")
        return environment

    def _address(self, name: str) -> str:
        value = getattr(self.environment, name)
        if not value:
            raise SettingsError(
                f"[payer_route.{self.route}] {name} is not set.",
                hint=f"The payer does not publish it for {self.account.environment}; ask for it and set it.",
            )
        return str(value)

    def _limits(self) -> Limits:
        account = self.account
        names = (
            "requests_per_second", "requests_per_day", "concurrency", "timeout_seconds",
            "claim_timeout_seconds",
        )  # fmt: skip
        own = {name: getattr(account, name) for name in names if getattr(account, name) is not None}
        return self.connector.limits.model_copy(update=own)

    def _settings(self) -> dict[str, str]:
        options = self.connector.settings
        chosen = {name: option.default for name, option in options.items()}
        chosen |= self.environment.settings
        for name, value in self.account.settings.items():
            where = f"[payer_route.{self.route}] settings.{name}"
            if name not in options:
                known = ", ".join(sorted(options)) or "none"
                raise SettingsError(f"{where}: this route has no such setting; it has {known}.")
            choices = options[name].choices
            if choices and value not in choices:
                raise SettingsError(f"{where}: must be one of {', '.join(choices)}.")
            chosen[name] = value
        return {name: value for name, value in chosen.items() if value}

    def _check_credentials(self) -> None:
        auth = self.connector.auth
        needed = [*auth.fields.values(), *([auth.value] if auth.kind != "none" else [])]
        for text in needed:
            try:
                rendered({"": text}, {**self.context, "token": {"value": "x"}}, self.form)
            except MissingInput as missing:
                name = missing.names[0].partition(".")[2]
                raise SettingsError(
                    f"[payer_route.{self.route}] credentials.{name} is not set.",
                    hint=f'Add credentials.{name} = "env:NAME", "file:PATH" or "keyring:SERVICE/USER".',
                ) from None

    @staticmethod
    def needed_credentials(connector: Connector) -> tuple[str, ...]:
        """Names of the credentials a connector asks for."""
        texts = [*connector.auth.fields.values(), connector.auth.value]
        found = (source for text in texts for part in placeholders(text) for source in part.sources)
        return tuple(dict.fromkeys(s.partition(".")[2] for s in found if s.startswith("credentials.")))
