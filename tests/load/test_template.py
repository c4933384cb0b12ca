"""Requests from a template are those that the routes' own builders make."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load import sender as sender_module
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import Prompt, Prompts
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.routes.address import Address, Credentials
from harness.routes.body import asks_stream
from harness.routes.route import ROUTES
from harness.transports.gevent import GeventTransport

TEXT = st.text(st.characters(), max_size=20) | st.text(st.characters(categories=["Cs"]), max_size=3)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PARTS = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(("user", "system"))}, optional={"content": st.none() | TEXT | PARTS}
)
MORE = st.dictionaries(
    TEXT
    | st.sampled_from(("model", "stream", "max_tokens", "max_completion_tokens", "temperature")),
    JSON,
    max_size=3,
)
LINES: st.SearchStrategy[Prompt] = st.builds(
    lambda asked, more: {**more, **asked},
    st.fixed_dictionaries({"prompt": TEXT})
    | st.fixed_dictionaries({"messages": st.lists(MESSAGE, min_size=1, max_size=3)}),
    MORE,
)


def sender(*lines: Prompt, name: str = "openai/gpt-oss-120b") -> RequestSender:
    plan = LoadPlan(
        "run",
        "out",
        Address("http://127.0.0.1:1", "acc", "gw"),
        name,
        "abcd1234",
        rid_header="x-rid",
    )
    asked = Prompts(model=name, stream=True, max_output_tokens=7, prompt_tokens=40, prompts=lines)
    return RequestSender(plan, Identity(Credentials("key")), worker="load-0", prompts=asked)


@pytest.fixture(name="transport", scope="module")
def _transport() -> Iterator[GeventTransport]:
    made = GeventTransport()
    yield made
    made.close()


@settings(deadline=None)
@given(
    line=LINES,
    route=st.sampled_from(ROUTES),
    seq=st.integers(0, 10**9),
    name=st.sampled_from(("m", "baseten/m")),
)
def test_a_template_gives_the_bytes_of_the_builder(
    transport: GeventTransport, line: Prompt, route: str, seq: int, name: str
) -> None:
    made = sender(line, name=name)
    ticket = Ticket(seq, route, "mixed", "steady")

    template = made.template(ticket, transport)

    request = made.request(ticket)
    assert template.message(made.event_id(ticket), seq) == transport.message(request)
    assert template.streams == asks_stream(request.body)


def test_each_prompt_is_encoded_once(transport: GeventTransport) -> None:
    made = sender({"prompt": "a"}, {"prompt": "b"})

    templates = [
        made.template(Ticket(seq, "native", "mixed", "steady"), transport) for seq in range(4)
    ]

    assert templates[0] is templates[2]
    assert templates[1] is templates[3]
    assert templates[0] is not templates[1]


def test_all_routes_of_one_turn_are_asked_the_same_after_nonces_of_their_own() -> None:
    made = sender({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"})
    routes = ("native", "compat")

    bodies = [
        [
            json.loads(
                made.request(Ticket(turn * 10 + n, route, "compare", "steady", turn=turn)).body
            )
            for n, route in enumerate(routes)
        ]
        for turn in range(6)
    ]

    asked = [[body["messages"][0]["content"].split(" ", 1) for body in turn] for turn in bodies]
    assert [text for (_, text), _ in asked] == ["a", "b", "c", "a", "b", "c"]
    assert all(first[1] == second[1] and first[0] != second[0] for first, second in asked)


def test_no_more_is_kept_than_there_is_room_for(
    transport: GeventTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "MOST_KEPT_BYTES", 3000)
    made = sender(*({"prompt": "x" * 300 + str(number)} for number in range(50)))
    tickets = [Ticket(seq, "model", "mixed", "steady") for seq in range(50)]

    kept = [made.template(one, transport) is made.template(one, transport) for one in tickets]

    assert 1 <= sum(kept) <= 4
