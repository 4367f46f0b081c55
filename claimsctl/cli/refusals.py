"""What the audit file is told when a command ends: a refusal that nothing else has recorded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from claimsctl.errors import ClaimsctlError, PermissionDenied


def settle_audit(error: BaseException | None, command: Sequence[str], workspace: Path | None) -> None:
    """Record a refusal in the workspace, where there is one; what a command is done for ends with it."""
    if isinstance(error, PermissionDenied) and not error.recorded:
        with suppress(ClaimsctlError, OSError):  # it is refused all the same
            _record(error, " ".join(command), workspace)
    if "claimsctl.security.audit" in sys.modules:  # else there was nothing to record
        from claimsctl.security import audit
        from claimsctl.settings_security import SecuritySettings

        audit.follow(SecuritySettings())


def _record(error: PermissionDenied, command: str, named: Path | None) -> None:
    from claimsctl.security import audit
    from claimsctl.settings import find_workspace
    from claimsctl.store.workspace import Workspace

    place = find_workspace(named)
    if (place / "workspace.id").exists():
        audit.refused(Workspace.open(place), error, command=command, why=type(error).__name__)
