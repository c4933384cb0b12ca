"""The rate limit: how much it lets through, when, and what it says."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.edits import with_body, with_header
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.envelope import UNAUTHORIZED
from harness.gateway.limits import Limiter
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Headers, Response

_LIMIT = frozenset({"rate_limit"})


QUOTA = rows(
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
        deciding(admits=lambda limiter, call: limiter.admit(call.arrival.now_ns, spare=-1)),
        "rate-allows",
    ),
    (
        "rate-limit-never-resets",
        "a limit once reached stays reached in the next windows",
        deciding(admits=lambda limiter, _call: limiter.admit(0)),
        "rate-recovers",
    ),
    needs=("rate_limit",),
)


_OVER = "more requests in a window than the limit allows"


_S = 1_000_000_000


def _per_route(rules: Rules) -> Rules:
    """Every route is counted for itself."""
    counts: dict[str, dict[int, int]] = {}

    def admits(limiter: Limiter, call: Call) -> bool:
        window = call.arrival.now_ns // (limiter.limit.seconds * _S)
        route = counts.setdefault(call.target.route, {})
        route[window] = route.get(window, 0) + 1
        return route[window] <= limiter.limit.limit

    return replace(rules, admits=admits)


def _plain_only(limiter: Limiter, call: Call) -> bool:
    return call.stream or limiter.admit(call.arrival.now_ns)


def _fast_window(limiter: Limiter, call: Call) -> bool:
    """Windows that are a tenth as long: the clock runs ten times faster."""
    return limiter.admit(call.arrival.now_ns * 10)


def _third_of_a_window(limiter: Limiter, call: Call) -> bool:
    return limiter.admit(call.arrival.now_ns * 3)


def _slow_window(limiter: Limiter, call: Call) -> bool:
    return limiter.admit(call.arrival.now_ns // 10)


def _refusal(edit: Callable[[Response], Response]) -> Callable[[Served], Response]:
    return lambda served: (
        edit(served.response) if served.response.status == 429 else served.response
    )


def _empty_success(response: Response) -> Response:
    return with_body(replace(response, status=200), encode({"choices": []}))


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


COUNTING = (
    *rows(
        "rate",
        (
            "rate-limit-one-more",
            "the limit lets one request more through",
            deciding(admits=lambda limiter, call: limiter.admit(call.arrival.now_ns, spare=1)),
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
            deciding(admits=_plain_only),
            "rate-all-count",
        ),
        (
            "rate-limit-window-short",
            "windows last a tenth of what they should",
            deciding(admits=_fast_window),
            "rate-refuses rate-window",
        ),
        (
            "rate-limit-window-third",
            "windows last a third of what they should",
            deciding(admits=_third_of_a_window),
            "rate-window",
        ),
        (
            "rate-limit-window-long",
            "windows last ten times what they should",
            deciding(admits=_slow_window),
            "rate-recovers",
        ),
        (
            "rate-limit-503",
            "the limit answers 503",
            _refusal(lambda r: replace(r, status=503)),
            "rate-refuses",
        ),
        (
            "rate-limit-401",
            "the limit answers 401 with code 2009",
            _refusal(lambda r: with_body(replace(r, status=401), UNAUTHORIZED.body("full"))),
            "rate-refuses",
        ),
        (
            "rate-limit-200",
            "the limit answers 200 without choices",
            _refusal(_empty_success),
            "rate-refuses",
        ),
        (
            "rate-limit-html",
            "the limit answers with a web page",
            _refusal(
                lambda r: with_header(
                    with_body(r, b"<html>error 1015</html>"), "content-type", "text/html"
                )
            ),
            "rate-code",
        ),
        (
            "rate-limit-code",
            "the limit's code is another one",
            _refusal(lambda r: with_body(r, r.body.replace(b"2003", b"2001"))),
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
        "rate",
        (
            "rate-limit-counts-hits",
            "answers from the cache count",
            deciding(hits_count=True),
            "rate-hits-free",
        ),
        needs=(
            "cache",
            "rate_limit",
        ),
    ),
)
