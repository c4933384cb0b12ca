import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import respx

import harness.client
from harness.client import GatewayClient
from harness.errors import AnswerError, Layer, TransportError, TransportKind, UsageError
from harness.gateway.clock import VirtualClock
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.respx import mount
from harness.routes.address import CLOUDFLARE, Address, Credentials, GatewayOptions
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport

ADDRESS = Address(CLOUDFLARE, "acc", "gw")
KEY = Credentials(provider_key="baseten-key")


@contextmanager
def stand_in(config: Config | None = None) -> Iterator[HttpxTransport]:
    clock = VirtualClock()
    with respx.mock() as router, HttpxTransport(now_ns=clock.now_ns) as transport:
        mount(router, Gateway(config), origin=CLOUDFLARE, clock=clock)
        yield transport


@contextmanager
def client(config: Config | None = None) -> Iterator[GatewayClient]:
    with (
        stand_in(config) as transport,
        GatewayClient(ADDRESS, KEY, model_id="abcd1234", transport=transport) as client,
    ):
        yield client


def test_the_example_of_the_docstring_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (harness.client.__doc__ or "").partition("\n\n")[2].partition("\n\nAn answer")[0]
    example = textwrap.dedent(text)
    for name, value in (("account_id", "acc"), ("gateway_id", "gw"), ("key", "baseten-key")):
        example = example.replace(f'{name}="..."', f'{name}="{value}"')

    with respx.mock() as router:
        mount(router, Gateway(), origin=CLOUDFLARE, clock=VirtualClock())
        exec(compile(example, "docstring", "exec"), {})  # noqa: S102 - it is our own text

    lines = capsys.readouterr().out.splitlines()
    assert "Usage(" in lines[0]
    assert lines[-1].endswith(("stop", "length"))


@pytest.mark.parametrize("route", ["native", "compat"])
def test_a_chat_is_answered_on_either_route(route: str) -> None:
    with client() as gateway:
        answer = gateway.chat("Hi", route=route, max_tokens=5)

    assert answer.status == 200
    assert answer.text
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.metadata.log_id


@pytest.mark.parametrize("route", ["native", "compat"])
def test_a_stream_says_what_the_whole_answer_says(route: str) -> None:
    with client() as gateway:
        whole = gateway.chat("Hi", route=route, seed=7, temperature=0)
        with gateway.stream("Hi", route=route, seed=7, temperature=0) as stream:
            log_id = stream.metadata.log_id
            texts = list(stream.texts())

    assert len(texts) > 1
    assert "".join(texts) == whole.text
    assert stream.answer.finish_reason == whole.finish_reason
    assert stream.answer.metadata.log_id == log_id


def test_the_answer_of_a_stream_can_be_had_without_iterating() -> None:
    with client() as gateway, gateway.stream("Hi") as stream:
        assert stream.answer.done


def test_events_arrive_with_their_times() -> None:
    with client() as gateway, gateway.stream("Hi") as stream:
        times = [event.at_ns for event in stream]

    assert times == sorted(times)
    assert len(set(times)) > 1


def test_a_dedicated_model_is_asked_on_the_model_route() -> None:
    with client() as gateway:
        answer = gateway.predict({"prompt": "Hi", "max_tokens": 5})
        with gateway.stream({"prompt": "Hi", "max_tokens": 5}, route="model") as stream:
            streamed = stream.answer

    assert answer.is_json
    assert streamed.streamed


def test_options_of_a_request_are_typed_arguments() -> None:
    options = GatewayOptions(cache_key="k", metadata={"team": "search"}, event_id="mine")

    with client(Config(cache_ttl=60)) as gateway:
        first = gateway.chat("Hi", options=options)
        second = gateway.chat("Hi", options=options)

    assert (first.metadata.cache_status, second.metadata.cache_status) == ("MISS", "HIT")
    assert first.metadata.event_id == "mine"


def test_headers_of_the_client_go_with_every_request() -> None:
    gateway = GatewayClient(ADDRESS, KEY, headers=[("x-team", "search")])
    options = GatewayOptions(extra=(("x-call", "1"),))

    request = gateway.request("native", {}, options=options)
    gateway.close()

    assert request.headers.get("x-team") == "search"
    assert request.headers.get("x-call") == "1"
    assert request.headers.get("authorization") == "Bearer baseten-key"


def test_a_refusal_is_an_answer_error_with_the_layer_that_refused() -> None:
    with stand_in() as transport:
        unknown = GatewayClient(Address(CLOUDFLARE, "acc", "other"), KEY, transport=transport)
        wrong = GatewayClient(ADDRESS, Credentials(provider_key="wrong"), transport=transport)

        with pytest.raises(AnswerError) as by_gateway:
            unknown.chat("Hi")
        with pytest.raises(AnswerError) as by_provider, wrong.stream("Hi"):
            pass

    assert by_gateway.value.failure.layer is Layer.GATEWAY
    assert by_gateway.value.failure.code == "2001"
    assert by_provider.value.failure.layer is Layer.PROVIDER
    assert by_provider.value.failure.status in (401, 403)


def test_nothing_complete_is_a_transport_error() -> None:
    with stand_in() as transport:
        gateway = GatewayClient(
            ADDRESS, KEY, transport=transport, timeouts=Timeouts(first_byte=0.001)
        )

        with pytest.raises(TransportError) as by_chat:
            gateway.chat("Hi")
        with pytest.raises(TransportError) as by_stream, gateway.stream("Hi"):
            pass

    assert by_chat.value.kind is TransportKind.FIRST_BYTE_TIMEOUT
    assert by_stream.value.kind is TransportKind.FIRST_BYTE_TIMEOUT


def test_the_model_route_needs_a_model_id() -> None:
    with GatewayClient(ADDRESS) as gateway, pytest.raises(UsageError, match="BASETEN_MODEL_ID"):
        gateway.predict({})


def test_an_unknown_route_is_a_usage_error() -> None:
    with GatewayClient(ADDRESS) as gateway, pytest.raises(UsageError, match="native, compat or"):
        gateway.chat("Hi", route="nativ")


def test_content_must_fit_its_route() -> None:
    with GatewayClient(ADDRESS, model_id="m") as gateway:
        with pytest.raises(UsageError, match="takes messages"), gateway.stream({"prompt": "Hi"}):
            pass
        with pytest.raises(UsageError, match="JSON object"), gateway.stream("Hi", route="model"):
            pass


def test_only_a_gateway_s_own_routes_can_be_asked() -> None:
    gateway = GatewayClient(ADDRESS, KEY)

    with gateway, pytest.raises(UsageError, match="unknown route 'direct'"):
        gateway.request("direct", {})
