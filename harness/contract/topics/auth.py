"""Who may ask: the provider's key, the gateway's token, and whose refusal it is."""

from dataclasses import replace

from harness.contract.case import Expect, Key
from harness.contract.clause import EvidenceGrade, Finding, Level, Scene
from harness.contract.fault import told
from harness.contract.topics.scenes import answered, code_of, refused
from harness.contract.topics.sources import ALL, AUTHENTICATION, BASETEN_ERRORS
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic
from harness.errors import Layer
from harness.gateway.config import DEFAULT_GATEWAY_KEY

topic = Topic(
    "auth", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, source=AUTHENTICATION, probe="auth"
)


@topic.scene(
    "auth-key-missing",
    Level.MUST,
    why="Anybody who knows the URL spends the owner's money.",
    needs=("provider_key",),
)
def missing_key_is_refused(scene: Scene) -> Finding:
    """Without a provider key nothing is generated (unless one is stored: then leave BASETEN_API_KEY
    unset).

    Nor is it where the request ends in a 5xx, which is no refusal for a client to act upon.
    """
    seen = answered("no_key", scene=scene)
    if seen is not None and seen[0].status is not None and seen[0].status >= 500:
        return () if not seen[0].choices else refused(scene, "no_key", what="no provider key")
    return refused(scene, "no_key", what="a request without provider key")


@topic.scene(
    "auth-key-wrong",
    Level.MUST,
    why="A gateway that puts its own key in place of the caller's mixes tenants.",
    needs=("provider_key",),
)
def wrong_key_is_refused(scene: Scene) -> Finding:
    """The key on the request is forwarded unchanged, so a wrong one is refused."""
    return refused(scene, "wrong_key", what="a wrong provider key")


@topic.scene(
    "auth-key-status",
    Level.SHOULD,
    why="Clients that see 400 do not ask for another key.",
    source=BASETEN_ERRORS,
    needs=("provider_key",),
)
def wrong_key_is_401(scene: Scene) -> Finding:
    """A wrong key is 401 or 403."""
    seen = answered("wrong_key", scene=scene)
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
def provider_refuses_its_key(scene: Scene) -> Finding:
    """The refusal of a wrong provider key is the provider's own, not the gateway's 2009."""
    seen = answered("wrong_key", scene=scene)
    if seen is None or not seen[0].rejected:
        return None
    failure = seen[0].answer.failure if seen[0].answer else None
    if failure is None or not (failure.layer is Layer.GATEWAY and failure.code == "2009"):
        return ()
    body = seen[0].response.body if seen[0].response else b""
    return (told("the provider's error", "the gateway's 2009", "wrong provider key", body),)


@topic.scene(
    "auth-token-missing", Level.MUST, why="The gateway is open to anybody.", needs=("auth",)
)
def missing_token_is_refused(scene: Scene) -> Finding:
    """With authentication on, a request without cf-aig-authorization is refused."""
    return refused(scene, "no_token", what="a request without cf-aig-authorization")


@topic.scene("auth-token-wrong", Level.MUST, why="The gateway is open to anybody.", needs=("auth",))
def wrong_token_is_refused(scene: Scene) -> Finding:
    """With authentication on, a wrong token is refused."""
    return refused(scene, "wrong_token", what="a wrong cf-aig-authorization")


@topic.scene(
    "auth-token-near",
    Level.MUST,
    why="A comparison of beginnings or lengths can be guessed step by step.",
    routes=("native",),
    needs=("auth",),
)
def near_misses_are_refused(scene: Scene) -> Finding:
    """A token that is nearly right is refused."""
    names = [name for name in scene if name.startswith("near_")]
    found = [
        refused(scene, name, what=f"a token that {name.removeprefix('near_')}") for name in names
    ]
    judged = [finding for finding in found if isinstance(finding, tuple)]
    return tuple(f for finding in judged for f in finding) if judged else None


@topic.scene(
    "auth-token-code",
    Level.MUST,
    why="ai-gateway-provider turns exactly this into its own error.",
    source="cloudflare/ai, packages/ai-gateway-provider",
    needs=("auth",),
)
def gateway_refuses_its_token(scene: Scene) -> Finding:
    """The gateway's refusal is 401 with code 2009."""
    faults = []
    names = [name for name in ("no_token", "wrong_token") if answered(name, scene=scene)]
    if not names:
        return None
    for name in names:
        seen = scene[name]
        if not (seen.status == 401 and code_of(seen) == "2009"):
            body = seen.response.body if seen.response else b""
            came = f"HTTP {seen.status} with code {code_of(seen)}"
            faults.append(told("401 with code 2009", came, name, body))
    return tuple(faults)


@topic.scene("auth-recovers", Level.MUST, why="One bad client locks out all others.", founded=True)
def answers_after_refusals(scene: Scene) -> Finding:
    """A good request after refused ones is answered."""
    seen = answered("after", scene=scene)
    if seen is None:
        return None
    if seen[0].ok:
        return ()
    return (told("2xx after refusals", f"HTTP {seen[0].status}", "the next good request"),)


KEYS = ("auth-key-missing", "auth-key-wrong", "auth-key-status", "auth-key-layer")
TOKENS = ("auth-token-missing", "auth-token-wrong", "auth-token-code")


def play(stage: Stage) -> None:
    """Each credential missing and wrong; the good request at the end shows that nothing stuck."""
    case = replace(stage.plain("credentials", 1100), expect=Expect.REJECT)
    if stage.wants(*KEYS):
        stage.play("no_key", replace(case, provider_key=Key.NONE, topic="no provider key"))
        stage.play("wrong_key", replace(case, provider_key=Key.WRONG, topic="wrong provider key"))
    if stage.wants(*TOKENS):
        stage.play("no_token", replace(case, gateway_key=Key.NONE, topic="no gateway token"))
        stage.play("wrong_token", replace(case, gateway_key=Key.WRONG, topic="wrong token"))
    if stage.wants("auth-token-near"):
        for name, token in near(stage.sender.subject.credentials.gateway_token or ""):
            wrong = with_headers(case, ("cf-aig-authorization", f"Bearer {token}"))
            stage.play(f"near_{name}", replace(wrong, topic=f"a token that {name}"))
    if stage.wants("auth-recovers"):
        stage.play("after", stage.plain("after refusals", 1101))


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
