"""Tells a target that cannot be judged from one that breaks its contract.

Refused connections, timeouts, 429 and 5xx on good requests, and credentials that are refused on
every route say nothing about the contract: they end in the verdict `unknown`, never in `fail`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.contract.case import Expect, Key
from harness.contract.observation import Observation
from harness.errors import Failure, Layer, TransportKind

ORIGIN = (
    TransportKind.DNS,
    TransportKind.REFUSED,
    TransportKind.UNREACHABLE,
    TransportKind.TLS,
    TransportKind.PROXY,
    TransportKind.CONNECT_TIMEOUT,
)
"""Failures that no route of the same origin escapes."""
CREDENTIALS = (401, 402, 403)
CLOUDFLARE = ("cf-aig-", "cf-ray")
FOREIGN = "this does not look like an AI Gateway: no answer has a cf-aig-* field"
PROVIDER_FAILED, UNKNOWN_GATEWAY = "2005", "2001"


@dataclass(frozen=True, slots=True)
class RouteOutage:
    """Why good requests got no answer that can be judged: the layer at fault and the reason.

    `refused` is what a refusal of credentials, gateway or model says.
    """

    layer: Layer
    reason: str
    whole_origin: bool = False
    refused: Failure | None = None

    def __str__(self) -> str:
        if self.refused is not None:
            return f"refused by the {self.layer}: {self.reason}"
        return f"outage, {self.layer}: {self.reason}"


def outage(seen: Observation) -> RouteOutage | None:
    """The outage that one observation shows, if its request was a good one."""
    error = seen.exchange.error
    if error is not None and seen.response is None:
        return RouteOutage(error.layer, f"{error.kind}: {error}", error.kind in ORIGIN)
    if not _good(seen) or seen.status is None or seen.ok or seen.too_long:
        return None
    failure = seen.answer.failure if seen.answer else None
    code = failure.code if failure else None
    passing = seen.passing or seen.status >= 500 or code == PROVIDER_FAILED
    if not passing:
        return None
    layer = failure.layer if failure else Layer.PROVIDER
    return RouteOutage(layer, _said(seen))


def refusal(seen: Observation) -> RouteOutage | None:
    """Credentials, gateway or model refused: an outage only if every route says so."""
    failure = seen.answer.failure if seen.answer else None
    if not _good(seen) or not seen.rejected or failure is None:
        return None
    unknown = failure.code == UNKNOWN_GATEWAY or seen.status == 404
    if seen.status in CREDENTIALS or unknown:
        return RouteOutage(failure.layer, _said(seen), refused=failure)
    return None


def common_refusal(first: Mapping[str, Observation]) -> RouteOutage | None:
    """The refusal that the first good request of every route met, if each met one."""
    found = [refusal(seen) for seen in first.values()]
    met = [each for each in found if each is not None]
    if not met or len(met) < len(found):
        return None
    return replace(met[0], reason=f"{met[0].reason} on every route")


def explained(found: RouteOutage, seen: Sequence[Observation]) -> str:
    """An outage in words; whether anything of the run was from an AI Gateway at all."""
    return f"{found}; {FOREIGN}" if looks_foreign(seen) else str(found)


def looks_foreign(seen: Sequence[Observation]) -> bool:
    """Whether there were answers, and none has a field of Cloudflare's or an error of a gateway."""
    answers = [each for each in seen if each.response is not None]
    fields = (name.lower() for each in answers for name, _ in each.headers)
    ours = any(name.startswith(CLOUDFLARE) for name in fields)
    return bool(answers) and not ours and all(each.layer is not Layer.GATEWAY for each in answers)


def _good(seen: Observation) -> bool:
    case = seen.case
    given = case.provider_key is Key.GIVEN and case.gateway_key is Key.GIVEN
    return case.expect is Expect.ACCEPT and case.sound and given


def _said(seen: Observation) -> str:
    failure = seen.answer.failure if seen.answer else None
    text = f"HTTP {seen.status}"
    if failure is None:
        return text
    code = f" (code {failure.code})" if failure.code else ""
    message = failure.message if len(failure.message) <= 200 else failure.message[:199] + "…"
    return f"{text}{code}: {message}" if message else f"{text}{code}"
