"""GatewayClient: a route and a transport behind three methods; what a user of the package imports.

    from harness import Address, Credentials, GatewayClient, GatewayOptions

    address = Address(account_id="...", gateway_id="...")
    with GatewayClient(address, Credentials(provider_key="...")) as client:
        answer = client.chat("What is Cloudflare?", max_tokens=100)
        print(answer.text, answer.usage, answer.metadata.cache_status)

        once = GatewayOptions(skip_cache=True, metadata={"team": "search"})
        with client.stream("And Baseten?", route="compat", options=once) as stream:
            for text in stream.texts():
                print(text, end="")
        print(stream.answer.finish_reason)

An answer that says no is an `AnswerError`, no complete answer a `TransportError`. Nothing is sent
twice: what to retry is the caller's decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

from harness.errors import AnswerError, UsageError
from harness.routes.address import NO_CREDENTIALS, NO_OPTIONS, Address, Credentials, GatewayOptions
from harness.routes.answer import Answer, TimedEvent
from harness.routes.body import asks_stream, chat_body
from harness.routes.build import build, unknown
from harness.routes.metadata import GatewayMetadata, gateway_metadata
from harness.routes.parse import parse, parser
from harness.routes.route import DEFAULT_MODEL, ROUTES, Route
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport, Incoming
from harness.transports.network import Network
from harness.wire import End, Request

Messages = str | Sequence[Mapping[str, Any]]
"""A conversation, or the text of its one user message."""


class GatewayClient:
    """Asks one gateway; threads may share it.

    `model` serves the native and compat routes, `model_id` the model route. `headers` go with every
    request. A transport that is passed in stays open when the client closes; another one goes the
    ways of `network`, by default those of the environment.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials = NO_CREDENTIALS,
        *,
        model: str = DEFAULT_MODEL,
        model_id: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        transport: HttpxTransport | None = None,
        timeouts: Timeouts | None = None,
        network: Network | None = None,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._model = model
        self._model_id = model_id
        self._headers = tuple(headers)
        self._owned = HttpxTransport(network=network) if transport is None else None
        self._transport = transport or self._owned or HttpxTransport(network=network)
        self._timeouts = Timeouts() if timeouts is None else timeouts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that the client opened itself."""
        if self._owned is not None:
            self._owned.close()

    def chat(
        self,
        messages: Messages,
        *,
        route: str = "native",
        model: str | None = None,
        options: GatewayOptions = NO_OPTIONS,
        **parameters: Any,
    ) -> Answer:
        """The whole answer of a chat completion; `parameters` go into the body as they are."""
        body = chat_body(messages, model=model or self._model, **parameters)
        return self._ask(route, self.request(route, body, options=options))

    def predict(
        self, payload: Any, *, model_id: str | None = None, options: GatewayOptions = NO_OPTIONS
    ) -> Answer:
        """The whole answer of a dedicated model to any JSON value, on the model route."""
        request = self.request("model", payload, model_id=model_id, options=options)
        return self._ask("model", request)

    @contextmanager
    def stream(
        self,
        content: Messages | Mapping[str, Any],
        *,
        route: str = "native",
        model: str | None = None,
        model_id: str | None = None,
        options: GatewayOptions = NO_OPTIONS,
        **parameters: Any,
    ) -> Iterator["AnswerStream"]:
        """An answer as it arrives, once its head has; refused, it is an `AnswerError` at once.

        `content` is a conversation, or on the model route the JSON object that the model takes, to
        which `"stream": true` is added.
        """
        if _gateway_route(route) is Route.MODEL:
            if not isinstance(content, Mapping):
                raise UsageError("the model route streams the answer to a JSON object")
            body: Mapping[str, Any] = {**content, "stream": True, **parameters}
        elif isinstance(content, Mapping):
            raise UsageError(f"the {route} route takes messages, not a JSON object")
        else:
            body = chat_body(content, model=model or self._model, stream=True, **parameters)
        request = self.request(route, body, model_id=model_id, options=options)
        with self._transport.open(request, timeouts=self._timeouts) as incoming:
            stream = AnswerStream(route, incoming)
            stream.raise_for_status()
            yield stream

    def request(
        self,
        route: str,
        body: Any,
        *,
        model_id: str | None = None,
        options: GatewayOptions = NO_OPTIONS,
    ) -> Request:
        """The request that the other methods send, for those who send it themselves."""
        options = replace(options, extra=(*self._headers, *options.extra))
        return build(
            _gateway_route(route),
            self._address,
            body,
            model_id=model_id or self._model_id,
            credentials=self._credentials,
            options=options,
        )

    def _ask(self, route: str, request: Request) -> Answer:
        exchange = self._transport.send(request, timeouts=self._timeouts)
        if exchange.error is not None or exchange.response is None:
            raise exchange.error or UsageError("the transport brought nothing back")
        answer = parse(route, request, exchange.response, sent_ns=exchange.sent_ns)
        return _raise_for_failure(answer)


class AnswerStream:
    """An answer that is still arriving; iterate once, over events or over texts.

    `answer` is complete after the last event; asked for earlier, it reads the rest first.
    """

    def __init__(self, route: str, incoming: Incoming) -> None:
        self._incoming = incoming
        self._finished: Answer | None = None
        self._parser = parser(
            route, sent_ns=incoming.sent_ns, asked_stream=asks_stream(incoming.request.body)
        )
        self._parser.head(incoming.status, incoming.headers, incoming.head_at_ns)

    def __iter__(self) -> Iterator[TimedEvent]:
        for chunk in self._incoming:
            yield from self._parser.feed(chunk)
        self._finish()

    def texts(self) -> Iterator[str]:
        """The pieces of content of a chat answer's first choice."""
        for event in self:
            text = _content(event.document)
            if text:
                yield text

    @property
    def metadata(self) -> GatewayMetadata:
        """What the gateway said about the request, known before the first event."""
        return gateway_metadata(self._incoming.headers)

    @property
    def answer(self) -> Answer:
        """The whole answer."""
        if self._finished is None:
            for _ in self:
                pass
        return self._finish()

    def raise_for_status(self) -> None:
        """Read a refusal to its end and raise it."""
        if self._incoming.status >= 400:
            _ = self.answer

    def _finish(self) -> Answer:
        if self._finished is None:
            self._finished = self._parser.finish(End.COMPLETE, self._incoming.end_at_ns)
        return _raise_for_failure(self._finished)


def _gateway_route(name: str) -> Route:
    """The route of that name; UsageError where the gateway has none."""
    if name not in ROUTES:
        raise unknown(name)
    return Route(name)


def _content(document: Any) -> str | None:
    """The text of one chunk: `choices[0].delta.content`, when it has that form."""
    try:
        text = document["choices"][0]["delta"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    return text if isinstance(text, str) else None


def _raise_for_failure(answer: Answer) -> Answer:
    if answer.failure is not None:
        raise AnswerError(answer.failure)
    return answer
