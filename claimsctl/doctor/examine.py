"""All checks of a workspace, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from claimsctl.doctor import databases, place, stores, surroundings
from claimsctl.doctor.check import Check, guarded
from claimsctl.errors import ClaimsctlError
from claimsctl.settings import Settings, load_settings
from claimsctl.store.workspace import Workspace


def examine(root: Path, named: Path | None, *, log_in: bool = False) -> Iterator[Check]:
    """Checks of the workspace `root`; `named` is what the user named. Nothing is made that is not there.

    `log_in` also connects to the databases of the settings.
    """
    settings: Settings | None = None
    try:
        settings = load_settings(named)
    except ClaimsctlError as error:
        yield Check("settings", "wrong", error.message, error.hint)
    workspace = None
    if not (root / "workspace.id").exists() and (root.is_dir() or not root.exists()):
        yield Check(
            "workspace", "warning", f"There is none in {root} yet.",
            "claimsctl init makes one, and so does the first run.",
        )  # fmt: skip
    else:
        try:
            workspace = Workspace.open(root, create=False)
        except ClaimsctlError as error:
            yield Check("workspace", "wrong", error.message, error.hint)
    if workspace is not None:
        file = settings.file if settings is not None else None
        for name, look in (
            ("workspace", partial(place.workspace_checks, workspace, file)),
            ("permissions", partial(place.permission_checks, workspace)),
            ("key", partial(place.key_checks, workspace)),
            ("disk", partial(place.disk_checks, workspace)),
            ("claims store", partial(stores.claims_checks, workspace)),
            ("jobs", partial(stores.jobs_checks, workspace)),
            ("audit file", partial(stores.audit_checks, workspace)),
        ):
            yield from guarded(name, look)
    if settings is not None:
        yield from guarded("rules", partial(surroundings.rules_checks, settings))
        directory = settings.workspace / "reference"
        yield from guarded("editions", partial(surroundings.edition_checks, directory))
        yield from databases.database_checks(settings, log_in=log_in)
    yield from guarded("drivers", surroundings.driver_checks)
    yield from guarded("software", surroundings.software_checks)
