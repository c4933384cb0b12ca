"""Cache, rate limit and time together: the stand-in beside a small model of what is documented.

developers.cloudflare.com/ai-gateway/features/caching/ and .../features/rate-limiting/: the cache is
asked before the limit, hits do not count, entries live for their TTL from when they are complete.
"""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.wire import Headers, Request, Response
from tests.contract.answers import MODEL

SECOND = 1_000_000_000
TTL_S, LIMIT, WINDOW_S = 7, 4, 5
PATH = "/v1/acc/gw/baseten/v1/chat/completions"

prompts = st.sampled_from(("a", "b"))
keys = st.sampled_from((None, "mine"))
ttls = st.sampled_from((None, 60))
Key = tuple[str, ...]


class CacheLimitsAndTime(RuleBasedStateMachine):
    """Sends requests, lets time pass, and says beforehand what has to come."""

    def __init__(self) -> None:
        super().__init__()
        limit = RateLimit(LIMIT, WINDOW_S)
        self.gateway = Gateway(Config(cache_ttl=TTL_S, rate_limit=limit, epoch_ns=0))
        self.now_ns = SECOND
        self.entries: dict[Key, tuple[int, int, str]] = {}
        self.window, self.count = 0, 0
        self.ids: set[str] = set()

    @rule(prompt=prompts, key=keys, ttl=ttls)
    def ask(self, prompt: str, key: str | None, ttl: int | None) -> None:
        self._ask(prompt, key=key, ttl=ttl)

    @rule(prompt=prompts)
    def ask_past_the_cache(self, prompt: str) -> None:
        self._ask(prompt, skip=True)

    @rule(prompt=prompts)
    def ask_for_a_stream(self, prompt: str) -> None:
        self._ask(prompt, stream=True)

    @rule(prompt=prompts)
    def ask_in_vain(self, prompt: str) -> None:
        self._ask(prompt, max_tokens=0)

    @rule(seconds=st.integers(1, TTL_S + 1))
    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND

    @precondition(lambda self: self.entries)
    @rule()
    def wait_until_nothing_is_stored(self) -> None:
        self.now_ns = max(until for _, until, _ in self.entries.values()) + 1
        self.entries.clear()

    @invariant()
    def a_window_holds_no_more_than_the_limit(self) -> None:
        assert self.count <= LIMIT

    def _ask(
        self,
        prompt: str,
        *,
        key: str | None = None,
        ttl: int | None = None,
        skip: bool = False,
        stream: bool = False,
        max_tokens: int = 8,
    ) -> None:
        request = _request(prompt, key, ttl, skip=skip, stream=stream, max_tokens=max_tokens)
        name = (key,) if key else (prompt, str(stream), str(max_tokens))
        stored = None if skip else self._alive(name)
        admitted = stored is not None or self._admit()

        response = self.gateway.handle(request, self.now_ns)

        if stored is not None:
            assert (response.status, _status(response)) == (200, "HIT")
            assert _id(response) == stored
        elif not admitted:
            assert (response.status, _status(response)) == (429, None)
        elif max_tokens == 0:
            assert (response.status, _status(response)) == (400, None)
        else:
            self._fresh(name, response, ttl, keeps=not skip and not stream)
        self.now_ns += response.end_at_ns

    def _fresh(self, name: Key, response: Response, ttl: int | None, *, keeps: bool) -> None:
        assert (response.status, _status(response)) == (200, "MISS")
        assert _id(response) not in self.ids
        self.ids.add(_id(response))
        if keeps:
            complete_ns = self.now_ns + response.end_at_ns
            until_ns = complete_ns + (ttl or TTL_S) * SECOND
            self.entries[name] = (complete_ns, until_ns, _id(response))

    def _alive(self, name: Key) -> str | None:
        since_ns, until_ns, stored = self.entries.get(name, (0, 0, ""))
        return stored if since_ns <= self.now_ns < until_ns else None

    def _admit(self) -> bool:
        window = self.now_ns // (WINDOW_S * SECOND)
        if window != self.window:
            self.window, self.count = window, 0
        admitted = self.count < LIMIT
        self.count += admitted
        return admitted


def _request(
    prompt: str, key: str | None, ttl: int | None, *, skip: bool, stream: bool, max_tokens: int
) -> Request:
    messages = [{"role": "user", "content": prompt}]
    body = {"model": MODEL, "messages": messages, "max_tokens": max_tokens, "stream": stream}
    fields = [("Authorization", "Bearer baseten-key"), ("Content-Type", "application/json")]
    fields += [("cf-aig-cache-key", key)] if key else []
    fields += [("cf-aig-cache-ttl", str(ttl))] if ttl else []
    fields += [("cf-aig-skip-cache", "true")] if skip else []
    return Request("POST", PATH, Headers(fields), json.dumps(body).encode())


def _status(response: Response) -> str | None:
    return response.headers.get("cf-aig-cache-status")


def _id(response: Response) -> str:
    body = response.body.removeprefix(b"data: ").split(b"\n")[0]
    return str(json.loads(body)["id"])


TestCacheLimitsAndTime = CacheLimitsAndTime.TestCase
TestCacheLimitsAndTime.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
