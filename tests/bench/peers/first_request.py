"""The least that Locust can do: one user that sends one request on a plain socket."""

import socket

from locust import User, task

BODY = b'{"stream":false}'


class Peer(User):
    """Asks once and waits."""

    @task
    def ask(self) -> None:
        """Send one request."""
        host, port = str(self.host).removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(BODY)}\r\n\r\n"
            connection.sendall(head.encode() + BODY)
            connection.recv(65_536)
        self.environment.runner.quit()
