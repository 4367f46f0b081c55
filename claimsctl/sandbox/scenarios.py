"""Every fault that the sandbox can play, as one list.

Each stands for something that users of these interfaces complain about. `value` says what the number
after the name means: `error-500=3` is three times, `slow=5` five seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ROUTES: Final = ("uhc", "optum-real", "availity", "optum-network", "stedi")
Where = Literal["token", "data"]
Value = Literal["times", "seconds", "polls", "calls", "claims", "days", "share", "every", "megabytes", ""]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault: where it happens, what it does, what its number means.

    `steps` names the steps of the contracts it is confined to; empty is every step that asks for data.
    `times` is how often one question meets it before it passes; None is always. `chance` marks those that
    `chaos` may draw.
    """

    name: str
    group: str
    about: str
    routes: tuple[str, ...] = ROUTES
    value: Value = ""
    default: float = 0
    times: int | None = None
    where: Where = "data"
    steps: frozenset[str] = frozenset()
    chance: bool = False


_WITH_TOKENS: Final = ROUTES[:4]
_PAGED: Final = ROUTES[:2]
_X12: Final = ROUTES[2:]
_NETWORKS: Final = ROUTES[3:]
_INQUIRY: Final = frozenset(("summary", "member", "number", "inquiry"))
_SEARCH: Final = frozenset(("summary", "member", "inquiry"))
_POLL: Final = frozenset(("poll",))
_DETAIL: Final = frozenset(("detail",))
_PAYMENT: Final = frozenset(("payment",))


# fmt: off
# One scenario is one call in few lines: the list is read as a table.
def _tokens() -> list[Scenario]:
    group = "tokens"
    return [
        Scenario("token-short", group, "Tokens live this many seconds.", _WITH_TOKENS, "seconds", 5,
                 where="token"),
        Scenario("token-revoked", group, "A token stops working after so many calls.", _WITH_TOKENS, "calls",
                 3),
        Scenario("token-dies", group, "The call is answered 401 and its token is gone.", _WITH_TOKENS,
                 "times", 1, chance=True),
        Scenario("token-error", group, "The token address answers 503.", _WITH_TOKENS, "times", 1,
                 where="token", chance=True),
        Scenario("token-refused", group, "The credentials are refused: 401 invalid_client.", _WITH_TOKENS,
                 where="token"),
        Scenario("scope-refused", group, "The scope is refused: 400 unauthorized_client.", _WITH_TOKENS,
                 where="token"),
        Scenario("unauthorized", group, "401 for good, whatever the token; with @TIN for one tax id."),
        Scenario("forbidden", group, "403 for good: not entitled; with @TIN for one tax id."),
    ]


def _limits() -> list[Scenario]:
    group = "limits"
    return [
        Scenario("throttle", group, "429 without Retry-After.", value="times", default=2, chance=True),
        Scenario("throttle-seconds", group, "429 twice, with Retry-After in seconds.", value="seconds",
                 default=1, times=2, chance=True),
        Scenario("throttle-date", group, "429 once, with Retry-After as an HTTP date.", value="seconds",
                 default=2, times=1, chance=True),
        Scenario("throttle-midnight", group, "429 with Retry-After until midnight UTC."),
        Scenario("daily-cap", group, "After so many calls, 429 without Retry-After for the rest of the day.",
                 value="calls", default=10),
    ]


def _misses() -> list[Scenario]:
    group = "not found"
    return [
        Scenario("not-found-404", group, "A miss is a 404.", steps=_INQUIRY),
        Scenario("not-found-d0", group, "A miss is 200 with category D0.", _X12),
        Scenario("not-found-empty", group, "A miss is 200 with no claims."),
        Scenario("not-found-errors", group, "A miss is 200 with errors in it.", steps=_INQUIRY),
    ]


def _pages() -> list[Scenario]:
    group = "pages"
    return [
        Scenario("page-two", group, "Searches by date find so many other claims (per 30 days) first.", _PAGED,
                 "claims", 60, steps=_SEARCH),
        Scenario("over-500", group, "So many other claims per 30 days, over what one search may find.",
                 ("uhc",), "claims", 510, steps=_SEARCH),
        Scenario("page-token-expired", group, "The token of the next page has expired.", _PAGED, "times", 1,
                 steps=_SEARCH),
        Scenario("page-token-repeated", group, "Every page names the same next page.", _PAGED, steps=_SEARCH),
        Scenario("page-token-dangling", group,
                 "The last page still carries a token; it leads to an empty one.", _PAGED, steps=_SEARCH),
        Scenario("partial", group, "Windows longer than so many days: not all claims could be retrieved.",
                 _PAGED, "days", 15, steps=_SEARCH),
    ]


def _polls() -> list[Scenario]:
    group, route = "polling", ("availity",)
    return [
        Scenario("polling", group, "202 for so many polls.", route, "polls", 3, steps=_POLL),
        Scenario("polling-endless", group, "202 for ever.", route, steps=_POLL),
        Scenario("payer-retrying", group, "202 with code R1 for so many polls.", route, "polls", 2,
                 steps=_POLL),
        Scenario("payer-maintenance", group, "Transaction code 15: the payer is under maintenance.", route,
                 steps=_POLL),
        Scenario("payer-silent", group, "Transaction code 7: the payer did not respond.", route, steps=_POLL),
        Scenario("payer-invalid", group, "Transaction code 13: invalid payer response.", route, "times", 1,
                 steps=_POLL),
        Scenario("partly-invalid", group, "Transaction code 3: complete, partly invalid.", route,
                 steps=_POLL),
        Scenario("payer-validation", group, "Transaction code 19: the payer refuses the input.", route,
                 steps=_POLL),
        Scenario("poll-expired", group, "404: the id of the transaction has expired.", route, "times", 1,
                 steps=_POLL),
        Scenario("payer-timeout", group, "504 while polling: the id stays good.", route, "times", 1,
                 steps=_POLL, chance=True),
        Scenario("cached", group, "The post is answered 200, already complete.", route,
                 steps=frozenset(("inquiry",))),
    ]


def _windows() -> list[Scenario]:
    group = "dates"
    return [
        Scenario("date-refused", group, "The date format is refused.", steps=_SEARCH),
        Scenario("too-old", group, "The service dates are too far back.", steps=_SEARCH),
        Scenario("window-refused", group, "Windows longer than so many days are refused.", _PAGED, "days", 15,
                 steps=_SEARCH),
        Scenario("service-date-differs", group, "Windows shorter than so many days: found, the date differs.",
                 ("uhc",), "days", 15, steps=_SEARCH),
    ]


def _decisions() -> list[Scenario]:
    group = "decisions"
    return [
        Scenario("duplicate-denial", group, "A later duplicate denial stands beside the paid claim."),
        Scenario("several-payer-ids", group, "The same claim twice, with differing amounts."),
        Scenario("paid-zero", group, "Finalized as paid with 0.00: all of it is the patient's."),
        Scenario("finalized-unpaid", group, "Finalized without an outcome, nothing paid."),
        Scenario("closed-no-pay", group, "Adjudication complete, no payment forthcoming."),
        Scenario("payer-asks", group, "The payer asks for more information."),
        Scenario("unknown-status", group, "A category that no list knows."),
    ]


def _bodies() -> list[Scenario]:
    group = "servers"
    return [
        Scenario("error-500", group, "500 with the payer's error.", value="times", default=2, chance=True),
        Scenario("error-503", group, "503: not available.", value="times", default=2, chance=True),
        Scenario("error-504", group, "504: timed out.", value="times", default=2, chance=True),
        Scenario("slow", group, "The first answer takes so many seconds.", value="seconds", default=2,
                 times=1, chance=True),
        Scenario("truncated", group, "JSON that ends in the middle.", value="times", default=1, chance=True),
        Scenario("html", group, "200 with a page of HTML.", value="times", default=1, chance=True),
        Scenario("html-error", group, "502 with a page of HTML.", value="times", default=1, chance=True),
        Scenario("drop", group, "The connection is closed without an answer.", value="times", default=1,
                 chance=True),
        Scenario("huge", group, "An answer of so many megabytes.", value="megabytes", default=20),
        Scenario("errors-in-200", group, "200 with an input error in it.", steps=_INQUIRY),
        Scenario("retry-in-200", group, "200 with an error in it that passes.",
                 ("uhc", "optum-real", "optum-network", "stedi"), "times", 2, steps=_INQUIRY, chance=True),
        Scenario("acknowledgement-rejected", group, "200 with a rejected 999 in it.", _NETWORKS),
        Scenario("root-renamed", group, "The key of the claims has another name.", chance=True),
        Scenario("submission-running", group, "409 with Retry-After: the first request is still running.",
                 ("stedi",), "seconds", 1, times=1, steps=frozenset(("submission",))),
        Scenario("detail-fails", group, "The detail step fails with 500 for good.", ("uhc",), steps=_DETAIL),
        Scenario("payment-fails", group, "The payment step fails with 500 for good.", ("uhc",),
                 steps=_PAYMENT),
    ]


def _mixtures() -> list[Scenario]:
    group = "mixtures"
    return [
        Scenario("mixed", group, "One claim in so many fails with 500 for good, the others are right.",
                 value="every", default=5),
        Scenario("chaos", group, "This share of the answers is faulty, drawn from what is marked *.",
                 value="share", default=0.3),
    ]
# fmt: on

SCENARIOS: Final[dict[str, Scenario]] = {
    each.name: each
    for each in (
        *_tokens(),
        *_limits(),
        *_misses(),
        *_pages(),
        *_polls(),
        *_windows(),
        *_decisions(),
        *_bodies(),
        *_mixtures(),
    )
}


def scenarios_markdown() -> str:
    """The list as a table, for the documentation."""
    lines = ["| Scenario | Number | What happens | Routes |", "|---|---|---|---|"]
    for each in SCENARIOS.values():
        number = f"{each.default:g} {each.value}" if each.value else ""
        routes = "all" if each.routes == ROUTES else ", ".join(each.routes)
        lines.append(f"| `{each.name}`{'*' if each.chance else ''} | {number} | {each.about} | {routes} |")
    return "\n".join(lines)
