"""Checks of who may ask: the provider's key, the gateway's token, and whose refusal it is."""

from harness.contract.checks.scenes import answered, code_of, refused
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import told
from harness.errors import Layer


def missing_key_is_refused(scene: Scene) -> Finding:
    """Without a provider key, on the request or stored, nothing is generated.

    Nor is it where the request ends in a 5xx, which is no refusal for a client to act upon.
    """
    seen = answered("no_key", scene=scene)
    if seen is not None and seen[0].status is not None and seen[0].status >= 500:
        return () if not seen[0].choices else refused(scene, "no_key", what="no provider key")
    return refused(scene, "no_key", what="a request without provider key")


def wrong_key_is_refused(scene: Scene) -> Finding:
    """The key on the request is forwarded as it is, and the provider refuses a wrong one."""
    return refused(scene, "wrong_key", what="a wrong provider key")


def wrong_key_is_401(scene: Scene) -> Finding:
    """A wrong key is 401 or 403, which clients tell from a bad request."""
    seen = answered("wrong_key", scene=scene)
    if seen is None or not seen[0].rejected:
        return None
    if seen[0].status in (401, 403):
        return ()
    return (told("401 or 403", f"HTTP {seen[0].status}", "wrong provider key"),)


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


def missing_token_is_refused(scene: Scene) -> Finding:
    """With authentication on, a request without `cf-aig-authorization` is refused."""
    return refused(scene, "no_token", what="a request without cf-aig-authorization")


def wrong_token_is_refused(scene: Scene) -> Finding:
    """With authentication on, a wrong token is refused."""
    return refused(scene, "wrong_token", what="a wrong cf-aig-authorization")


def near_misses_are_refused(scene: Scene) -> Finding:
    """A token that is nearly the right one is refused like any other."""
    names = [name for name in scene if name.startswith("near_")]
    found = [
        refused(scene, name, what=f"a token that {name.removeprefix('near_')}") for name in names
    ]
    judged = [finding for finding in found if isinstance(finding, tuple)]
    return tuple(f for finding in judged for f in finding) if judged else None


def gateway_refuses_its_token(scene: Scene) -> Finding:
    """The gateway's refusal is 401 with code 2009, by which clients tell it from the provider's."""
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


def answers_after_refusals(scene: Scene) -> Finding:
    """A good request after refused ones is answered: a refusal leaves no trace."""
    seen = answered("after", scene=scene)
    if seen is None:
        return None
    if seen[0].ok:
        return ()
    return (told("2xx after refusals", f"HTTP {seen[0].status}", "the next good request"),)
