"""Asks for what is not there, and for what nobody documents."""

from dataclasses import replace

from harness.contract.case import Expect
from harness.contract.probes.stage import Stage, with_headers

NOWHERE = "no-such-thing-7f3a"


def play(stage: Stage) -> None:
    """Unknown gateway, provider, model and prefix, then the undocumented requests."""
    case = stage.plain("places", 1000)
    no = replace(case, expect=Expect.REJECT)
    if stage.wants("unknown-gateway", "unknown-gateway-code", "error-gateway-form"):
        stage.play("unknown_gateway", replace(no, gateway=NOWHERE, topic="unknown gateway"))
    if stage.route == "model":
        stage.play("unknown_model", replace(no, model_id=NOWHERE, topic="unknown model"))
    else:
        stage.play("unknown_model", replace(no.having(model=NOWHERE), topic="unknown model"))
    _PLACES[stage.route](stage)
    _records(stage)


def _native(stage: Stage) -> None:
    case = stage.plain("unknown provider", 1001)
    path = f"/{NOWHERE}/v1/chat/completions"
    stage.play("unknown_provider", replace(case, path=path, expect=Expect.REJECT))


def _compat(stage: Stage) -> None:
    case = replace(stage.plain("compat", 1002), expect=Expect.REJECT)
    if stage.wants("compat-prefix-missing"):
        bare = case.having(model=NOWHERE)
        stage.play("no_prefix", replace(bare, prefix=False, topic="model without prefix"))
    if stage.wants("compat-prefix-unknown"):
        other = case.having(model=f"{NOWHERE}/some-model")
        stage.play("unknown_prefix", replace(other, prefix=False, topic="unknown prefix"))
    if stage.wants("compat-path"):
        stage.play("compat_path", replace(case, path="/compat/responses", topic="other path"))


def _model(stage: Stage) -> None:
    """The model route has no other places."""


_PLACES = {"native": _native, "compat": _compat, "model": _model}


def _records(stage: Stage) -> None:
    case = replace(stage.plain("record", 1003), expect=Expect.EITHER)
    if stage.wants("record-get"):
        stage.play("get", replace(case, method="GET", body=b"", topic="GET"))
    if stage.wants("record-not-json"):
        stage.play("not_json", replace(case, body=b"not json", topic="not JSON"))
    if stage.wants("record-option-bounds"):
        odd = with_headers(case, ("cf-aig-cache-ttl", "10"))
        stage.play("odd_header", replace(odd, topic="option outside its bounds"))
    if stage.wants("record-unknown-field"):
        stage.play("unknown_field", replace(case.having(foo=1), topic="unknown field"))
    if stage.wants("record-developer-role"):
        messages = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hello."},
        ]
        stage.play("developer_role", replace(case.having(messages=messages), topic="developer"))
