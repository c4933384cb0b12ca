"""The gateway itself: a pure function over explicit state, under whatever clock the caller keeps.

No socket, no clock, no hidden randomness: time comes in with each request, chance from the seed.
The order of decisions is the documented one: gateway, token, provider and path, cache, limit,
provider; the cache is asked before policies (ai-gateway/features/caching/).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from harness.gateway import envelope, forwarding, routing, universal
from harness.gateway.cache import Cache
from harness.gateway.call import Arrival, Call
from harness.gateway.config import Config
from harness.gateway.documents import decode
from harness.gateway.envelope import Refusal
from harness.gateway.headers import (
    STREAMED,
    RequestIds,
    dress,
    framed,
    name,
    of_several,
    padded,
    renamed,
)
from harness.gateway.limits import Limiter
from harness.gateway.log import LogEntry
from harness.gateway.options import RequestOptions, options_of, read_metadata
from harness.gateway.rng import Rng
from harness.gateway.rules import Rules
from harness.gateway.served import LEFT, Before, Edit, Served, let_in, unchanged
from harness.gateway.timing import shifted
from harness.gateway.universal import TriedStep, UniversalStep
from harness.gateway.upstream.baseten import Baseten
from harness.wire import Chunk, Request, Response

_DOCUMENTED = Rules()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What was decided: an answer, and what the headers and the log say about it."""

    answer: Response | Refusal
    call: Call | None = None
    cache_status: str | None = None
    attempts: int = 0
    document: Any = None
    known: bool = True
    timed_out: bool = False
    steps: tuple[TriedStep, ...] = ()
    """What was tried on the universal endpoint, the answering step last."""


class Gateway:
    """One gateway with its cache, its windows and its log; not safe for concurrent threads.

    What somebody outside breaks or varies comes in as `rules` in place of the documented ones, as
    an `edit` of every answer and as what is answered `before` the gateway sees a request; `label`
    is its name in the log. `log` holds an entry per request, oldest first.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        rules: Rules = _DOCUMENTED,
        edit: Edit = unchanged,
        before: Before = let_in,
        label: str | None = None,
    ) -> None:
        self.config = config or Config()
        self.log: deque[LogEntry] = deque(maxlen=self.config.log_entries)
        self._rules, self._edit, self._before, self._label = rules, edit, before, label
        self._upstream = Baseten(self.config)
        self._cache = Cache()
        self._serial = 0
        self._memory: dict[str, Any] = {}
        limit, behaviour = self.config.rate_limit, self.config.behaviour
        self._limiter = (
            Limiter(limit, count_refused=behaviour.refused_requests_count) if limit else None
        )

    def handle(self, request: Request, at_ns: int) -> Response:
        """The response to a request that is complete at `at_ns`; its times count from there.

        Never raises, whatever the request holds, and depends on nothing but the configuration and
        the requests before it.
        """
        arrival = self._arrive(request, at_ns)
        if arrival.request.path.startswith(routing.UPSTREAM):
            return self._upstream_itself(arrival)
        options = options_of(
            arrival.fields, reject=self.config.behaviour.option_out_of_range == "reject"
        )
        outcome = self._decide(arrival, options)
        event_id = options.event_id if isinstance(options, RequestOptions) else None
        names = name(arrival, event_id, self.config.behaviour.log_id)
        if len(outcome.steps) > 1:
            names = of_several(names, arrival, self.config.behaviour.log_id)
        response = self._respond(arrival, outcome, names)
        self._note(arrival, outcome, names, response)
        return response

    def _upstream_itself(self, arrival: Arrival) -> Response:
        """The provider's answer to one who asks it without the gateway."""
        document = decode(arrival.request.body)
        path = arrival.request.path.removeprefix(routing.UPSTREAM).removesuffix("/predict")
        asked = forwarding.asked_of(arrival, path, document)
        answer = self._upstream.answer(asked)
        stamp = formatdate(arrival.now_ns // 1_000_000_000, usegmt=True)
        answer = replace(answer, headers=answer.headers.replacing("date", stamp))
        method, streamed = asked.method, answer.media_type in STREAMED
        response = framed(answer, method=method, streamed=streamed)
        names = name(arrival, None, self.config.behaviour.log_id)
        outcome = _Outcome(response, attempts=1, document=document, known=False)
        self._note(arrival, outcome, names, response)
        return response

    def left(self, entry: LogEntry, at_ns: int) -> Mapping[int, int]:
        """Take note that the client of a logged request left at `at_ns`, before its answer ended.

        Returns by how many nanoseconds the answers to others, by their `seq`, come earlier than
        was said, because its slot is free now.
        """
        self._memory[LEFT] = True
        return self._upstream.left(entry.seq, at_ns) if entry.stops_with_client else {}

    def _arrive(self, request: Request, at_ns: int) -> Arrival:
        self._serial += 1
        fields: dict[str, str] = {}
        for field, value in request.headers:
            fields.setdefault(field.lower(), value)
        now_ns = self.config.epoch_ns + at_ns
        rng = Rng("request", self.config.seed, self._serial)
        arrival = Arrival(request, at_ns, now_ns, self._serial, fields, rng)
        return replace(arrival, fields=self._rules.fields(arrival))

    def _decide(self, arrival: Arrival, options: RequestOptions | Refusal) -> _Outcome:
        early = self._before(arrival)
        if early is not None:
            return _Outcome(early, known=False)
        rest = routing.below_gateway(arrival.request.path, self.config)
        if rest is None:
            return _Outcome(envelope.UNKNOWN_GATEWAY, known=False)
        if not self._rules.authorised(arrival, self.config):
            return _Outcome(envelope.UNAUTHORIZED)
        if isinstance(options, Refusal):
            return _Outcome(options)
        unique = self.config.behaviour.duplicate_keys == "reject"
        if not rest:
            return self._universal(arrival, decode(arrival.request.body, reject_duplicates=unique))
        target = routing.locate(rest, self.config)
        if isinstance(target, Refusal):
            return _Outcome(target)
        document = decode(arrival.request.body, reject_duplicates=unique)
        return self._serve(Call(arrival, self.config, target, options, document))

    def _serve(self, call: Call, *, counts: bool = True) -> _Outcome:
        """The answer to one call; `counts` is whether the rate limit has to admit it."""
        refusal = _method_refusal(call) or _compat_refusal(call)
        if refusal is not None:
            return _Outcome(refusal, call)
        limited = self._cached(call) or (self._limited(call) if counts else None)
        return limited or self._forwarded(call)

    def _universal(self, arrival: Arrival, document: Any) -> _Outcome:
        """The first step that succeeds, or the last one's failure; each waits for the one before.

        developers.cloudflare.com/ai-gateway/configuration/fallbacks/.
        """
        steps = universal.read_steps(document)
        if steps is None or arrival.request.method.upper() != "POST":
            refusal = universal.bad_body(self.config)
            return _Outcome(refusal, known=refusal is not envelope.UNKNOWN_GATEWAY)
        steps = self._rules.steps(steps)
        tried: list[TriedStep] = []
        waited_ns, every = 0, self.config.behaviour.universal_rate_count == "step"
        for number, step in enumerate(steps):
            now_ns = arrival.now_ns + waited_ns
            forked = replace(
                arrival,
                at_ns=arrival.at_ns + waited_ns,
                now_ns=now_ns,
                rng=arrival.rng.fork("step", number),
            )
            outcome = self._step(forked, step, counts=every or not number)
            answer = self._answer(outcome)
            tried.append(_tried(step, outcome, answer))
            last = number == len(steps) - 1 or _ends(outcome, self.config)
            if last or not self._falls_back(outcome, answer):
                answer = shifted(self._last(answer, tried), waited_ns)
                return replace(outcome, answer=answer, steps=tuple(tried))
            waited_ns += answer.head_at_ns
        raise AssertionError("a list of steps is not empty")

    def _falls_back(self, outcome: _Outcome, answer: Response) -> bool:
        if outcome.timed_out:
            return self._rules.timeouts_fall_back
        return self._rules.falls_back(answer, self.config)

    def _step(self, arrival: Arrival, step: UniversalStep, *, counts: bool) -> _Outcome:
        call = universal.call_of(arrival, step, self.config)
        return _Outcome(call) if isinstance(call, Refusal) else self._serve(call, counts=counts)

    def _last(self, answer: Response, tried: Sequence[TriedStep]) -> Response:
        """The answer when no step is left."""
        hidden = self.config.behaviour.universal_last_error == "400-2005"
        if not hidden or len(tried) < 2 or answer.status < 400:
            return answer
        return envelope.PROVIDER_FAILED.response(
            self.config.behaviour.error_envelope, answer.head_at_ns
        )

    def _answer(self, outcome: _Outcome) -> Response:
        answer = outcome.answer
        if isinstance(answer, Response):
            return answer
        return answer.response(self.config.behaviour.error_envelope, self.config.timing.gateway_ns)

    def _cached(self, call: Call) -> _Outcome | None:
        if not _cacheable(call) or not self._rules.reads_cache(call):
            return None
        stored = self._cache.get(self._rules.cache_key(call), call.arrival.now_ns)
        if stored is None:
            return None
        if self._rules.hits_count and (refused := self._limited(call)):
            return refused
        at_ns = self.config.timing.gateway_ns
        chunks = (Chunk(stored.body, at_ns),)
        hit = Response(stored.status, stored.headers, chunks, at_ns, end_at_ns=at_ns)
        return _Outcome(hit, call, "HIT")

    def _limited(self, call: Call) -> _Outcome | None:
        if self._limiter is None or self._rules.admits(self._limiter, call):
            return None
        if self.config.behaviour.rate_limit_answer == "401-2009":
            return _Outcome(envelope.UNAUTHORIZED, call)
        return _Outcome(envelope.RATE_LIMITED, call)

    def _forwarded(self, call: Call) -> _Outcome:
        forwarded = forwarding.forward(call, self._upstream, self._rules)
        status = "MISS" if _cacheable(call) else None
        rng = call.arrival.rng.fork("padding")
        answer = padded(forwarded.answer, self.config.behaviour, rng)
        if call.target.route == routing.COMPAT:
            answer = renamed(answer, call.model, self.config.behaviour)
        if status is not None:
            self._store(call, answer)
        return _Outcome(
            answer,
            call,
            status,
            forwarded.attempts,
            forwarded.document,
            timed_out=forwarded.timed_out,
        )

    def _store(self, call: Call, answer: Response) -> None:
        ttl_s = self._rules.cache_ttl(call)
        if ttl_s > 0 and self._rules.stores(call, answer):
            complete_ns = call.arrival.now_ns + answer.end_at_ns
            key = self._rules.cache_key(call)
            self._cache.put(key, answer, complete_ns=complete_ns, ttl_s=ttl_s)

    def _respond(self, arrival: Arrival, outcome: _Outcome, names: RequestIds) -> Response:
        behaviour, answer = self.config.behaviour, self._answer(outcome)
        hit = outcome.cache_status == "HIT"
        shown = hit or answer.status < 400 or behaviour.cache_status_on_errors
        response = dress(
            answer,
            names,
            arrival.now_ns,
            cache_status=outcome.cache_status if shown else None,
            known=outcome.known,
            step=max(0, len(outcome.steps) - 1),
        )
        streamed = answer.media_type in STREAMED
        response = self._edit(Served(arrival, outcome.call, response, self._memory))
        return framed(response, method=arrival.request.method.upper(), streamed=streamed)

    def _note(
        self, arrival: Arrival, outcome: _Outcome, names: RequestIds, response: Response
    ) -> None:
        document, call = outcome.document, outcome.call
        route = call.target.route if call else None
        entry = LogEntry(
            seq=arrival.serial,
            at_ns=arrival.at_ns,
            end_ns=arrival.at_ns + response.end_at_ns,
            method=arrival.request.method,
            path=arrival.request.path,
            route=routing.UNIVERSAL if outcome.steps else route,
            status=response.status,
            stream=call.stream if call else False,
            event_id=names.event_id,
            log_id=names.log_id,
            cf_ray=names.cf_ray,
            cache_status=outcome.cache_status,
            attempts=sum(step.attempts for step in outcome.steps) or outcome.attempts,
            forwarded_model=forwarding.model_of(document),
            forwarded=forwarding.names_of(document),
            altered=forwarding.altered(call, document),
            passed_headers=self._rules.passed_headers(call) if call and outcome.attempts else (),
            stops_with_client=self._rules.stops_with_client,
            collect_log=call.options.collect_log if call else None,
            metadata=read_metadata(arrival.fields.get("cf-aig-metadata")),
            defect=self._label,
            steps=outcome.steps,
        )
        self.log.append(entry)


def _tried(step: UniversalStep, outcome: _Outcome, answer: Response) -> TriedStep:
    return TriedStep(
        provider=step.provider,
        endpoint=step.endpoint,
        status=answer.status,
        attempts=outcome.attempts,
        cache_status=outcome.cache_status,
        model=outcome.call.model if outcome.call else "",
    )


def _ends(outcome: _Outcome, config: Config) -> bool:
    """Whether a step's refusal by the gateway itself ends the whole request."""
    refused = isinstance(outcome.answer, Refusal)
    limited = outcome.answer in (envelope.RATE_LIMITED, envelope.UNAUTHORIZED)
    return limited or (refused and config.behaviour.universal_refused_step == "refuse")


def _cacheable(call: Call) -> bool:
    return call.target.route != routing.OTHER and call.arrival.request.method.upper() == "POST"


def _method_refusal(call: Call) -> Refusal | None:
    """What the gateway itself says to another method than POST on one of the three routes."""
    route = call.target.route
    if route == routing.OTHER or call.arrival.request.method.upper() == "POST":
        return None
    if route == routing.COMPAT:
        return envelope.unsupported_compat(call.target.endpoint)
    gateway = call.config.behaviour.wrong_method == "gateway-400"
    return envelope.BAD_FORMAT if gateway else None


def _compat_refusal(call: Call) -> Refusal | None:
    """What the gateway checks in a compat body before it knows the provider."""
    if call.target.route != routing.COMPAT:
        return None
    document = call.document
    complete = isinstance(document, Mapping) and isinstance(document.get("messages"), list)
    prefix, slash, _ = call.model.partition("/")
    if not complete or not slash:
        return envelope.BAD_FORMAT
    if prefix == "baseten":
        return None
    if call.config.behaviour.compat_unknown_prefix == "invalid-provider":
        return envelope.INVALID_PROVIDER
    return envelope.model_not_found(call.model)
