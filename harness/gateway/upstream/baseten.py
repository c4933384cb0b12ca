"""The provider as the gateway sees it: keys, paths, catalogue, and the two kinds of model."""

from collections.abc import Mapping
from urllib.parse import unquote

from harness.gateway.config import Config
from harness.gateway.identity import provider_request_id, uuid4
from harness.gateway.rng import Rng
from harness.gateway.slots import Slots
from harness.gateway.timing import shifted
from harness.gateway.upstream import errors
from harness.gateway.upstream.asked import ForwardedRequest, MalformedBody
from harness.gateway.upstream.chat import read_chat
from harness.gateway.upstream.completion import can_answer, complete
from harness.gateway.upstream.messages import MULTIMODAL
from harness.gateway.upstream.predict import predict
from harness.gateway.upstream.rendering import AnswerIdentity, plain
from harness.gateway.upstream.streaming import stream
from harness.gateway.upstream.validation import problems
from harness.wire import Chunk, Response

CHAT_PATH = "v1/chat/completions"
_CHAT_BYTES = 45 * 1024 * 1024
_MODEL_BYTES = 100 * 1024 * 1024


class Baseten:
    """The same request with the same serial number has the same answer, wherever it may wait.

    Only its slots have a state.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._slots = Slots(config.slots, config.queue) if config.slots else None
        schemes = ("Bearer", "Api-Key") if config.provider_key else ()
        self._accepted = tuple(f"{scheme} {config.provider_key}" for scheme in schemes)

    def answer(self, asked: ForwardedRequest) -> Response:
        """The provider's answer; times count from the request's arrival at the provider."""
        response = self._served(asked, self._route(asked))
        request_id = provider_request_id(Rng("provider", self._config.seed, asked.serial))
        headers = response.headers.replacing("x-baseten-request-id", request_id)
        return Response(
            response.status,
            headers,
            response.chunks,
            response.head_at_ns,
            end_at_ns=response.end_at_ns,
        )

    def left(self, serial: int, at_ns: int) -> Mapping[int, int]:
        """End the request of that number; by how much the answers to others come earlier."""
        return {} if self._slots is None else self._slots.leave(serial, at_ns)

    def _served(self, asked: ForwardedRequest, answer: Response) -> Response:
        """The answer after its wait for a slot, which only a generation takes.

        Without room for another to wait: docs.baseten.co/deployment/autoscaling, 529 under load.
        """
        if self._slots is None or answer.status != 200 or asked.method != "POST":
            return answer
        wait_ns = self._slots.take(
            asked.serial,
            asked.at_ns,
            head_ns=answer.head_at_ns,
            service_ns=answer.end_at_ns,
            until_ns=asked.until_ns,
        )
        if wait_ns is None:
            return errors.overloaded(on_model=asked.on_model)
        return shifted(answer, wait_ns)

    def _route(self, asked: ForwardedRequest) -> Response:
        on_model = asked.on_model
        if asked.authorization not in self._accepted:
            return _unauthorized(on_model, given=asked.authorization is not None)
        if asked.path == "v1/models" and asked.method in ("GET", "HEAD"):
            return self._models()
        if asked.path != CHAT_PATH and not on_model:
            return errors.flat(404, "Not Found")
        if asked.method != "POST":
            return errors.answer(405, None, ("allow", "POST"))
        return self._predict(asked) if on_model else self._chat(asked)

    def _models(self) -> Response:
        models = [
            {"id": slug, "object": "model", "created": 1_767_225_600, "owned_by": "baseten"}
            for slug in self._config.catalogue
        ]
        return errors.answer(200, {"object": "list", "data": models})

    def _predict(self, asked: ForwardedRequest) -> Response:
        if unquote(asked.path) != f"model/{self._config.model_id}" or not self._config.model_id:
            return errors.predict(404, "model_does_not_exist", "Model not found")
        if asked.size > _MODEL_BYTES:
            return errors.predict(413, "payload_too_large", "Payload too large")
        if isinstance(asked.document, MalformedBody):
            return errors.truss(400, f"Invalid JSON payload: {asked.document.reason}")
        config = self._config
        gathers = config.behaviour.predict_gathers_for_json
        return predict(asked, seed=config.seed, timing=config.timing, gathers=gathers)

    def _chat(self, asked: ForwardedRequest) -> Response:
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        config = self._config
        behaviour, timing = config.behaviour, config.timing
        chat = read_chat(asked.document, behaviour, config.seed)
        if not can_answer(chat):
            return _invalid("Validation: response_format json_schema allows no value")
        completions = [complete(chat, index, timing.tokens) for index in range(chat.choices)]
        rng = Rng("answer", config.seed, asked.serial)
        who = AnswerIdentity(f"chatcmpl-{uuid4(rng)}", asked.now_s, rng)
        if chat.stream:
            return stream(chat, completions, who, behaviour=behaviour, timing=timing)
        tokens = max(1, sum(completion.generated for completion in completions))
        at_ns = timing.schedule(tokens, rng.fork("timing"))[-1]
        document = plain(chat, completions, who, nulls=behaviour.nulls == "send")
        made = errors.answer(200, document)
        return Response(200, made.headers, (Chunk(made.body, at_ns),), at_ns, end_at_ns=at_ns)

    def _refusal(self, asked: ForwardedRequest) -> Response | None:
        if asked.size > _CHAT_BYTES:
            return errors.flat(413, "Failed to buffer the request body: length limit exceeded")
        needs_type = self._config.behaviour.content_type_required
        if needs_type and not _is_json(asked.content_type):
            return errors.flat(400, "Expected request with `Content-Type: application/json`")
        if isinstance(asked.document, MalformedBody):
            reason = f"Failed to parse the request body as JSON: {asked.document.reason}"
            return errors.flat(400, reason)
        problem = next(problems(asked.document, self._config.behaviour), None)
        if problem is not None:
            return _invalid(problem)
        if asked.document["model"] not in self._config.catalogue:
            return errors.flat(404, "Model not found")
        return None


def _invalid(problem: str) -> Response:
    if problem != MULTIMODAL:
        return errors.flat(400, problem)
    return errors.answer(
        400, {"message": problem, "type": "Bad Request", "code": 400, "request_id": "r1"}
    )


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _unauthorized(on_model: bool, *, given: bool) -> Response:
    text = "Invalid API key" if given else "Missing API key"
    return errors.predict(401, "unauthorized", text) if on_model else errors.string(401, text)
