"""nginx that ends TLS in front of the server whose timing is known."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.bench import machine
from tests.bench.truth import free_port, wait_for

_MOST_S = 7200
_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream truth {{ server {upstream}; keepalive 1024; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.pem;
    location / {{
      proxy_pass http://truth;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      tcp_nodelay on;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Terminator:
    """A running nginx, and the file with the certificate to trust."""

    origin: str
    authority: Path


@contextmanager
def terminator(folder: Path, upstream: str, *, cpu: int | None) -> Iterator[Terminator]:
    """nginx on one processor before `upstream`; FileNotFoundError where it is not installed.

    It also stops by itself after two hours.
    """
    program = shutil.which("nginx")
    if program is None:
        raise FileNotFoundError("nginx is not installed (apt-get install nginx-light)")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    port = free_port()
    text = _CONFIGURATION.format(
        folder=folder, port=port, upstream=upstream.removeprefix("http://")
    )
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "error.log")]
    command += ["-c", str(folder / "nginx.conf")]
    server = subprocess.Popen(
        machine.pinned(machine.bounded(command, _MOST_S), cpu), stdin=subprocess.DEVNULL
    )
    try:
        wait_for(port, server)
        yield Terminator(f"https://127.0.0.1:{port}", folder / "authority.pem")
    finally:
        server.terminate()
        server.wait()
