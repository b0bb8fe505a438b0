"""A real nginx in front of an app, at a subpath, with a configuration as people write it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from until import until

FORWARDED = """
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"""


@dataclass(frozen=True)
class Way:
    """How an app is reached: below `subpath` ("" or "/demo"), which nginx takes off or not; `headers` are lines of its configuration."""

    app: int  # port
    subpath: str
    taken_off: bool
    headers: str = ""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def nginx(folder: Path, ways: list[Way]) -> Iterator[list[str]]:
    """The addresses, each with its last /, at which nginx serves these ways. Skips the test where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx: install nginx-light")
    ports = [free_port() for _ in ways]
    servers = "\n".join(
        f"""  server {{
    listen 127.0.0.1:{port};
    location {way.subpath}/ {{
      proxy_pass http://127.0.0.1:{way.app}{"/" if way.taken_off else ""};
      proxy_http_version 1.1;
      proxy_buffering off;{way.headers}
    }}
  }}"""
        for port, way in zip(ports, ways, strict=True)
    )
    places = "\n".join(f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}\npid {folder}/pid;\nerror_log {folder}/errors warn;\nevents {{}}\nhttp {{\n  access_log off;\n{places}\n{servers}\n}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([program, "-p", str(folder), "-c", "nginx.conf", "-e", "errors", "-g", "daemon off;"])
    try:
        until(lambda: listening(ports[-1]) or process.poll() is not None)
        assert process.poll() is None, (folder / "errors").read_text(encoding="utf-8")
        yield [f"http://127.0.0.1:{port}{way.subpath}/" for port, way in zip(ports, ways, strict=True)]
    finally:
        process.terminate()
        process.wait(10)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
