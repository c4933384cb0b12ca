"""Why a MUST clause stands that breaks under no defect: what it guards, in a line."""

from collections.abc import Mapping

STANDS: Mapping[str, str] = {
    "request-url": "guards the harness itself: a contract checked at another URL says nothing",
}
