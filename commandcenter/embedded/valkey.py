"""The embedded Valkeys: a broker that loses nothing and a cache that may forget; two servers, never one."""

from __future__ import annotations

import signal
import socket
import subprocess

from commandcenter.embedded import binaries
from commandcenter.embedded.files import create_text
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.ports import LOOPBACK
from commandcenter.embedded.spawn import Command, spawn

BROKER = {
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "auto-aof-rewrite-min-size": "16mb",
    "aof-load-truncated": "yes",
}
CACHE = {"maxmemory": "64mb", "maxmemory-policy": "allkeys-lru", "appendonly": "no"}
BOTH = {
    "bind": LOOPBACK,
    "protected-mode": "yes",
    "databases": "64",
    "save": '""',
    "daemonize": "no",
    "tcp-keepalive": "60",
    "timeout": "0",
}


class Valkey:
    """One server, `broker` or `cache`, with its configuration in a private file: passwords show in no process list."""

    stop_signal = signal.SIGTERM

    def __init__(self, layout: Layout, name: str) -> None:
        self.name = name
        self.layout = layout
        self.port = layout.port(name)
        self.log = layout.log(name)
        self.folder = layout.path(name)
        self.password = layout.secret(f"{name}_password")

    def check(self) -> None:
        """Nothing can be wrong with the data of a Valkey before it is read."""

    def create(self) -> None:
        """Write the configuration."""
        path = self.layout.path("run") / f"{self.name}.conf"
        settings = BOTH | (BROKER if self.name == "broker" else CACHE)
        settings |= {
            "port": str(self.port),
            "requirepass": self.password,
            "dir": ".",
        }  # it starts in its folder
        path.unlink(missing_ok=True)
        create_text(path, "".join(f"{name} {value}\n" for name, value in settings.items()))

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server."""
        argv = [str(binaries.valkey_server()), str(self.layout.path("run") / f"{self.name}.conf")]
        environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        return spawn(Command(argv, environ, self.log, folder=self.folder, orphan_signal=signal.SIGTERM))

    def ready(self) -> bool:
        """Say whether the server answers and has loaded its data."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
