"""What a connector file may say: one payer route as data.

Paths into replies are JMESPath; a list of them means the first that finds something. Inputs are texts with
placeholders (claimsctl.payers.template).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from claimsctl.payers.inquiry import Status

Means = Literal[
    "ok", "input", "auth", "not_found", "retry", "later", "restart", "split", "widen", "poll", "error"
]
"""What a reply means: a fault of the question; not permitted; nothing found; try again now; try again some
other time; the search or token it belongs to is gone; the date window is too wide or too full; the claim
has other dates; ask again for the same result; or an error of any other kind."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Inputs = dict[str, Any]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Environment(_Table):
    """Addresses and what differs between production and the payer's sandbox.

    `reply_headers` must stand in every reply, `foreign_headers` in none: invented answers of a sandbox are
    never taken for real ones.
    """

    base_url: str | None = None
    token_url: str | None = None
    headers: dict[str, str] = {}
    token_headers: dict[str, str] = {}
    settings: dict[str, str] = {}
    reply_headers: dict[str, str] = {}
    foreign_headers: tuple[str, ...] = ()


class Auth(_Table):
    """How a request is permitted: a token for client credentials, a fixed key, or nothing.

    `token` and `lifetime` are where the token's reply says what; `lifetime_seconds` counts without them.
    """

    kind: Literal["client_credentials", "key", "none"]
    body: Literal["form", "json"] = "form"
    fields: dict[str, str] = {}
    token: Paths = ("access_token",)
    lifetime: Paths = ("expires_in",)
    lifetime_seconds: float = Field(default=3600, gt=0)
    header: str = "Authorization"
    value: str = "Bearer ${token.value}"


class Breaker(_Table):
    """After `failures` in a row nothing is sent for `pause_seconds` (doubled each time); `openings` of
    these without any success end the questions to this payer."""

    failures: int = Field(default=12, ge=1)
    pause_seconds: float = Field(default=10, gt=0)
    openings: int = Field(default=3, ge=1)


class Limits(_Table):
    """What the payer allows and how long we wait; `max_wait_seconds` bounds what Retry-After may ask."""

    requests_per_second: float = Field(default=5, gt=0)
    requests_per_day: int | None = Field(default=None, ge=1)
    concurrency: int = Field(default=5, ge=1)
    timeout_seconds: float = Field(default=30, gt=0)
    claim_timeout_seconds: float = Field(default=180, gt=0)
    attempts: int = Field(default=4, ge=1)
    backoff_seconds: float = Field(default=1, gt=0)
    max_backoff_seconds: float = Field(default=30, gt=0)
    max_wait_seconds: float = Field(default=120, gt=0)
    max_reply_bytes: int = Field(default=8_000_000, ge=1000)
    cache_minutes: int = Field(default=15, ge=0)
    breaker: Breaker = Breaker()


class Formats(_Table):
    """Dates as `strptime` writes them (one to send, several to read); characters the payer refuses."""

    send_date: str
    read_dates: Paths
    forbidden: str = ""


class Option(_Table):
    """A setting the user may change for this route."""

    about: str
    default: str = ""
    choices: tuple[str, ...] = ()


class ErrorCode(_Table):
    """What one error code of the payer means, in our words."""

    means: Means
    text: str


class Errors(_Table):
    """Where replies tell of errors, and what codes (patterns as of file names) and HTTP statuses mean."""

    code: Paths = ()
    field: Paths = ()
    trace: Paths = ()
    trace_headers: tuple[str, ...] = ()
    codes: dict[str, ErrorCode] = {}
    http: dict[str, Means] = {}


class State(_Table):
    """A field of a good reply that says how far the payer is; without the field the reply is taken as read.

    Unknown values mean `poll` while HTTP is 202, else an error. `flags` mark the claims of such a reply.
    """

    code: Paths
    codes: dict[str, ErrorCode] = {}
    flags: dict[str, str] = {}


class Reply(_Table):
    """Where a reply holds what; `required` must be there, or the reply is not the one we know.

    `root` leads to the list of claims (an object is a list of one). In each of them: `fields` are single
    values, `statuses`, `lines` and `adjustments` lists of objects, `raw` every code as it came. `outputs`
    are for later steps, from the whole reply.
    """

    required: Paths = ()
    root: Paths = ()
    fields: dict[str, Paths] = {}
    statuses: Paths = ()
    lines: Paths = ()
    adjustments: Paths = ()
    raw: dict[str, Paths] = {}
    outputs: dict[str, Paths] = {}
    state: State | None = None


class Paging(_Table):
    """Further pages: where the token is; inputs that the following requests leave away."""

    token: Paths
    more: Paths = ()
    omit: tuple[str, ...] = ()
    max_pages: int = Field(default=40, ge=1)


class Poll(_Table):
    """Ask again for a result: every so many seconds, no longer than the budget."""

    id: Paths
    path: str
    every_seconds: float = Field(default=2, gt=0)
    budget_seconds: float = Field(default=60, gt=0)
    headers: dict[str, str] = {}
    http: dict[str, Means] = {}


class Step(_Table):
    """One request. `find` steps are tried in order until one finds the claim; `enrich` steps run for each
    claim found. `repeatable` says that asking twice does no harm."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["find", "enrich"] = "find"
    method: Literal["GET", "POST"]
    path: str
    when: str | None = None
    headers: dict[str, str] = {}
    form: dict[str, str] = {}
    body: Inputs = Field(default={}, alias="json")
    repeatable: bool = False
    on_error: Literal["continue", "stop"] = "stop"
    timeout_seconds: float | None = Field(default=None, gt=0)
    widen_days: int = Field(default=30, ge=0)
    http: dict[str, Means] = {}
    reply: Reply = Reply()
    paging: Paging | None = None
    poll: Poll | None = None


class Group(_Table):
    """Many claims by one search: `step` is asked for a date window, claims are matched here.

    `by` names what all claims of a search share, `date` the claim's date. `match` lists ways to recognise a
    claim, the surest first: claim column = field of the reply.
    """

    step: str
    by: tuple[str, ...]
    date: str = "service_date_from"
    last_date: str = "service_date_to"
    window_days: int = Field(default=30, ge=1)
    max_age_days: int = Field(default=730, ge=1)
    at_least: int = Field(default=4, ge=2)
    most_claims: int = Field(default=500, ge=1)
    match: tuple[dict[str, str], ...]


class Example(_Table):
    """A reply of one step and what is to be read from it; run by `payers check`."""

    name: str
    step: str
    status: int = 200
    reply: str
    means: Means = "ok"
    code: str | None = None
    matches: tuple[dict[str, Any], ...] = ()


class Transaction(_Table):
    """Ordered steps that answer one kind of question."""

    about: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)
    group: Group | None = None
    examples: tuple[Example, ...] = ()

    def step(self, name: str) -> Step:
        """The step of a name; KeyError without one."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


class Connector(_Table):
    """One payer route. `payer_ids` are those it takes, empty for any; `redact` names inputs never shown."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    about: str = ""
    source: str = ""
    payer_ids: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    environments: dict[Literal["production", "sandbox"], Environment]
    auth: Auth
    headers: dict[str, str] = {}
    limits: Limits = Limits()
    formats: Formats
    settings: dict[str, Option] = {}
    errors: Errors = Errors()
    status_words: dict[str, Status] = {}
    transactions: dict[Literal["CLAIM_STATUS"], Transaction]
    origin: str = ""

    @property
    def claim_status(self) -> Transaction:
        """The steps of CLAIM_STATUS."""
        return self.transactions["CLAIM_STATUS"]
