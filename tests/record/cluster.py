"""A PostgreSQL server of the tests' own, in a temporary folder, on a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "pilotbase"
MISSING = "PostgreSQL is not installed here (apt-get install postgresql): its store is not tested"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, None where there is no PostgreSQL."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    for folder in [*folders, *([Path(found).resolve().parent] if found else [])]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


SMALL = "small"
_ON_SMALL_DISK = """
mount -t tmpfs -o size=4m,mode=0700 tmpfs "$0" &&
exec unshare --user --map-user="$1" --map-group="$2" sh -c 'shift 2; exec "$@"' sh "$@"
"""


def somebody() -> dict[str, Any]:
    """Who runs programs that refuse to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def small_disks() -> bool:
    """Whether one may mount a disk here without any rights."""
    words = ["unshare", "-Urm", "true"]
    found = shutil.which(words[0]) is not None
    return found and subprocess.run(words, capture_output=True, **somebody()).returncode == 0


class Cluster:
    """A running server."""

    def __init__(self, folder: Path, bin_folder: Path, within: Sequence[str] = ()) -> None:
        """``within``: the words of a command that starts the server."""
        self.folder = folder
        self._bin = bin_folder
        self._within = within
        self.dsn = f"postgresql:///postgres?host={folder}&user={USER}"

    def run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs; as root it runs as somebody without rights."""
        subprocess.run(
            [*(self._within if "start" in words else ()), str(self._bin / program), *words],
            check=True,
            cwd=self.folder,
            env={"PATH": f"{self._bin}:/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            **somebody(),
        )

    def start(self) -> None:
        data, log = str(self.folder / "data"), str(self.folder / "log")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-D", data, "-l", log, "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """``immediate`` is a crash: the next start recovers."""
        self.run("pg_ctl", "-w", "-D", str(self.folder / "data"), "-m", mode, "stop")


@contextmanager
def running(bin_folder: Path, *, small_disk: bool = False) -> Iterator[Cluster]:
    """A new cluster for as long as the body runs.

    Args:
        small_disk: the folder `SMALL` in the cluster's is a disk of 4 MiB, for the server alone.
            It lies in a mount namespace that ends with the server, so that no rights are needed.
    """
    # Not below pytest's folders: those are closed to other users, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="pilotbase-pg-"))
    try:
        (folder / SMALL).mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
            shutil.chown(folder / SMALL, "nobody", "nogroup")
        owner = (folder / SMALL).stat()
        ids = str(owner.st_uid), str(owner.st_gid)
        within = ("unshare", "-Urm", "sh", "-c", _ON_SMALL_DISK, str(folder / SMALL), *ids)
        cluster = Cluster(folder, bin_folder, within if small_disk else ())
        words = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        cluster.run("initdb", "-D", str(folder / "data"), f"--username={USER}", *words)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
