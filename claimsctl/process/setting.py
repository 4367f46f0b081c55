"""Where a run happens, and what it comes of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.process.intake import Input
from claimsctl.process.prepare import open_inputs
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    from claimsctl.settings_tables import ScoringSettings
    from claimsctl.sql.database import Database

DEFAULT_OUT = Path("claimsctl-out")


@dataclass(frozen=True)
class Setting:
    """Where a run happens: its workspace, the house's header mapping, how to tell the user something.

    `outputs` takes the directory of a job whose request names none; `begun` hears the id of the job.
    `databases` get the results too, each with its policy for patients' data settled. Accepted claims are
    scored as `scoring` says; None: not at all. `seal` names columns of a patient that the store keeps sealed.
    """

    workspace: Workspace
    mapping: Mapping[str, str] = field(default_factory=dict)
    notify: Callable[[str], None] = lambda _text: None
    progress: Progress = lambda *_: None
    outputs: Path = DEFAULT_OUT
    begun: Callable[[str], None] = lambda _job_id: None
    databases: Sequence[Database] = ()
    scoring: ScoringSettings | None = None
    seal: Sequence[str] = ()


@dataclass(frozen=True)
class Again:
    """A run that comes of an earlier job: what it is called, and how it is told of.

    `inputs` opens what is read instead of the request's files, given the request, a private directory and
    the house's header mapping. `begun` is called with the job's id when its record has been made; `told`
    are further keys of the summary.
    """

    command: str
    parent_job: str
    inputs: Callable[[Request, Path, Mapping[str, str]], list[Input]] = open_inputs
    begun: Callable[[str], None] = lambda _job_id: None
    told: Mapping[str, object] = field(default_factory=dict)
