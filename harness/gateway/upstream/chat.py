"""A validated chat request as a record: what the completion depends on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.gateway.behaviour import Behaviour
from harness.gateway.rng import Rng
from harness.gateway.upstream.prompt import prompt_tokens

_EFFORTS = {"minimal": 4, "low": 8, "medium": 16, "high": 32, "xhigh": 48, "max": 64}
_DEFAULT_EFFORT = 16


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared function: its name and the JSON Schema of its arguments."""

    name: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat request after validation.

    `limit` is the smaller of max_tokens and max_completion_tokens, None for no limit. `thinking` is
    how many reasoning tokens the model would produce, 0 for none. `schema` is the JSON Schema that
    the content has to satisfy (True for any object), None for prose. `rng` depends on what the
    answer depends on, and so not on `stream`, limits or stop strings.
    """

    model: str
    stream: bool
    choices: int
    limit: int | None
    stops: tuple[str, ...]
    tools: tuple[Tool, ...]
    calls: int
    thinking: int
    schema: Any
    logprobs: bool
    top_logprobs: int
    include_usage: bool
    continuous_usage: bool
    min_tokens: int
    ignore_eos: bool
    prompt_tokens: int
    rng: Rng


def read_chat(document: Mapping[str, Any], behaviour: Behaviour, seed: int) -> Chat:
    """The record of a document that passed validation."""
    include, continuous = _usage(document.get("stream_options") or {}, behaviour)
    tools = _offered(document)
    return Chat(
        model=document["model"],
        stream=document.get("stream") is True,
        choices=(document.get("n") or 1) if behaviour.n_policy == "serve" else 1,
        limit=_limit(document),
        stops=_stops(document.get("stop")),
        tools=tools,
        calls=_call_count(document, len(tools)),
        thinking=_thinking(document, behaviour),
        schema=_schema(document.get("response_format")),
        logprobs=document.get("logprobs") is True,
        top_logprobs=document.get("top_logprobs") or 0,
        include_usage=include,
        continuous_usage=continuous,
        min_tokens=document.get("min_tokens") or 0,
        ignore_eos=document.get("ignore_eos") is True,
        prompt_tokens=prompt_tokens(document),
        rng=_dice(document, seed),
    )


def _dice(document: Mapping[str, Any], seed: int) -> Rng:
    named = ("model", "messages", "seed", "tools", "tool_choice", "response_format")
    return Rng("chat", seed, *(repr(document.get(name)) for name in named))


def _limit(document: Mapping[str, Any]) -> int | None:
    limits = (document.get("max_tokens"), document.get("max_completion_tokens"))
    return min((limit for limit in limits if limit is not None), default=None)


def _stops(stop: Any) -> tuple[str, ...]:
    items = [stop] if isinstance(stop, str) else stop or []
    return tuple(item for item in items if isinstance(item, str))


def _usage(options: Mapping[str, Any], behaviour: Behaviour) -> tuple[bool, bool]:
    default = behaviour.stream_usage
    include = options.get("include_usage")
    continuous = options.get("continuous_usage_stats")
    include = default != "none" if include is None else include
    continuous = default == "every-chunk" if continuous is None else continuous
    return include, include and continuous


def _offered(document: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools that the model may call: none, the named one, or all."""
    choice = document.get("tool_choice")
    functions = [tool["function"] for tool in document.get("tools") or ()]
    if choice == "none" or (choice in (None, "auto") and _follows_a_result(document)):
        return ()
    if isinstance(choice, Mapping):
        functions = [item for item in functions if item["name"] == choice["function"]["name"]][:1]
    return tuple(Tool(item["name"], item.get("parameters")) for item in functions)


def _follows_a_result(document: Mapping[str, Any]) -> bool:
    return bool(document["messages"][-1]["role"] == "tool")


def _call_count(document: Mapping[str, Any], offered: int) -> int:
    """One call where one is meant; two where parallel calls are asked for or several tools fit."""
    parallel = document.get("parallel_tool_calls")
    if offered == 0 or parallel is False or isinstance(document.get("tool_choice"), Mapping):
        return min(offered, 1)
    return 2 if parallel else min(offered, 2)


def _thinking(document: Mapping[str, Any], behaviour: Behaviour) -> int:
    effort = document.get("reasoning_effort")
    enabled = (document.get("chat_template_args") or {}).get("enable_thinking")
    if effort == "none" or enabled is False:
        return 0
    if effort is None and not enabled and not behaviour.thinks_by_default:
        return 0
    return _EFFORTS.get(str(effort), _DEFAULT_EFFORT)


def _schema(response_format: Any) -> Any:
    kind = (response_format or {}).get("type")
    if kind == "json_object":
        return True
    return response_format["json_schema"]["schema"] if kind == "json_schema" else None
