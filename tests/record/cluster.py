"""A PostgreSQL server of the tests' own, in a temporary folder, on a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


class Cluster:
    """A running server."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._bin = bin_folder
        self.dsn = f"postgresql:///postgres?host={folder}&user={USER}"

    def run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs; as root it runs as somebody without rights."""
        # initdb and postgres refuse to run as root.
        somebody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        subprocess.run(
            [str(self._bin / program), *words],
            check=True,
            cwd=self.folder,
            env={"PATH": f"{self._bin}:/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            **(somebody if os.geteuid() == 0 else {}),  # type: ignore[arg-type]
        )

    def start(self) -> None:
        data, log = str(self.folder / "data"), str(self.folder / "log")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-D", data, "-l", log, "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """``immediate`` is a crash: the next start recovers."""
        self.run("pg_ctl", "-w", "-D", str(self.folder / "data"), "-m", mode, "stop")


@contextmanager
def running(bin_folder: Path) -> Iterator[Cluster]:
    """A new cluster for as long as the body runs."""
    # Not below pytest's folders: those are closed to other users, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="pilotbase-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        cluster = Cluster(folder, bin_folder)
        words = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        cluster.run("initdb", "-D", str(folder / "data"), f"--username={USER}", *words)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
