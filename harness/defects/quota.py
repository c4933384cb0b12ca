"""Rate limits (developers.cloudflare.com/ai-gateway/features/rate-limiting/)."""

from harness.defects.rows import deciding, rows

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
