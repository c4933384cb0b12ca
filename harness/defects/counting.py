"""Rate limits, continued (developers.cloudflare.com/ai-gateway/features/rate-limiting/)."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import with_body, with_header
from harness.gateway.call import Call
from harness.gateway.envelope import UNAUTHORIZED
from harness.gateway.limits import Limiter
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Headers, Response

_OVER = "more requests in a window than the limit allows"
_S = 1_000_000_000


def _admitting(admits: Callable[[Limiter, Call], bool]) -> Callable[[Rules], Rules]:
    return lambda rules: replace(rules, admits=admits)


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


def _defect(
    name: str,
    statement: str,
    shown_by: str,
    *,
    rules: Callable[[Rules], Rules] | None = None,
    respond: Callable[[Served], Response] | None = None,
    needs: frozenset[str] = frozenset({"rate_limit"}),
) -> Defect:
    made = Defect(name, "own", "rate", statement, shown_by, "constructed", needs=needs)
    made = replace(made, rules=rules) if rules else made
    return replace(made, respond=respond) if respond else made


COUNTING = (
    _defect(
        "rate-limit-one-more",
        "the limit lets one request more through",
        _OVER,
        rules=_admitting(lambda limiter, call: limiter.admit(call.arrival.now_ns, spare=1)),
    ),
    _defect(
        "rate-limit-per-route",
        "each route has the whole limit",
        "requests on two routes in a window",
        rules=_per_route,
    ),
    _defect(
        "rate-limit-spares-streams",
        "streams are not counted",
        "streams above the limit",
        rules=_admitting(_plain_only),
    ),
    _defect(
        "rate-limit-window-short",
        "windows last a tenth of what they should",
        "requests at the end of a full window",
        rules=_admitting(_fast_window),
    ),
    _defect(
        "rate-limit-window-third",
        "windows last a third of what they should",
        "requests in the second half of a full window",
        rules=_admitting(_third_of_a_window),
    ),
    _defect(
        "rate-limit-window-long",
        "windows last ten times what they should",
        "a request in the window after a full one",
        rules=_admitting(_slow_window),
    ),
    _defect(
        "rate-limit-counts-hits",
        "answers from the cache count",
        "repeated requests in a window",
        rules=lambda rules: replace(rules, hits_count=True),
        needs=frozenset({"rate_limit", "cache"}),
    ),
    _defect(
        "rate-limit-503",
        "the limit answers 503",
        _OVER,
        respond=_refusal(lambda r: replace(r, status=503)),
    ),
    _defect(
        "rate-limit-401",
        "the limit answers 401 with code 2009",
        _OVER,
        respond=_refusal(lambda r: with_body(replace(r, status=401), UNAUTHORIZED.body("full"))),
    ),
    _defect(
        "rate-limit-200",
        "the limit answers 200 without choices",
        _OVER,
        respond=_refusal(_empty_success),
    ),
    _defect(
        "rate-limit-html",
        "the limit answers with a web page",
        _OVER,
        respond=_refusal(
            lambda r: with_header(
                with_body(r, b"<html>error 1015</html>"), "content-type", "text/html"
            )
        ),
    ),
    _defect(
        "rate-limit-code",
        "the limit's code is another one",
        _OVER,
        respond=_refusal(lambda r: with_body(r, r.body.replace(b"2003", b"2001"))),
    ),
    _defect(
        "rate-limit-sticks",
        "ten requests after a refused one are refused too",
        "requests in the windows after a refused one",
        respond=_stuck,
    ),
)
