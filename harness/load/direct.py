"""The plan of a load that nobody launched: `locust -f locustfiles/native.py` by hand."""

import math
import uuid
from datetime import UTC, datetime
from pathlib import Path

from harness.load.plan import Caps, Identity, LoadPlan
from harness.settings import load_settings, resolve_target

PAID_REQUESTS = 200
"""What may be sent to a target that is not on this machine; `gateway-harness load` sets other caps.
"""


def direct_plan(host: str | None, drain_s: float) -> tuple[LoadPlan, Identity]:
    """A closed loop to `host`, or to the gateway of the settings, until Locust stops it."""
    target = resolve_target(host or "live", load_settings())
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plan = LoadPlan(
        run_id=uuid.uuid4().hex[:12],
        folder=str(Path("reports") / f"{stamp}-locust"),
        address=target.address,
        model=target.model,
        model_id=target.model_id,
        model_input=target.model_input,
        routes=target.routes,
        duration_s=math.inf,
        warmup_s=0.0,
        drain_s=drain_s,
        caps=Caps() if target.loopback else Caps(requests=PAID_REQUESTS),
    )
    return plan, Identity(target.credentials, target.headers.fields)
