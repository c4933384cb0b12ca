"""Rate limits (developers.cloudflare.com/ai-gateway/features/rate-limiting/)."""

from dataclasses import replace

from harness.defects.defect import Defect

_LIMIT = frozenset({"rate_limit"})

QUOTA = (
    Defect(
        name="rate-limit-ignored",
        catalogue="own",
        group="rate",
        statement="requests above the limit are served",
        shown_by="more requests in a window than the limit allows",
        source="constructed",
        rules=lambda rules: replace(rules, admits=lambda _limiter, _call: True),
        needs=_LIMIT,
    ),
    Defect(
        name="rate-limit-off-by-one",
        catalogue="own",
        group="rate",
        statement="the limit refuses the last request that it should allow",
        shown_by="as many requests in a window as the limit allows",
        source="constructed",
        rules=lambda rules: replace(
            rules,
            admits=lambda limiter, call: limiter.admit(call.arrival.now_ns, spare=-1),
        ),
        needs=_LIMIT,
    ),
    Defect(
        name="rate-limit-never-resets",
        catalogue="own",
        group="rate",
        statement="a limit once reached stays reached in the next windows",
        shown_by="a request in the window after a full one",
        source="constructed",
        rules=lambda rules: replace(rules, admits=lambda limiter, _call: limiter.admit(0)),
        needs=_LIMIT,
    ),
)
