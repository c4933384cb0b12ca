"""Response header fields: types, the gateway's own ids, nothing secret."""

import re
from collections.abc import Iterator, Sequence

from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import fault, told
from harness.contract.observation import Observation
from harness.contract.topics.sources import (
    ALL,
    AUTHENTICATION,
    CACHING,
    CHAT,
    CHUNK,
    CLOUDFLARE,
    COMPLETION,
    LOG_IDS,
)
from harness.contract.topics.topic import Topic

CONSTANT = (
    "cf-aig-cache-status",
    "cf-aig-event-id",
    "cf-aig-log-id",
    "cf-aig-request-id",
    "cf-aig-step",
    "cf-ray",
    "x-baseten-request-id",
)
"""Fields that tell about a request and do not depend on what was asked."""
SINGLE = (*CONSTANT, "content-type")
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DELAY = re.compile(r"[0-9]{1,9}")
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} [0-9]{4}"
    r" [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)

NOT_KEPT = frozenset({"no-store", "private", "no-cache"})

topic = Topic("headers", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, source=LOG_IDS)


@topic.exchange(
    "label-json",
    Level.MUST,
    why="openai-python and openai-node return the text of anything else instead of parsing it.",
    routes=CHAT,
    evidence=EvidenceGrade.SPECIFIED,
    source=COMPLETION,
)
def json_is_labelled(seen: Observation) -> Finding:
    """A plain answer is labelled `application/json`."""
    if not seen.good or seen.case.stream or seen.response is None or not seen.response.body:
        return None
    return _label(seen, "application/json")


@topic.exchange(
    "label-stream",
    Level.MUST,
    why="EventSource and proxies that flush by type buffer or refuse it.",
    routes=CHAT,
    evidence=EvidenceGrade.SPECIFIED,
    source=CHUNK,
)
def streams_are_labelled(seen: Observation) -> Finding:
    """A streamed answer is labelled `text/event-stream`."""
    if not seen.good or not seen.case.stream or seen.response is None or not seen.response.body:
        return None
    return _label(seen, "text/event-stream")


def _label(seen: Observation, wanted: str) -> Finding:
    if seen.response is None or seen.response.media_type == wanted:
        return ()
    return (fault(wanted, seen.headers.get("content-type"), "header content-type"),)


@topic.exchange(
    "event-id-echo",
    Level.MUST,
    why="A caller that correlates its logs by this id joins the wrong rows.",
)
def event_id_is_echoed(seen: Observation) -> Finding:
    """The caller's `cf-aig-event-id` comes back unchanged."""
    sent = seen.exchange.request.headers.get("cf-aig-event-id")
    if not seen.ok or not seen.case.sound or sent is None:
        return None
    came = seen.headers.get("cf-aig-event-id")
    return () if came == sent else (fault(repr(sent), came, "header cf-aig-event-id"),)


@topic.exchange(
    "event-id-own",
    Level.MUST,
    why="Answers are handed to the wrong caller: a connection is out of step.",
)
def event_id_is_never_anothers(seen: Observation) -> Finding:
    """No answer, good or bad, carries the event id of another request."""
    sent = seen.exchange.request.headers.get("cf-aig-event-id")
    came = seen.headers.get("cf-aig-event-id")
    if sent is None or came is None:
        return None
    if came == sent or came.rpartition("-")[0] != sent.rpartition("-")[0]:
        return ()  # its own, or one that the gateway made up
    return (fault(repr(sent), came, f"header cf-aig-event-id of HTTP {seen.status}"),)


@topic.exchange(
    "fields-once",
    Level.SHOULD,
    why="One reader takes the first value, another the last: ids name two requests.",
    evidence=EvidenceGrade.SPECIFIED,
    source="RFC 9110, section 5.3",
)
def fields_come_once(seen: Observation) -> Finding:
    """A field that is no list is sent once."""
    if seen.response is None:
        return None
    several = [(n, v) for n in SINGLE if len(set(v := seen.headers.get_all(n))) > 1]
    return tuple(fault(f"one {n}", list(v), "response headers") for n, v in several)[:2]


@topic.run(
    "fields-always",
    Level.SHOULD,
    why="Logs are joined by ids that are there only now and then.",
    evidence=EvidenceGrade.PRACTICE,
)
def fields_come_always(seen: Sequence[Observation]) -> Finding:
    """What one accepted answer says in its header, all answers of its kind say."""
    kinds: dict[object, list[Observation]] = {}
    for s in seen:
        if s.ok and s.case.sound and s.case.path is None and s.case.model_id is None:
            kinds.setdefault(_kind(s), []).append(s)
    alike = [mine for mine in kinds.values() if len(mine) > 1]
    faults = [
        fault(
            f"{name}, as on request {having.number}",
            None,
            f"request {lacking.number}",
            requests=(having.number, lacking.number),
        )
        for mine in alike
        for name in CONSTANT
        if (having := next((s for s in mine if s.headers.get(name)), None))
        and (lacking := next((s for s in mine if not s.headers.get(name)), None))
    ]
    return tuple(faults[:2]) if alike else None


def _kind(seen: Observation) -> object:
    """What may decide which fields an answer has: its form, the cache, the options it asks for."""
    options = tuple(sorted(name.lower() for name, _ in seen.case.headers))
    return seen.case.stream, seen.cache_status == "HIT", seen.case.fresh, options


@topic.run(
    "provider-id-unique",
    Level.SHOULD,
    why="Baseten's support looks at somebody else's request.",
    source="docs.baseten.co/inference/errors",
)
def provider_ids_are_unique(seen: Sequence[Observation]) -> Finding:
    """No two fresh answers share an `x-baseten-request-id`."""
    return _unique([s for s in seen if s.cache_status != "HIT"], "x-baseten-request-id")


@topic.run(
    "ray-unique",
    Level.SHOULD,
    why="Support finds another request by it; or an answer was sent twice.",
    source="developers.cloudflare.com/fundamentals/reference/cloudflare-ray-id/",
)
def rays_are_unique(seen: Sequence[Observation]) -> Finding:
    """No two answers share a `cf-ray`."""
    return _unique(seen, "cf-ray")


@topic.exchange(
    "retry-after-form",
    Level.MUST,
    why="Clients that cannot read it retry at once, all of them.",
    evidence=EvidenceGrade.SPECIFIED,
    source="RFC 9110, section 10.2.3",
)
def retry_after_has_its_form(seen: Observation) -> Finding:
    """Retry-After is a number of seconds or an HTTP date."""
    value = seen.headers.get("retry-after")
    if value is None:
        return None
    if _DELAY.fullmatch(value.strip()) or _DATE.fullmatch(value.strip()):
        return ()
    return (fault("seconds, or an HTTP date", value, "header retry-after"),)


@topic.exchange(
    "log-id-present",
    Level.SHOULD,
    why="Feedback and log patches need the id; without it a request cannot be found again.",
)
def answers_carry_a_log_id(seen: Observation) -> Finding:
    """An accepted request carries `cf-aig-log-id`."""
    if not seen.ok or not seen.case.sound or seen.reading is None:
        return None
    if seen.headers.get("cf-aig-log-id"):
        return ()
    return (fault("cf-aig-log-id", None, "response headers"),)


@topic.exchange("log-id-form", Level.SHOULD, why="Clients that sort or validate ids break.")
def log_ids_have_their_form(seen: Observation) -> Finding:
    """A log id is a lower-case UUIDv7, or a ULID as before 2026-10-08."""
    value = seen.headers.get("cf-aig-log-id")
    if value is None:
        return None
    if _UUID7.fullmatch(value) or _ULID.fullmatch(value):
        return ()
    return (fault("a UUIDv7 or a ULID", value, "header cf-aig-log-id"),)


@topic.run("log-id-unique", Level.MUST, why="Feedback lands on somebody else's log entry.")
def log_ids_are_unique(seen: Sequence[Observation]) -> Finding:
    """No two requests share a log id."""
    return _unique(seen, "cf-aig-log-id")


def _unique(seen: Sequence[Observation], name: str) -> Finding:
    first: dict[str, int] = {}
    for s in seen:
        value = s.headers.get(name)
        if value is None:
            continue
        if value in first:
            came = f"{value!r} for requests {first[value]} and {s.number}"
            both = (first[value], s.number)
            return (told(f"a {name} for each request", came, f"header {name}", requests=both),)
        first[value] = s.number
    return () if len(first) > 1 else None


@topic.exchange(
    "request-id-is-log-id", Level.SHOULD, why="Tools that follow either id lose the request."
)
def request_id_is_the_log_id(seen: Observation) -> Finding:
    """On a request of one step `cf-aig-request-id` equals the log id."""
    log, request = seen.headers.get("cf-aig-log-id"), seen.headers.get("cf-aig-request-id")
    if log is None or request is None:
        return None
    return () if log == request else (fault(f"{log!r}", request, "header cf-aig-request-id"),)


@topic.exchange(
    "step-is-zero",
    Level.MUST,
    why="Fallback monitors count a fallback that never happened.",
    source=f"{CLOUDFLARE}/usage/universal/",
)
def the_first_step_answers(seen: Observation) -> Finding:
    """`cf-aig-step` is 0 where no fallback was configured."""
    value = seen.headers.get("cf-aig-step")
    if value is None:
        return None
    return () if value == "0" else (fault("'0'", value, "header cf-aig-step"),)


@topic.exchange(
    "cache-status-words",
    Level.MUST,
    why="A client that compares with HIT counts wrongly.",
    source=CACHING,
)
def cache_status_is_hit_or_miss(seen: Observation) -> Finding:
    """`cf-aig-cache-status` is HIT or MISS."""
    value = seen.cache_status
    if value is None:
        return None
    if value in ("HIT", "MISS"):
        return ()
    return (fault("HIT or MISS", value, "header cf-aig-cache-status"),)


@topic.exchange(
    "not-for-shared-caches",
    Level.SHOULD,
    why="A cache on the way serves one caller's answer to another.",
    evidence=EvidenceGrade.SPECIFIED,
    source="RFC 9111, section 3.5",
)
def shared_caches_are_not_let_in(seen: Observation) -> Finding:
    """No answer to a request with Authorization lets shared caches keep it.

    One that is fresh for no time, or must be asked for again, is kept for nobody; and a POST is
    stored only where its answer says how long it is fresh (RFC 9110, section 9.3.3).
    """
    values = seen.headers.get_all("cache-control")
    if "authorization" not in seen.exchange.request.headers or not seen.ok or not values:
        return None
    words = dict(_directives(values))
    shared = words.keys() & {"public", "s-maxage"} and not words.keys() & NOT_KEPT
    if not shared or words.get("s-maxage", words.get("max-age", "0")) == "0":
        return ()
    return (fault("an answer that no shared cache keeps", ", ".join(values), "cache-control"),)


def _directives(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each directive of Cache-Control with its argument, by its name in lower case."""
    for word in ",".join(values).split(","):
        name, _, argument = word.partition("=")
        yield name.strip().lower(), argument.strip().strip('"')


@topic.exchange(
    "no-secret-back",
    Level.MUST,
    why="Answers are logged, shown and cached: a key in them is a leaked key.",
    source=AUTHENTICATION,
)
def no_secret_comes_back(seen: Observation) -> Finding:
    """No credential of the request appears in the answer."""
    if seen.response is None:
        return None
    faults = []
    fields = [f"{name}: {value}".lower() for name, value in seen.headers]
    body = seen.reading.body if seen.reading else seen.response.body
    for name in ("authorization", "cf-aig-authorization"):
        secret = (seen.exchange.request.headers.get(name) or "").removeprefix("Bearer ").strip()
        if len(secret) < 8:
            continue
        if any(secret.lower() in field for field in fields):
            faults.append(told("no credential", f"the value of {name}", "response headers"))
        if secret.encode() in body:
            faults.append(told("no credential", f"the value of {name}", "response body"))
    return tuple(faults)
