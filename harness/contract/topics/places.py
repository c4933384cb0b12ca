"""What is not there: other gateways, providers, paths and models, and the SDK's path."""

from dataclasses import dataclass, replace

from harness.contract.case import Expect
from harness.contract.clause import EvidenceGrade, Finding, Level, Profile
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene, coded, recorded, refused
from harness.contract.topics.sources import (
    ALL,
    BASETEN_ERRORS,
    BASETEN_PAGE,
    CACHING,
    CHAT,
    COMPAT_PAGE,
    REQUEST,
)
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic

topic = Topic("places", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, probe="places")


@dataclass(slots=True)
class MissingScene(Scene):
    """A gateway and a model that do not exist."""

    gateway: Observation | None = None
    model: Observation | None = None


@dataclass(slots=True)
class PlacesScene(Scene):
    """Providers, prefixes and paths that do not exist, and requests that nobody documents."""

    provider: Observation | None = None
    no_prefix: Observation | None = None
    unknown_prefix: Observation | None = None
    compat_path: Observation | None = None
    get: Observation | None = None
    not_json: Observation | None = None
    odd_header: Observation | None = None
    unknown_field: Observation | None = None
    developer_role: Observation | None = None


@topic.scene(
    "unknown-gateway",
    Level.MUST,
    why="Traffic of a misconfigured client reaches somebody's provider unlogged.",
    source="cloudflare/ai, packages/ai-gateway-provider",
    probe="missing",
    needs=("gateway_path",),
)
def unknown_gateway_is_refused(scene: MissingScene) -> Finding:
    """A gateway id that does not exist is refused."""
    return refused(scene.gateway, what="an unknown gateway")


@topic.scene(
    "unknown-gateway-code",
    Level.SHOULD,
    why="ai-gateway-provider turns exactly this into its own error.",
    source="cloudflare/ai, packages/ai-gateway-provider",
    probe="missing",
    needs=("gateway_path",),
)
def unknown_gateway_says_2001(scene: MissingScene) -> Finding:
    """The refusal is 400 with code 2001."""
    return coded(scene.gateway, status=400, codes=("2001",))


@topic.scene(
    "unknown-provider",
    Level.MUST,
    why="A typo in the URL is answered by something else.",
    routes=("native",),
    source="developers.cloudflare.com/ai-gateway/usage/providers/",
)
def unknown_provider_is_refused(scene: PlacesScene) -> Finding:
    """A provider that does not exist is refused."""
    return refused(scene.provider, what="an unknown provider")


@topic.scene(
    "unknown-provider-code",
    Level.SHOULD,
    why="Clients tell a wrong URL from a wrong request by it.",
    routes=("native",),
    evidence=EvidenceGrade.OBSERVED,
    source="anomalyco/opencode#44827",
)
def unknown_provider_says_2008(scene: PlacesScene) -> Finding:
    """The refusal is 400 with code 2008."""
    return coded(scene.provider, status=400, codes=("2008",))


@topic.scene(
    "unknown-model",
    Level.MUST,
    why="Another model answers and is billed.",
    source=BASETEN_ERRORS,
    probe="missing",
)
def unknown_model_is_refused(scene: MissingScene) -> Finding:
    """A model that does not exist is refused."""
    return refused(scene.model, what="an unknown model")


@topic.scene(
    "compat-prefix-missing",
    Level.SHOULD,
    why="The request goes to a provider that nobody chose.",
    routes=("compat",),
    source=COMPAT_PAGE,
)
def missing_prefix_is_refused(scene: PlacesScene) -> Finding:
    """A model without its provider's prefix is refused."""
    return refused(scene.no_prefix, what="a model without a provider's prefix")


@topic.scene(
    "compat-prefix-unknown",
    Level.MUST,
    why="The request goes to a provider that nobody chose.",
    routes=("compat",),
    source=COMPAT_PAGE,
)
def unknown_prefix_is_refused(scene: PlacesScene) -> Finding:
    """A model with an unknown provider's prefix is refused."""
    return refused(scene.unknown_prefix, what="a model with an unknown prefix")


@topic.scene(
    "compat-path",
    Level.SHOULD,
    why="SDK features that need it seem to work.",
    routes=("compat",),
    evidence=EvidenceGrade.OBSERVED,
    source=COMPAT_PAGE,
)
def unknown_compat_path_is_refused(scene: PlacesScene) -> Finding:
    """Another path under compat is refused."""
    return refused(scene.compat_path, what="an unknown path under compat")


@topic.scene(
    "record-get",
    Level.RECORD,
    why="Health checks use GET.",
    source=BASETEN_PAGE,
    profile=Profile.EXTENDED,
)
def get(scene: PlacesScene) -> Finding:
    """What a GET on the route does."""
    return recorded(scene.get)


@topic.scene(
    "record-not-json",
    Level.RECORD,
    why="Errors for it differ by server.",
    source=BASETEN_PAGE,
    profile=Profile.EXTENDED,
)
def not_json(scene: PlacesScene) -> Finding:
    """What a body that is not JSON does."""
    return recorded(scene.not_json)


@topic.scene(
    "record-option-bounds",
    Level.RECORD,
    why="Clamped or refused: nobody documents it.",
    source=CACHING,
    profile=Profile.EXTENDED,
)
def odd_header(scene: PlacesScene) -> Finding:
    """What `cf-aig-cache-ttl: 10`, below its documented minimum, does."""
    return recorded(scene.odd_header)


@topic.scene(
    "record-unknown-field",
    Level.RECORD,
    why="Frontend versions ignore or refuse it.",
    routes=CHAT,
    evidence=EvidenceGrade.OBSERVED,
    source="basetenlabs/truss, michaelfeil/dynamo baseten-changelog.md",
    profile=Profile.EXTENDED,
)
def unknown_field(scene: PlacesScene) -> Finding:
    """What an unknown body field does."""
    return recorded(scene.unknown_field)


@topic.scene(
    "record-developer-role",
    Level.RECORD,
    why="OpenAI documents it, Baseten does not.",
    routes=CHAT,
    evidence=EvidenceGrade.SPECIFIED,
    source=REQUEST,
    profile=Profile.EXTENDED,
)
def developer_role(scene: PlacesScene) -> Finding:
    """What a message of role developer does."""
    return recorded(scene.developer_role)


NOWHERE = "no-such-thing-7f3a"


def missing(stage: Stage, scene: MissingScene) -> None:
    """An unknown gateway and an unknown model."""
    no = replace(stage.plain("places", 1000), expect=Expect.REJECT)
    if stage.wants("unknown-gateway", "unknown-gateway-code", "error-gateway-form"):
        scene.gateway = stage.play(replace(no, gateway=NOWHERE, topic="unknown gateway"))
    on_model = stage.route == "model"
    unknown = replace(no, model_id=NOWHERE) if on_model else no.having(model=NOWHERE)
    scene.model = stage.play(replace(unknown, topic="unknown model"))


def play(stage: Stage, scene: PlacesScene) -> None:
    """Unknown provider and prefix, then the undocumented requests."""
    _PLACES[stage.route](stage, scene)
    _records(stage, scene)


def _native(stage: Stage, scene: PlacesScene) -> None:
    case = stage.plain("unknown provider", 1001)
    path = f"/{NOWHERE}/v1/chat/completions"
    scene.provider = stage.play(replace(case, path=path, expect=Expect.REJECT))


def _compat(stage: Stage, scene: PlacesScene) -> None:
    case = replace(stage.plain("compat", 1002), expect=Expect.REJECT)
    if stage.wants("compat-prefix-missing"):
        bare = case.having(model=NOWHERE)
        bare = replace(bare, prefix=False, topic="model without prefix")
        scene.no_prefix = stage.play(bare)
    if stage.wants("compat-prefix-unknown"):
        other = case.having(model=f"{NOWHERE}/some-model")
        other = replace(other, prefix=False, topic="unknown prefix")
        scene.unknown_prefix = stage.play(other)
    if stage.wants("compat-path"):
        other = replace(case, path="/compat/responses", topic="other path")
        scene.compat_path = stage.play(other)


def _model(stage: Stage, scene: PlacesScene) -> None:
    """The model route has no other places."""


_PLACES = {"native": _native, "compat": _compat, "model": _model}


def _records(stage: Stage, scene: PlacesScene) -> None:
    case = replace(stage.plain("record", 1003), expect=Expect.EITHER)
    if stage.wants("record-get"):
        scene.get = stage.play(replace(case, method="GET", body=b"", topic="GET"))
    if stage.wants("record-not-json"):
        scene.not_json = stage.play(replace(case, body=b"not json", topic="not JSON"))
    if stage.wants("record-option-bounds"):
        odd = with_headers(case, ("cf-aig-cache-ttl", "10"))
        scene.odd_header = stage.play(replace(odd, topic="option outside its bounds"))
    if stage.wants("record-unknown-field"):
        unknown = replace(case.having(foo=1), topic="unknown field")
        scene.unknown_field = stage.play(unknown)
    if stage.wants("record-developer-role"):
        messages = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hello."},
        ]
        developer = replace(case.having(messages=messages), topic="developer")
        scene.developer_role = stage.play(developer)
