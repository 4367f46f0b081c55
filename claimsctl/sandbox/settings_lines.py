"""How claimsctl is told to talk to a sandbox: lines for claimsctl.toml and for the shell."""

from __future__ import annotations

from typing import Final

from claimsctl.sandbox.box import Sandbox
from claimsctl.sandbox.tokens import API_KEY, CLIENT_ID, CLIENT_SECRET

VARIABLES: Final = {
    "client_id": ("SANDBOX_CLIENT_ID", CLIENT_ID),
    "client_secret": ("SANDBOX_CLIENT_SECRET", CLIENT_SECRET),
    "api_key": ("SANDBOX_API_KEY", API_KEY),
}


def settings_lines(box: Sandbox) -> list[str]:
    """A table `[payer_route.<route>]` for each route; credentials are named, not written."""
    lines: list[str] = []
    for route in box.payers:
        settings = box.route_settings(route)
        lines += ["", f"[payer_route.{route}]"] if lines else [f"[payer_route.{route}]"]
        lines += [
            f'{name} = "{settings[name]}"'
            for name in ("environment", "base_url", "token_url")
            if name in settings
        ]
        lines += [f'credentials.{name} = "env:{VARIABLES[name][0]}"' for name in settings["credentials"]]
    return lines


def environment_lines(box: Sandbox) -> list[str]:
    """The variables that the settings name, as a shell sets them."""
    wanted = {name for route in box.payers for name in box.route_settings(route)["credentials"]}
    return [f"export {variable}={value}" for name, (variable, value) in VARIABLES.items() if name in wanted]
