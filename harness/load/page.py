"""Locust's page with what its own charts do not know: TTFT, inter-chunk time, goodput, objectives.

Locust's page has a place for tables of others, in tabs of their own; it asks for them with its own
figures. `/gateway` gives the same as JSON. The page belongs to the machine it runs on: no other
page may start or stop a load through it.
"""

import errno
import json
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response, request
from gevent.pywsgi import WSGIServer

from harness.errors import UsageError
from harness.load.abort import so_far
from harness.load.progress import LoadProgress, add_up, read_reports
from harness.load.tally import RouteTally

if TYPE_CHECKING:
    from harness.load.part import LoadPart

LATENCIES = (("TTFT", "ttft"), ("Inter-chunk", "inter_chunk"), ("TPOT", "tpot"), ("E2E", "e2e"))
QUANTILES = (0.5, 0.95, 0.99)

_LOG = logging.getLogger(__name__)

Table = list[dict[str, Any]]


def serve(part: "LoadPart", *, host: str, port: int) -> str:
    """Open Locust's page with our tabs in it; its address. UsageError when the port is taken."""
    listener = _listener(host, port)
    page: Any = part.environment.create_web_ui(host=host, port=port, delayed_start=True)
    page.template_args |= template_arguments()
    page.app.before_request(_refuse_others)

    def add_tables(response: Response) -> Response:
        if request.path == "/stats/requests":
            extended = [{"key": key, "data": data} for key, data in current(part).items()]
            document = {**json.loads(response.get_data()), "extended_stats": extended}
            response.set_data(json.dumps(document))
        return response

    page.app.after_request(add_tables)
    page.app.add_url_rule("/gateway", "gateway", lambda: current(part))
    page.server = WSGIServer(listener, page.app, log=None, error_log=_LOG)
    page.server.start()
    return _address(host, listener.getsockname()[1])


def template_arguments() -> dict[str, Any]:
    """Our tabs and the columns of their tables, in the form that Locust's page takes."""
    tabs = [{"title": title, "key": key} for key, (title, _) in TABLES.items()]
    tables = [
        {"key": key, "structure": [{"key": name, "title": shown} for name, shown in columns]}
        for key, (_, columns) in TABLES.items()
    ]
    return {"extended_tabs": tabs, "extended_tables": tables, "extended_csv_files": []}


TABLES = {
    "gateway-latency": (
        "Gateway latency",
        (
            ("latency", "Latency"),
            ("route", "Route"),
            ("count", "Count"),
            ("p50", "p50 (ms)"),
            ("p95", "p95 (ms)"),
            ("p99", "p99 (ms)"),
        ),
    ),
    "gateway-routes": (
        "Gateway routes",
        (
            ("route", "Route"),
            ("requests", "Requests"),
            ("errors", "Not well"),
            ("goodput", "Goodput (1/s)"),
            ("violations", "Violations"),
            ("outcomes", "Outcomes"),
        ),
    ),
    "gateway-objectives": (
        "Objectives",
        (("objective", "Objective"), ("where", "Route"), ("so_far", "So far")),
    ),
}
"""Key, title and columns of each tab."""


def current(part: "LoadPart") -> dict[str, Table]:
    """Every table, of the start that goes on or was last."""
    plan = part.worker.plan
    progress = add_up(read_reports(Path(plan.folder), plan.name))
    return tables(progress, part.plan.thresholds)


def tables(progress: LoadProgress, thresholds: tuple[str, ...]) -> dict[str, Table]:
    """The rows of every table."""
    routes = sorted(progress.routes.items())
    return {
        "gateway-latency": [
            _latency(title, route, tally, name)
            for title, name in LATENCIES
            for route, tally in routes
            if tally.latencies[name].count
        ],
        "gateway-routes": [_route(route, tally, progress.elapsed_s) for route, tally in routes],
        "gateway-objectives": [
            {"objective": text, "where": where, "so_far": shown}
            for text in thresholds
            for where, shown in so_far(text, progress)
        ],
    }


def _latency(title: str, route: str, tally: RouteTally, name: str) -> dict[str, Any]:
    histogram = tally.latencies[name]
    found = {q: histogram.quantile(q) for q in QUANTILES}
    shown = {f"p{q * 100:.0f}": _ms(value) for q, value in found.items()}
    return {"latency": title, "route": route, "count": histogram.count, **shown}


def _route(route: str, tally: RouteTally, elapsed_s: float) -> dict[str, Any]:
    good = tally.requests - tally.errors
    return {
        "route": route,
        "requests": tally.requests,
        "errors": tally.errors,
        "goodput": f"{good / elapsed_s:.1f}" if elapsed_s > 0 else "not yet",
        "violations": tally.violated,
        "outcomes": ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common()),
    }


def _ms(value_ns: float | None) -> str:
    return "not yet" if value_ns is None else f"{value_ns / 1e6:.2f}"


def _refuse_others() -> Response | None:
    """Answer only to this page itself: Locust's own lets every other page start a load."""
    origin = request.headers.get("Origin")
    if origin is None or origin == request.host_url.rstrip("/"):
        return None
    return Response("only the page itself may ask", status=403)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--ui-port {port} is taken; 0 takes any free one") from error
        raise UsageError(f"--ui-host {host}: {error.strerror or error}") from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
