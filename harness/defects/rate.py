"""The rate limit: how much it lets through, when, and what it says."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.answers import body, header, label, on, rewritten, status, with_status
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.envelope import UNAUTHORIZED
from harness.gateway.limits import Limiter
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Headers, Response

_S = 1_000_000_000
_limited = with_status(429)


def _admits(limiter: Limiter, call: Call) -> bool:
    return limiter.admit(call.arrival.now_ns)


def _admitting(*, spare: int = 0, clock: Callable[[int], int] = int) -> Decisions:
    """So many requests more, or windows by another clock."""
    return deciding(
        admits=lambda limiter, call: limiter.admit(clock(call.arrival.now_ns), spare=spare)
    )


def _per_route(rules: Rules) -> Rules:
    """Every route is counted for itself."""
    counts: dict[str, dict[int, int]] = {}

    def admits(limiter: Limiter, call: Call) -> bool:
        window = call.arrival.now_ns // (limiter.limit.seconds * _S)
        route = counts.setdefault(call.target.route, {})
        route[window] = route.get(window, 0) + 1
        return route[window] <= limiter.limit.limit

    return replace(rules, admits=admits)


def _stuck(served: Served) -> Response:
    """Who was refused once is refused for ten more requests."""
    left = served.memory.get("stuck", 0)
    if served.response.status == 429:
        served.memory["stuck"], served.memory["refusal"] = 10, served.response
    elif left and served.response.status == 200:
        served.memory["stuck"] = left - 1
        refusal: Response = served.memory["refusal"]
        names = ("cf-aig-log-id", "cf-aig-request-id", "cf-aig-event-id", "cf-ray", "date")
        kept = [f for f in refusal.headers if f[0] not in names]
        own = [f for f in served.response.headers if f[0] in names]
        return replace(refusal, headers=Headers([*kept, *own]))
    return served.response


RATE = (
    *rows(
        "rate",
        (
            "rate-limit-ignored",
            "requests above the limit are served",
            deciding(admits=lambda _limiter, _call: True),
            "rate-refuses",
        ),
        (
            "rate-limit-off-by-one",
            "the limit refuses the last request that it should allow",
            _admitting(spare=-1),
            "rate-allows",
        ),
        (
            "rate-limit-never-resets",
            "a limit once reached stays reached in the next windows",
            deciding(admits=lambda limiter, _call: limiter.admit(0)),
            "rate-recovers",
        ),
        (
            "rate-limit-one-more",
            "the limit lets one request more through",
            _admitting(spare=1),
            "rate-exact",
        ),
        (
            "rate-limit-per-route",
            "each route has the whole limit",
            Decisions(_per_route),
            "rate-all-count",
        ),
        (
            "rate-limit-spares-streams",
            "streams are not counted",
            deciding(admits=lambda limiter, call: call.stream or _admits(limiter, call)),
            "rate-all-count",
        ),
        (
            "rate-limit-window-short",
            "windows last a tenth of what they should",
            _admitting(clock=lambda now_ns: now_ns * 10),
            "rate-refuses rate-window",
        ),
        (
            "rate-limit-window-third",
            "windows last a third of what they should",
            _admitting(clock=lambda now_ns: now_ns * 3),
            "rate-window",
        ),
        (
            "rate-limit-window-long",
            "windows last ten times what they should",
            _admitting(clock=lambda now_ns: now_ns // 10),
            "rate-recovers",
        ),
        ("rate-limit-503", "the limit answers 503", on(_limited, status(503)), "rate-refuses"),
        (
            "rate-limit-401",
            "the limit answers 401 with code 2009",
            on(_limited, status(401), body(UNAUTHORIZED.body("full"))),
            "rate-refuses",
        ),
        (
            "rate-limit-200",
            "the limit answers 200 without choices",
            on(_limited, status(200), body(encode({"choices": []}))),
            "rate-refuses",
        ),
        (
            "rate-limit-html",
            "the limit answers with a web page",
            on(_limited, body(b"<html>error 1015</html>"), label("text/html")),
            "rate-code",
        ),
        (
            "rate-limit-code",
            "the limit's code is another one",
            on(_limited, rewritten(lambda data: data.replace(b"2003", b"2001"))),
            "rate-code",
        ),
        (
            "rate-limit-sticks",
            "ten requests after a refused one are refused too",
            _stuck,
            "rate-recovers",
        ),
        needs=("rate_limit",),
    ),
    *rows(
        "T",
        (
            "rate-limit-500",
            "the limit answers 500",
            on(_limited, status(500)),
            "rate-refuses",
            "T23",
        ),
        needs=("rate_limit",),
    ),
    *rows(
        "E",
        (
            "retry-after-garbage",
            "Retry-After is no number and no date",
            on(_limited, header("retry-after", "soon")),
            "retry-after-form rate-retry-after",
            "E14, command-code#788",
        ),
        (
            "retry-after-past",
            "Retry-After is a date in the past",
            on(_limited, header("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")),
            "rate-retry-after",
            "E14",
        ),
        (
            "retry-after-negative",
            "Retry-After is negative",
            on(_limited, header("retry-after", "-5")),
            "retry-after-form rate-retry-after",
            "E14",
        ),
        (
            "retry-after-300",
            "Retry-After exceeds the window",
            on(_limited, header("retry-after", "86400")),
            "rate-retry-after",
            "E14, BerriAI/litellm#4695",
        ),
        (
            "retry-after-milliseconds",
            "Retry-After is in milliseconds",
            on(_limited, header("retry-after", "60000")),
            "rate-retry-after",
            "E14, BerriAI/litellm#4695",
        ),
        needs=("rate_limit",),
    ),
    *rows(
        "rate",
        (
            "rate-limit-counts-hits",
            "answers from the cache count",
            deciding(hits_count=True),
            "rate-hits-free",
        ),
        needs=("cache", "rate_limit"),
    ),
)
