"""Generated defects of the gateway's decisions: who may, what is kept, what counts."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.defects.mutants.occasion import Occasion
from harness.gateway.call import Arrival, Call
from harness.gateway.config import Config
from harness.gateway.limits import Limiter
from harness.gateway.rules import Rules
from harness.gateway.upstream.errors import encode
from harness.wire import Response

KEY_PARTS = (
    "body",
    "path",
    "authorization",
    "model",
    "messages",
    "max_tokens",
    "temperature",
    "stream",
    "tools",
    "prompt",
    "case",
    "spaces",
    "end",
)
"""What a cache key may wrongly leave out."""
Twist = Callable[[Occasion, Rules], Rules]


def key_without(part: str, occasion: Occasion, rules: Rules) -> Rules:
    """Rules whose default key ignores a part of the request; a custom key still replaces it."""

    def key(call: Call) -> bytes:
        right = rules.cache_key(call)
        if call.options.cache_key is not None or not occasion.shows(call.arrival):
            return right
        return rules.cache_key(_without(call, part))

    return replace(rules, cache_key=key)


def _without(call: Call, part: str) -> Call:
    arrival = call.arrival
    body = arrival.request.body
    if part == "path":
        return replace(call, target=replace(call.target, provider="", endpoint=""))
    if part == "authorization":
        kept = {n: v for n, v in arrival.fields.items() if n != "authorization"}
        return replace(call, arrival=replace(arrival, fields=kept))
    made = {"body": b"", "case": body.lower(), "spaces": b"".join(body.split()), "end": body[:512]}
    if part not in made and isinstance(call.document, dict):
        made[part] = encode({n: v for n, v in call.document.items() if n != part})
    request = replace(arrival.request, body=made.get(part, body))
    document = call.document
    if part in ("model", "body") and isinstance(document, dict):
        document = {n: v for n, v in document.items() if n != "model"}
    return replace(call, arrival=replace(arrival, request=request), document=document)


def _never_read(occasion: Occasion, rules: Rules) -> Rules:
    def reads(call: Call) -> bool:
        return rules.reads_cache(call) and not occasion.shows(call.arrival)

    return replace(rules, reads_cache=reads)


def _never_kept(occasion: Occasion, rules: Rules) -> Rules:
    def stores(call: Call, response: Response) -> bool:
        return rules.stores(call, response) and not occasion.shows(call.arrival)

    return replace(rules, stores=stores)


def _all_kept(occasion: Occasion, rules: Rules) -> Rules:
    """Errors and streams are kept as well, and skipped entries written."""

    def stores(call: Call, response: Response) -> bool:
        return rules.stores(call, response) or occasion.shows(call.arrival)

    return replace(rules, stores=stores)


def _times(factor: float) -> Twist:
    def twist(occasion: Occasion, rules: Rules) -> Rules:
        def ttl(call: Call) -> int:
            right = rules.cache_ttl(call)
            return int(right * factor) if occasion.holds(call.arrival) else right

        return replace(rules, cache_ttl=ttl)

    return twist


def _spare(count: int) -> Twist:
    def twist(occasion: Occasion, rules: Rules) -> Rules:
        def admits(limiter: Limiter, call: Call) -> bool:
            if not occasion.shows(call.arrival):
                return rules.admits(limiter, call)
            return limiter.admit(call.arrival.now_ns, spare=count)

        return replace(rules, admits=admits)

    return twist


def _uncounted(occasion: Occasion, rules: Rules) -> Rules:
    def admits(limiter: Limiter, call: Call) -> bool:
        return occasion.shows(call.arrival) or rules.admits(limiter, call)

    return replace(rules, admits=admits)


def _refused(occasion: Occasion, rules: Rules) -> Rules:
    """The limit is reached although nothing was counted."""

    def admits(limiter: Limiter, call: Call) -> bool:
        return not occasion.shows(call.arrival) and rules.admits(limiter, call)

    return replace(rules, admits=admits)


def _counted_twice(occasion: Occasion, rules: Rules) -> Rules:
    def admits(limiter: Limiter, call: Call) -> bool:
        admitted = rules.admits(limiter, call)
        if admitted and occasion.shows(call.arrival):
            rules.admits(limiter, call)
        return admitted

    return replace(rules, admits=admits)


def _hits_counted(_occasion: Occasion, rules: Rules) -> Rules:
    return replace(rules, hits_count=True)


def _open(occasion: Occasion, rules: Rules) -> Rules:
    """Anybody may."""

    def authorised(arrival: Arrival, config: Config) -> bool:
        return rules.authorised(arrival, config) or occasion.shows(arrival)

    return replace(rules, authorised=authorised)


def _any_token(occasion: Occasion, rules: Rules) -> Rules:
    """Whoever has some token may."""

    def authorised(arrival: Arrival, config: Config) -> bool:
        some = bool(arrival.fields.get("cf-aig-authorization"))
        return rules.authorised(arrival, config) or (some and occasion.shows(arrival))

    return replace(rules, authorised=authorised)


def _shut(occasion: Occasion, rules: Rules) -> Rules:
    """Nobody may."""

    def authorised(arrival: Arrival, config: Config) -> bool:
        return rules.authorised(arrival, config) and not occasion.shows(arrival)

    return replace(rules, authorised=authorised)


def _credential(change: Callable[[Call, str | None], str | None]) -> Twist:
    def twist(occasion: Occasion, rules: Rules) -> Rules:
        def credential(call: Call, given: str | None) -> str | None:
            right = rules.credential(call, given)
            return change(call, right) if occasion.shows(call.arrival) else right

        return replace(rules, credential=credential)

    return twist


TWISTS: Mapping[str, tuple[Twist, str]] = {
    "cache-never-read": (_never_read, "cache"),
    "cache-never-written": (_never_kept, "cache"),
    "cache-writes-all": (_all_kept, "cache"),
    "cache-ttl-tenfold": (_times(10), "cache"),
    "cache-ttl-third": (_times(0.34), "cache"),
    "limit-plus-one": (_spare(1), "rate_limit"),
    "limit-minus-one": (_spare(-1), "rate_limit"),
    "limit-doubled": (_spare(4), "rate_limit"),
    "limit-uncounted": (_uncounted, "rate_limit"),
    "limit-closed": (_refused, "rate_limit"),
    "limit-counts-twice": (_counted_twice, "rate_limit"),
    "limit-counts-hits": (_hits_counted, "rate_limit"),
    "token-open": (_open, "auth"),
    "token-any": (_any_token, "auth"),
    "token-shut": (_shut, "auth"),
    "key-replaced": (_credential(lambda call, _: f"Bearer {call.config.provider_key}"), "auth"),
    "key-lost": (_credential(lambda _call, _given: None), "auth"),
}
"""What each twist does, and what the gateway must have for it to be seen."""
