"""A dedicated model that takes an input of its own, on a socket: embeddings, Whisper, images."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.contract.case import Case
from harness.contract.clause import Result
from harness.contract.run.deployment import MARK, taken
from harness.contract.run.results import Results
from harness.contract.run.standin import TARGET
from tests.contract.runs import judged

Judge = Callable[[Any], tuple[int, dict[str, Any]]]


def embeds(document: Any) -> tuple[int, dict[str, Any]]:
    """A model that wants `text`, and takes nothing else beside it."""
    if not isinstance(document, dict) or not isinstance(document.get("text"), str):
        return 422, {"error": "field text is required"}
    unknown = sorted(document.keys() - {"text"})
    if unknown:
        return 422, {"error": f"unknown field {unknown[0]}"}
    return 200, {"embedding": [0.25, 0.5]}


def embeds_anything(document: Any) -> tuple[int, dict[str, Any]]:
    """A model that wants `text`, and overlooks the rest."""
    if not isinstance(document, dict) or not isinstance(document.get("text"), str):
        return 422, {"error": "field text is required"}
    return 200, {"embedding": [0.25, 0.5], "of": document["text"]}


@contextmanager
def serving(judge: Judge) -> Iterator[str]:
    """The origin of a server that has nothing but this model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                document = json.loads(body)
            except ValueError:
                document = None
            keyed = self.headers.get("authorization") == "Bearer baseten-key"
            status, answer = judge(document) if keyed else (401, {"error": "unauthorized"})
            if "/predict" not in self.path and "/model/" not in self.path:
                status, answer = 404, {"error": "no such path"}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def failing(ledger: Results) -> set[str]:
    entries = ledger.entries.values()
    return {e.clause.id for e in entries if e.route == "model" and e.result is Result.FAIL}


def on_model(judge: Judge, *inputs: dict[str, Any]) -> Results:
    """What a run says of the model route alone."""
    with serving(judge) as origin:
        address = replace(TARGET.address, origin=origin)
        target = replace(TARGET, address=address, model_input=inputs)
        return judged(target, routes=("model",))


def test_a_deployment_that_takes_another_input_is_not_judged_and_told_what_to_set() -> None:
    ledger = on_model(embeds)

    assert failing(ledger) == set()
    entry = ledger.entries["route-answers", "model"]
    assert entry.result is Result.NOT_EXERCISED
    assert "field text is required" in entry.why
    assert "BASETEN_MODEL_INPUT" in entry.why


@pytest.mark.parametrize("judge", [embeds, embeds_anything])
def test_a_deployment_is_asked_in_its_own_words(judge: Judge) -> None:
    ledger = on_model(judge, {"text": "hello"}, {"text": "good bye"})

    wrong = failing(ledger) - {"gateway-fields", "fields-always"}
    kept = {e.clause.id for e in ledger.entries.values() if e.result is Result.PASS}
    assert {"route-answers", "auth-recovers", "after-error-answered", "size-request"} <= kept
    assert not wrong & {"model-stream", "model-limit", "route-answers"}


def test_equal_cases_stay_equal_and_different_ones_stay_different() -> None:
    inputs = ({"text": "hello"},)
    one, other = (Case("model", {"prompt": text, "max_tokens": 1}, "x") for text in ("a", "b"))

    assert taken(one, inputs, marked=True) == taken(one, inputs, marked=True)
    assert taken(one, inputs, marked=True) != taken(other, inputs, marked=True)
    assert taken(one, inputs, marked=False).asked == {"text": "hello"}
    assert MARK in taken(one, inputs, marked=True).asked
    assert taken(taken(one, inputs, marked=True), inputs, marked=True).asked["text"] == "hello"
