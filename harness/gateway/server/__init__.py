"""The socket face of the stand-in: a real HTTP/1.1 server that plays the model's schedules.

A request goes listener -> connection -> reader -> the gateway -> delivery; `process` runs all of it
in a child process, so that a load and its target do not share an interpreter.
"""

from harness.gateway.server.listener import (
    LocalGateway,
    Server,
    raise_descriptor_limit,
    serve,
)

__all__ = ["LocalGateway", "Server", "raise_descriptor_limit", "serve"]
