"""Defects that only a real connection shows."""

import re
import socket
from dataclasses import replace
from urllib.parse import urlsplit

from harness.defects.make import make_gateway
from harness.defects.table import EVERY
from harness.gateway.server import LocalGateway
from harness.wire import Request
from tests.gateway.session import chat


def _bytes(request: Request, *more: str) -> bytes:
    fields = [f"{name}: {value}" for name, value in request.headers]
    lines = [f"POST {request.url} HTTP/1.1", "host: x", *fields, *more]
    head = "\r\n".join([*lines, f"content-length: {len(request.body)}", "", ""])
    return head.encode() + request.body


def test_stray_bytes_of_an_error_stand_before_the_next_answer() -> None:
    refused = replace(chat(), url="/v1/acc/gw/nobody/x")
    with LocalGateway(make_gateway(defect="keep-alive-desynchronised")) as local:
        parts = urlsplit(local.url)
        address = (str(parts.hostname), int(parts.port or 0))
        with socket.create_connection(address, timeout=5) as client:
            client.sendall(_bytes(refused) + _bytes(chat(), "connection: close"))
            received = b"".join(iter(lambda: client.recv(65536), b""))

    first, second = received.split(b"HTTP/1.1 ")[1:]
    head, _, body = first.partition(b"\r\n\r\n")
    declared = re.search(rb"content-length: (\d+)", head)
    assert declared is not None
    assert len(body) == int(declared[1]) + 2
    assert second.startswith(b"200 ")


def test_what_needs_a_connection_is_marked() -> None:
    marked = {name for name, defect in EVERY.items() if defect.socket_only}

    assert marked == {"keep-alive-desynchronised", "page-in-company"}
