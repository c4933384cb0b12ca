"""Whatever comes back, the checks judge it and never break."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.case import Case
from harness.contract.output.recording import behaviour_of
from harness.contract.requests.fixed import CLOCK, SCHEMA
from harness.contract.run.outage import outage, refusal
from harness.contract.run.results import Results
from harness.contract.run.verdict import conclude
from harness.contract.topics.catalogue import CLAUSES
from tests.contract.answers import (
    asked,
    call,
    calling,
    chunk,
    good_chunks,
    plain,
    rejected,
    seen,
    streamed,
)
from tests.contract.stages import SCENES, filled

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [None, 1, {"index": 0}]),
    st.builds(lambda: {"a": {"b": []}}),
)
CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
LOGPROBS = {"content": [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}]}
DOCUMENTS = [plain(), calling(call()), plain(usage={"completion_tokens_details": {}})]
CASES = [
    asked(),
    asked(tools=[CLOCK], tool_choice="required", n=2, stop=["a"], max_tokens=5, logprobs=True),
    asked(response_format=SCHEMA),
    rejected(),
    Case("model", {"prompt": "x"}, "by hand"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all nodes below a JSON value."""
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    found = [path] if path else []
    return found + [place for key, item in items for place in places(item, (*path, key))]


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document with a few nodes replaced by something else."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(made) or [("x",)]))
        parent = made
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = draw(ODD)
    return made


def judge(case: Case, body: bytes, *, status: int = 200) -> None:
    """Everything that a run does with an answer, but for sending."""
    observation = seen(case, body, status=status)
    again = seen(case, body, status=status, number=2)
    ledger = Results(CLAUSES, (case.route,))
    ledger.see(observation)
    assert [entry.error for entry in ledger.entries.values() if entry.error] == []
    for clause in CLAUSES:
        if clause.scene is not None and clause.probe is not None:
            clause.scene(filled(SCENES[clause.probe], observation))
        if clause.whole is not None:
            clause.whole([observation, again, again])
    behaviour_of([observation, again])
    outage(observation)
    refusal(observation)
    conclude(ledger)


@settings(deadline=None)
@given(st.data(), st.sampled_from(CASES), st.sampled_from([200, 400, 401, 500]))
def test_damaged_plain_answers_are_judged(data: st.DataObject, case: Case, status: int) -> None:
    document = data.draw(damaged(data.draw(st.sampled_from(DOCUMENTS))))

    judge(case, json.dumps(document).encode(), status=status)


@settings(deadline=None)
@given(st.data())
def test_damaged_streams_are_judged(data: st.DataObject) -> None:
    more = [chunk({"tool_calls": [CALL]}), chunk({"content": "a"}) | {"error": {"code": 1}}]
    more[0]["choices"][0]["logprobs"] = LOGPROBS
    chunks = data.draw(damaged([*good_chunks(), *more]))
    body = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks)

    judge(streamed(logprobs=True, tools=[CLOCK], stop="x"), body.encode())


@settings(deadline=None)
@given(st.sampled_from([*CASES, streamed()]), st.binary(max_size=200), st.sampled_from([200, 404]))
def test_any_bytes_are_judged(case: Case, body: bytes, status: int) -> None:
    judge(case, body, status=status)
