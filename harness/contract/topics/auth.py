"""Who may ask: the provider's key, the gateway's token, and whose refusal it is."""

from dataclasses import dataclass, field, replace

from harness.contract.case import Expect, Key
from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene, answered, coded, refused, together
from harness.contract.topics.sources import ALL, AUTHENTICATION, BASETEN_ERRORS
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic
from harness.errors import Layer
from harness.gateway.config import DEFAULT_GATEWAY_KEY

topic = Topic(
    "auth", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, source=AUTHENTICATION, probe="auth"
)


@dataclass(slots=True)
class AuthScene(Scene):
    """Each credential missing and wrong, tokens that are nearly right, and a good request after."""

    no_key: Observation | None = None
    wrong_key: Observation | None = None
    no_token: Observation | None = None
    wrong_token: Observation | None = None
    near: dict[str, Observation] = field(default_factory=dict)
    after: Observation | None = None


@topic.scene(
    "auth-key-missing",
    Level.MUST,
    why="Anybody who knows the URL spends the owner's money.",
    needs=("provider_key",),
)
def missing_key_is_refused(scene: AuthScene) -> Finding:
    """Without a provider key nothing is generated (unless one is stored: then leave BASETEN_API_KEY
    unset).

    Nor is it where the request ends in a 5xx, which is no refusal for a client to act upon.
    """
    seen = answered(scene.no_key)
    if seen is not None and seen[0].status is not None and seen[0].status >= 500:
        return () if not seen[0].choices else refused(scene.no_key, what="no provider key")
    return refused(scene.no_key, what="a request without provider key")


@topic.scene(
    "auth-key-wrong",
    Level.MUST,
    why="A gateway that puts its own key in place of the caller's mixes tenants.",
    needs=("provider_key",),
)
def wrong_key_is_refused(scene: AuthScene) -> Finding:
    """The key on the request is forwarded unchanged, so a wrong one is refused."""
    return refused(scene.wrong_key, what="a wrong provider key")


@topic.scene(
    "auth-key-status",
    Level.SHOULD,
    why="Clients that see 400 do not ask for another key.",
    source=BASETEN_ERRORS,
    needs=("provider_key",),
)
def wrong_key_is_401(scene: AuthScene) -> Finding:
    """A wrong key is 401 or 403."""
    seen = answered(scene.wrong_key)
    if seen is None or not seen[0].rejected:
        return None
    if seen[0].status in (401, 403):
        return ()
    return (told("401 or 403", f"HTTP {seen[0].status}", "wrong provider key"),)


@topic.scene(
    "auth-key-layer",
    Level.MUST,
    why="The operator changes the wrong one of two credentials.",
    source="cloudflare/ai, packages/ai-gateway-provider",
    needs=("provider_key",),
)
def provider_refuses_its_key(scene: AuthScene) -> Finding:
    """The refusal of a wrong provider key is the provider's own, not the gateway's 2009."""
    seen = answered(scene.wrong_key)
    if seen is None or not seen[0].rejected:
        return None
    failure = seen[0].answer.failure if seen[0].answer else None
    if failure is None or not (failure.layer is Layer.GATEWAY and failure.code == "2009"):
        return ()
    came = "the gateway's 2009"
    return (told("the provider's error", came, "wrong provider key", seen[0].body),)


@topic.scene(
    "auth-token-missing", Level.MUST, why="The gateway is open to anybody.", needs=("auth",)
)
def missing_token_is_refused(scene: AuthScene) -> Finding:
    """With authentication on, a request without cf-aig-authorization is refused."""
    return refused(scene.no_token, what="a request without cf-aig-authorization")


@topic.scene("auth-token-wrong", Level.MUST, why="The gateway is open to anybody.", needs=("auth",))
def wrong_token_is_refused(scene: AuthScene) -> Finding:
    """With authentication on, a wrong token is refused."""
    return refused(scene.wrong_token, what="a wrong cf-aig-authorization")


@topic.scene(
    "auth-token-near",
    Level.MUST,
    why="A comparison of beginnings or lengths can be guessed step by step.",
    routes=("native",),
    needs=("auth",),
)
def near_misses_are_refused(scene: AuthScene) -> Finding:
    """A token that is nearly right is refused."""
    return together(refused(seen, what=f"a token that {n}") for n, seen in scene.near.items())


@topic.scene(
    "auth-token-code",
    Level.MUST,
    why="ai-gateway-provider turns exactly this into its own error.",
    source="cloudflare/ai, packages/ai-gateway-provider",
    needs=("auth",),
)
def gateway_refuses_its_token(scene: AuthScene) -> Finding:
    """The gateway's refusal is 401 with code 2009."""
    found = [
        coded(seen, status=401, codes=("2009",)) for seen in (scene.no_token, scene.wrong_token)
    ]
    judged = [finding for finding in found if isinstance(finding, tuple)]
    return tuple(f for finding in judged for f in finding) if judged else None


@topic.scene("auth-recovers", Level.MUST, why="One bad client locks out all others.", founded=True)
def answers_after_refusals(scene: AuthScene) -> Finding:
    """A good request after refused ones is answered."""
    seen = answered(scene.after)
    if seen is None:
        return None
    if seen[0].ok:
        return ()
    return (told("2xx after refusals", f"HTTP {seen[0].status}", "the next good request"),)


KEYS = ("auth-key-missing", "auth-key-wrong", "auth-key-status", "auth-key-layer")
TOKENS = ("auth-token-missing", "auth-token-wrong", "auth-token-code")


def play(stage: Stage, scene: AuthScene) -> None:
    """Each credential missing and wrong; the good request at the end shows that nothing stuck."""
    case = replace(stage.plain("credentials", 1100), expect=Expect.REJECT)
    if stage.wants(*KEYS):
        scene.no_key = stage.play(replace(case, provider_key=Key.NONE, topic="no provider key"))
        wrong = replace(case, provider_key=Key.WRONG, topic="wrong provider key")
        scene.wrong_key = stage.play(wrong)
    if stage.wants(*TOKENS):
        scene.no_token = stage.play(replace(case, gateway_key=Key.NONE, topic="no gateway token"))
        scene.wrong_token = stage.play(replace(case, gateway_key=Key.WRONG, topic="wrong token"))
    if stage.wants("auth-token-near"):
        for name, token in near(stage.sender.target.credentials.gateway_token or ""):
            wrong = with_headers(case, ("cf-aig-authorization", f"Bearer {token}"))
            scene.near[name] = stage.play(replace(wrong, topic=f"a token that {name}"))
    if stage.wants("auth-recovers"):
        scene.after = stage.play(stage.plain("after refusals", 1101))


LEAST = 16


"""A token as long as this, of letters in both cases or digits, is known by its pieces and in any
case: reports blank what is made of it."""


def near(token: str) -> tuple[tuple[str, str], ...]:
    """Tokens that careless comparisons accept, none of which a report would show.

    One that reads like a word is only made longer: other changes would hide it from redaction.
    """
    longer = (("goes on", f"{token}x"), ("has the right length", "x" * len(token)))
    known = len(token) >= LEAST and not token.islower() and not token.isalpha()
    if token != DEFAULT_GATEWAY_KEY and not known:
        return longer
    return (*longer, ("is in another case", token.swapcase()), ("ends otherwise", f"{token[:-1]}~"))
