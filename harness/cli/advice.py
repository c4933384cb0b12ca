"""What to do about a refusal: the set-up faults that people report most, each with its remedy.

The codes are the gateway's own, which Cloudflare does not publish: cloudflare/ai#436 (2001, 2005,
2009), anomalyco/opencode#44827 and devoxx/DevoxxGenieIDEAPlugin#1254 (2008). Guardrails, DLP and
spend limits: developers.cloudflare.com/ai-gateway/features. 524: QuantumNous/new-api#4972.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.errors import Failure, Layer, TransportKind

if TYPE_CHECKING:
    from harness.settings import Target

TRANSPORT: Mapping[TransportKind, str] = {
    TransportKind.DNS: "check GATEWAY_BASE_URL, the network, and whether HTTPS_PROXY is needed",
    TransportKind.REFUSED: "nothing listens there; for the stand-in: gateway-harness serve",
    TransportKind.TLS: "if its certificate authority is a private one, name it in SSL_CERT_FILE",
    TransportKind.CONNECT_TIMEOUT: "a firewall, a wrong port, or a port without TLS under https://",
    TransportKind.RESET: "a port with TLS under http://, or a server that gave up",
    TransportKind.PROXY: "check the proxy's variable; to go without one, name the host in NO_PROXY",
    TransportKind.FIRST_BYTE_TIMEOUT: "a model that was scaled to zero may be starting: ask again",
}
OWN_KEY = "set BASETEN_API_KEY to pay Baseten with a key of your own"
GUARDED = "guardrails of the gateway blocked a harmless question: check them in the dashboard"
SPENT = "a spend limit of the gateway is used up: raise it in the dashboard, or wait"
CODES: Mapping[str, str] = {
    "2001": "no such gateway: check CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID",
    "2003": "the gateway's own rate limit: wait, or raise it; declare it as "
    "GATEWAY_EXPECT_RATE_LIMIT",
    "2005": "the gateway had no answer from Baseten, and hides its status behind this code: see "
    "what Baseten says itself with `gateway-harness compare --routes direct,native`",
    "2016": GUARDED,
    "2017": GUARDED,
    "2018": f"the rate limit of Unified Billing: {OWN_KEY}",
    "2021": f"no credits are left with Cloudflare: {OWN_KEY}",
    "2029": "data loss prevention blocked the question: check its policies in the dashboard",
    "2030": "data loss prevention blocked the answer: check its policies in the dashboard",
    "2040": "no stored key has this alias, or the model cannot be told: check CF_AIG_BYOK_ALIAS "
    "and BASETEN_MODEL",
    "2041": SPENT,
    "2045": SPENT,
}
"""By the gateway's own code."""
PLACEHOLDER = re.compile(
    r"(?i)(^|[-_.<{ ])(your|my|placeholder|dummy|example|changeme|key|token|test|none|null|x{3,})"
    r"($|[-_.>} ])"
)
"""A word in what should be a key and has yet to be put in."""
SHORTEST_KEY = 16
ENVELOPE = "envelope"
"""The shape of the gateway's own errors, also of one that hides what the provider said."""


def of_transport(kind: TransportKind) -> str:
    """What to do when nothing came back, or nothing whole."""
    return TRANSPORT.get(kind, "")


def of_answer(failure: Failure, target: "Target") -> str:
    """What to do about an error answer; empty where nobody knows."""
    if failure.layer is Layer.GATEWAY or failure.shape == ENVELOPE:
        return _of_gateway(failure, target)
    if failure.layer is Layer.EDGE and failure.status in (403, 524):
        return _of_edge(failure)
    if failure.status in (401, 403):
        return _of_key(target)
    if failure.status == 404:
        return "check BASETEN_MODEL and BASETEN_MODEL_ID: the provider has no such model"
    if failure.status == 422:
        return "the model takes another input than this: its route is there, and answers"
    return "it may answer later" if failure.retryable else ""


def _of_gateway(failure: Failure, target: "Target") -> str:
    if (told := CODES.get(failure.code or "")) is not None:
        return told
    if failure.status == 401:
        return _of_token(target)
    if failure.code in ("2008", "2019"):
        return _of_model(failure, target)
    if failure.status == 403:
        return "a policy of the gateway denies it: the first policy makes it deny by default"
    return "it may answer later" if failure.retryable else ""


def _of_token(target: "Target") -> str:
    token = target.credentials.gateway_token
    if token is None:
        return "the gateway has authentication on: set CF_AIG_TOKEN"
    swapped = target.credentials.provider_key == token
    other = "it is the same as BASETEN_API_KEY; " if swapped else ""
    return (
        f"CF_AIG_TOKEN was refused: {other}it must be a token of this account with the permission "
        "AI Gateway Run, made in the gateway's settings"
    )


def _of_model(failure: Failure, target: "Target") -> str:
    if "is not supported" in failure.message:
        return "the gateway does not serve this path: check GATEWAY_BASE_URL, which ends too late"
    if target.model.startswith("baseten/"):
        return (
            f"BASETEN_MODEL is Baseten's own id, {target.model.removeprefix('baseten/')}: compat "
            "gets its prefix from here"
        )
    return (
        f"compat was asked for baseten/{target.model}: check BASETEN_MODEL, and whether the "
        "gateway offers Baseten on this route"
    )


def _of_key(target: "Target") -> str:
    key = target.credentials.provider_key
    if key is None:
        return (
            "no key was sent, and the gateway has none stored that Baseten takes: set "
            "BASETEN_API_KEY, or store a key in the gateway"
        )
    if PLACEHOLDER.search(key) or len(key) < SHORTEST_KEY:
        return (
            "BASETEN_API_KEY looks like a placeholder, and any key that is sent takes the place of "
            "the one stored in the gateway: unset it, or set a real one"
        )
    return "check BASETEN_API_KEY, or unset it to use the gateway's stored key"


def _of_edge(failure: Failure) -> str:
    if failure.status == 524:
        return (
            "Baseten sent nothing for over 100 seconds, and Cloudflare's edge gave up: ask for a "
            "stream, or for a shorter answer, or wait until the model has started"
        )
    return "Cloudflare's edge refuses this client or network before the gateway: not the key"
