"""A route's request: the one place that knows which builder a route has."""

from typing import Any

from harness.errors import UsageError
from harness.routes import compat, direct, model, native
from harness.routes.address import NO_CREDENTIALS, NO_OPTIONS, Address, Credentials, GatewayOptions
from harness.routes.route import ROUTES, Route
from harness.wire import Request


def build(
    route: str,
    address: Address,
    body: Any,
    *,
    model_id: str | None = None,
    own_host: bool = False,
    prefix: str = compat.PREFIX,
    credentials: Credentials = NO_CREDENTIALS,
    options: GatewayOptions = NO_OPTIONS,
) -> Request:
    """The request of `route` with this body.

    `model_id` is for the model route alone, `prefix` (of the model's name) for the compat route,
    and `own_host` for the direct way: it asks the deployment itself. UsageError for an unknown
    route, and for the model route without a model id.
    """
    match route:
        case Route.NATIVE:
            return native.build(address, body, credentials=credentials, options=options)
        case Route.COMPAT:
            return compat.build(
                address, body, credentials=credentials, options=options, prefix=prefix
            )
        case Route.DIRECT:
            extra = options.extra
            return direct.build(
                address, body, own_host=own_host, credentials=credentials, extra=extra
            )
        case Route.MODEL:
            if model_id is None:
                raise UsageError("the model route needs a model id: set BASETEN_MODEL_ID")
            return model.build(
                address, body, model_id=model_id, credentials=credentials, options=options
            )
        case _:
            raise unknown(route)


def unknown(route: str) -> UsageError:
    """The error of a caller who names a route that a gateway does not have."""
    return UsageError(f"unknown route {route!r}; expected {', '.join(ROUTES[:-1])} or {ROUTES[-1]}")
