"""The stand-in broken or varied by the names that `--defect` and `--variant` take."""

from dataclasses import replace

from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.rules import Rules
from harness.gateway.served import Served
from harness.wire import Response


def make_gateway(
    config: Config | None = None, *, defect: str | None = None, variant: str | None = None
) -> Gateway:
    """A gateway that is as documented, broken in one way, unusual in one legal way, or both.

    `defect` names an entry of `table.EVERY` or a generated one, `variant` one of `VARIANTS`. The
    configuration is taken as given; `table.suited` switches on what a defect needs to be seen.
    Raises `UsageError` for a name that nothing has.
    """
    if defect is None and variant is None:  # the tables are a third of what a start would load
        return Gateway(config)
    from harness.defects.defect import NO_DEFECT
    from harness.defects.table import EVERY
    from harness.defects.variants import NO_VARIANT, variant_named

    broken = NO_DEFECT if defect is None else EVERY.named(defect)
    unusual = NO_VARIANT if variant is None else variant_named(variant)

    def edit(served: Served) -> Response:
        return broken.respond(replace(served, response=unusual.respond(served)))

    return Gateway(
        unusual.configured(config or Config()),
        rules=broken.rules(Rules()),
        edit=edit,
        before=unusual.before,
        label=defect,
    )
