"""Checks of what is not there: other gateways, providers, paths and models, and the SDK's path."""

from harness.contract.checks.scenes import coded, recorded, refused
from harness.contract.clause import Finding, Scene


def unknown_gateway_is_refused(scene: Scene) -> Finding:
    """A gateway id that does not exist is refused."""
    return refused(scene, "unknown_gateway", what="an unknown gateway")


def unknown_gateway_says_2001(scene: Scene) -> Finding:
    """The refusal is the gateway's 400 with code 2001."""
    return coded(scene, "unknown_gateway", status=400, codes=("2001",))


def unknown_provider_is_refused(scene: Scene) -> Finding:
    """A provider that does not exist is refused."""
    return refused(scene, "unknown_provider", what="an unknown provider")


def unknown_provider_says_2008(scene: Scene) -> Finding:
    """The refusal is the gateway's 400 with code 2008."""
    return coded(scene, "unknown_provider", status=400, codes=("2008",))


def unknown_model_is_refused(scene: Scene) -> Finding:
    """A model that does not exist is refused, never replaced."""
    return refused(scene, "unknown_model", what="an unknown model")


def missing_prefix_is_refused(scene: Scene) -> Finding:
    """On compat a model without the name of its provider is refused."""
    return refused(scene, "no_prefix", what="a model without a provider's prefix")


def unknown_prefix_is_refused(scene: Scene) -> Finding:
    """On compat a prefix of no provider is refused."""
    return refused(scene, "unknown_prefix", what="a model with an unknown prefix")


def unknown_compat_path_is_refused(scene: Scene) -> Finding:
    """Compat offers chat completions only."""
    return refused(scene, "compat_path", what="an unknown path under compat")


def get(scene: Scene) -> Finding:
    """Records what a GET does."""
    return recorded(scene, "get")


def not_json(scene: Scene) -> Finding:
    """Records what a body that is not JSON does on the model route."""
    return recorded(scene, "not_json")


def odd_header(scene: Scene) -> Finding:
    """Records what an option outside its bounds does."""
    return recorded(scene, "odd_header")


def unknown_field(scene: Scene) -> Finding:
    """Records what an unknown body field does."""
    return recorded(scene, "unknown_field")


def developer_role(scene: Scene) -> Finding:
    """Records what a message of the developer role does."""
    return recorded(scene, "developer_role")
