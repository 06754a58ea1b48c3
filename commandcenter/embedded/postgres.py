"""The embedded PostgreSQL: a cluster on loopback with a password, run as another user when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from commandcenter.embedded import binaries
from commandcenter.embedded.environment import DATABASE_NAME, DATABASE_USER
from commandcenter.embedded.errors import EmbeddedError, Refusal
from commandcenter.embedded.files import last_lines
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.ports import LOOPBACK
from commandcenter.embedded.spawn import Account, Command, spawn

MAJOR = "18"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "shared_buffers": "96MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",  # spares three helper processes
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_worker_processes": "4",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "autovacuum": "on",
    "idle_in_transaction_session_timeout": "10min",
    "shared_preload_libraries": "pg_stat_statements",
    "log_min_duration_statement": "2s",
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
EPHEMERAL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# PostgreSQL changes into its data folder before it drops to another user, and this name needs no way to it: so a
# data folder below /root works for a server that runs as nobody.
_HERE = "/proc/self/cwd"


class Postgres:
    """One cluster in the data folder. durable=False is for tests: a crash of the machine may lose data."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, nothing is lost

    def __init__(self, layout: Layout, *, durable: bool = True) -> None:
        self.layout = layout
        self.port = layout.port(self.name)
        self.folder = layout.path("postgres")
        self.log = layout.log(self.name)
        self.settings = SETTINGS if durable else SETTINGS | EPHEMERAL
        self.durable = durable

    def check(self) -> None:
        """Raise Refusal where the data is of another major version or belongs to another user."""
        try:
            version = (self.folder / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if any(self.folder.iterdir()):
                raise Refusal(
                    f"{self.folder} is not empty and holds no PostgreSQL data; move its contents away."
                ) from None
            return
        except OSError as error:
            owner = _owner_name(self.folder)
            raise Refusal(
                f"{self.folder} belongs to the user {owner} ({error.strerror}); start as the user who made it."
            ) from None
        if version != MAJOR:
            raise Refusal(
                f"{self.folder} holds data of PostgreSQL {version}, and this is PostgreSQL {MAJOR}; dump it with the "
                "old version and restore it into a new data folder, or set DATABASE_URL."
            )

    @cached_property
    def account(self) -> Account | None:
        """Whom PostgreSQL runs as: None for ourselves; under root the owner of the data, or nobody."""
        if os.geteuid() != 0:
            return None
        owner = self.folder.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise Refusal(
                "PostgreSQL cannot run as root and there is no user nobody; start as an ordinary user."
            ) from None
        return Account(nobody.pw_uid, nobody.pw_gid)

    @cached_property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs."""
        return binaries.postgres_bin(self.account)

    def create(self) -> None:
        """Make the cluster and its database on the first start; a half-made one of a killed start is thrown away."""
        known = self.layout.has_secret("postgres_password")
        password = self.layout.secret("postgres_password")
        if (self.folder / "PG_VERSION").exists():
            if (
                not known
            ):  # the secrets were removed, the data was kept: the new password becomes the right one
                self._single_user(self.folder, f"ALTER ROLE {DATABASE_USER} PASSWORD '{password}'")
            return
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self.account:
            os.chown(draft, self.account.uid, self.account.gid)
        read_end, write_end = os.pipe()
        if self.account:
            os.fchown(read_end, self.account.uid, self.account.gid)
        os.write(write_end, password.encode())
        os.close(write_end)
        try:
            self._run(
                [
                    str(self.programs / "initdb"), f"--pgdata={self._pgdata(draft)}", f"--username={DATABASE_USER}",
                    f"--pwfile=/dev/fd/{read_end}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ],
                draft, descriptors=(read_end,),
            )  # fmt: skip
        finally:
            os.close(read_end)
        self._single_user(draft, f"CREATE DATABASE {DATABASE_NAME}")
        self.folder.rmdir()
        draft.rename(self.folder)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server; a pid file that a killed one left behind is PostgreSQL's own to judge."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        argv = [
            str(self.programs / "postgres"),
            "-D",
            self._pgdata(self.folder),
            "-p",
            str(self.port),
            *options,
        ]
        return spawn(self._command(argv, self.folder))

    def ready(self) -> bool:
        """Say whether the server accepts connections, by the last line of its pid file."""
        try:
            return (self.folder / "postmaster.pid").read_text().splitlines()[-1].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _pgdata(self, folder: Path) -> str:
        return _HERE if self.account and sys.platform == "linux" else str(folder)

    def _command(self, argv: list[str], folder: Path, descriptors: tuple[int, ...] = ()) -> Command:
        return Command(
            argv=argv,
            environ={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            log=self.log,
            folder=folder,
            account=self.account,
            orphan_signal=signal.SIGINT,
            descriptors=descriptors,
        )

    def _single_user(self, folder: Path, statement: str) -> None:
        read_end, write_end = os.pipe()
        os.write(write_end, f"{statement}\n".encode())
        os.close(write_end)
        argv = [str(self.programs / "postgres"), "--single", "-D", self._pgdata(folder), "postgres"]
        try:
            self._run(argv, folder, stdin=read_end)
        finally:
            os.close(read_end)

    def _run(
        self,
        argv: list[str],
        folder: Path,
        descriptors: tuple[int, ...] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        command = self._command(argv, folder, descriptors)
        child = spawn(Command(**{**command.__dict__, "stdin": stdin}))
        try:
            code = child.wait(timeout=120)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if code != 0:
            raise EmbeddedError(
                f"{Path(argv[0]).name} ended with code {code}; the last lines of {self.log}:{last_lines(self.log)}"
            )


def _owner_name(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
