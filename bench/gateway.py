"""What a call through the gateway costs: CPU milliseconds a request, beside nginx and LiteLLM.

Run by hand: ``python bench/gateway.py [--rounds N] [--no-peer] [--soak SECONDS]``. One upstream on
the loopback answers at once, or with 50 events a millisecond apart; 32 connections ask, from a
process of their own. Ours has everything on (key with a chain of delegations, four budgets, price,
durable journal, receipt headers); nginx is a plain reverse proxy with kept connections; LiteLLM's
proxy has a master key and one model, in an environment of its own that this script makes. All are
asked in the same round; CPU is user + system time of the server's processes. A run is void unless
the journal has as many served rows as there were good answers. Medians, with min and max. A peer
that hung is started anew for the next round.

A call is let in once its intent is on disk, so no percentile of ours can be below the same one of
the disk: what a write and its fdatasync take there is measured in every round too, and the time of
an answer also at 2,000 requests a second (``paced``), where nobody waits for a processor.

``--soak`` instead asks ours 2,000 times a second for that long and watches its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.serve.metering.segments import Reading, journals, segments
from pilotbase.serve.rules.frames import decode

HERE = Path(__file__).parent
CONNECTIONS = 32
PACED = 6000
REQUESTS = {
    ("ours", "json"): 40_000,  # about as long as the peer takes: a busy moment weighs as much
    ("ours", "sse"): 1200,
    ("nginx", "json"): 40_000,
    ("nginx", "sse"): 1200,
    ("ours", "paced"): PACED,
    ("nginx", "paced"): PACED,
    ("litellm", "json"): 300,
    ("litellm", "sse"): 96,
}
WARM = 64
SOAK_RATE = 2000
SYNCS, SYNC_BYTES, SYNC_APART_S = 1000, 2400, 0.002
TICKS_S = os.sysconf("SC_CLK_TCK")
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000000;
  upstream up {{ server 127.0.0.1:{up}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://up; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""
LITELLM = """
model_list:
  - model_name: bench
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{up}/v1", api_key: none}}
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false}}
"""


@dataclass
class Server:
    """A server that is asked."""

    name: str
    process: subprocess.Popen[str]
    port: int
    key: str

    def load(self, kind: str, count: int, rate: float = 0) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        words = ["load", url, self.key, kind, CONNECTIONS, count, rate]
        command = [sys.executable, str(HERE / "gateway_wire.py"), *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    @property
    def cpu_s(self) -> float:
        return sum(_cpu(pid) for pid in _family(self.process.pid)) / TICKS_S

    @property
    def memory_mb(self) -> float:
        return sum(_memory(pid) for pid in _family(self.process.pid)) / 1024


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _family(int(child))
    return found


def _cpu(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def listening(port: int, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens at {port}")


class Bench:
    """The servers, started once; folders and processes are gone at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.up = folder, free_port()
        self.started: list[subprocess.Popen[str]] = []
        self._start([sys.executable, str(HERE / "gateway_wire.py"), "upstream", str(self.up)])
        listening(self.up)

    def _start(self, command: list[str], **more: Any) -> subprocess.Popen[str]:
        one = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more
        )
        self.started.append(one)
        return one

    def ours(self) -> Server:
        home, port = self.folder / "home", free_port()
        home.mkdir()
        url = f"http://127.0.0.1:{self.up}/v1"
        command = [sys.executable, str(HERE / "gateway_served.py"), str(home), str(port), url]
        process = self._start(command)
        assert process.stdout is not None
        return Server("ours", process, port, process.stdout.readline().strip())

    def nginx(self) -> Server:
        port = free_port()
        (self.folder / "nginx.conf").write_text(
            NGINX.format(folder=self.folder, up=self.up, port=port)
        )
        process = self._start(["nginx", "-c", str(self.folder / "nginx.conf")])
        listening(port)
        return Server("nginx", process, port, "none")

    def litellm(self) -> Server:
        port, config = free_port(), self.folder / "litellm.yaml"
        config.write_text(LITELLM.format(up=self.up))
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it asks the network else
        command = [str(peer_environment()), "--config", str(config), "--port", str(port)]
        process = self._start([*command, "--host", "127.0.0.1"], cwd=self.folder)
        listening(port)
        return Server("litellm", process, port, "sk-bench")

    def anew(self, server: Server) -> Server:
        """A peer that hung, started again."""
        server.process.kill()
        server.process.wait()
        again = self.litellm() if server.name == "litellm" else self.nginx()
        for kind in ("json", "sse"):
            again.load(kind, WARM)
        return again

    def stop(self) -> None:
        for one in self.started:
            one.send_signal(signal.SIGTERM)
        for one in self.started:
            try:
                one.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def served_rows(self) -> int:
        """Rows of the journal of calls that were served, with usage that the upstream said."""
        count = 0
        for journal in journals(self.folder / "home"):
            for path in segments(journal):
                for frame in Reading(path).frames():
                    row = decode(frame.payload)
                    count += row[0] == "settle" and row[2] == "served" and row[11]
        return int(count)


def syncs_ms(folder: Path) -> list[float]:
    """What a group's write and its fdatasync take on this disk, over blocks that are there."""
    taken = []
    with (folder / "syncs").open("w+b") as file:
        file.write(bytes(SYNCS * SYNC_BYTES))
        os.fsync(file.fileno())
        for at in range(SYNCS):
            began = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * SYNC_BYTES, at * SYNC_BYTES)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(SYNC_APART_S)
    return sorted(taken)


def peer_environment() -> Path:
    """LiteLLM's proxy in an environment of its own, made once."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pilotbase-bench"
    program = home / "litellm" / "bin" / "litellm"
    if not program.exists():
        print("making an environment for LiteLLM ...")
        subprocess.run([sys.executable, "-m", "venv", home / "litellm"], check=True)
        pip = [str(program.with_name("python")), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "litellm[proxy]"], check=True)
    return program


@dataclass
class Seen:
    """One server's figures over the rounds; a peer may have hung in one."""

    rounds: list[int]
    cpu_ms: list[float]
    p50_ms: list[float]
    p99_ms: list[float]


def compare(bench: Bench, servers: list[Server], rounds: int) -> int:
    """Ask all in turn; print the table. Returns how many good answers ours gave."""
    seen: dict[tuple[str, str], Seen] = defaultdict(lambda: Seen([], [], [], []))
    good = 0
    for server in servers:
        for kind in ("json", "sse"):
            said = server.load(kind, WARM)
            good += said["good"] if server.name == "ours" else 0
    disk = []
    for number in range(1, rounds + 1):
        for kind in ("json", "sse", "paced"):
            for server in tuple(servers):
                if (count := REQUESTS.get((server.name, kind), 0)) == 0:
                    continue
                before = server.cpu_s
                said = server.load(kind, count, SOAK_RATE if kind == "paced" else 0)
                spent = server.cpu_s - before
                if said["bad"] or said["good"] != count:
                    print(f"void: {server.name} {kind}: {said}", flush=True)
                    if server.name == "ours":
                        raise SystemExit(1)
                    servers[servers.index(server)] = bench.anew(server)
                    continue
                good += said["good"] if server.name == "ours" else 0
                found = seen[server.name, kind]
                found.rounds.append(number)
                found.cpu_ms.append(spent / count * 1000)
                found.p50_ms.append(said["p50_ms"])
                found.p99_ms.append(said["p99_ms"])
                print(f"{number}. {server.name} {kind}: {found.cpu_ms[-1]:.3f} ms", flush=True)
        disk.append(syncs_ms(bench.folder))
    table(seen)
    print(
        f"{'fdatasync':<38}"
        f"{'':>9}{statistics.median(one[SYNCS // 2] for one in disk):>9.1f}"
        f"{spread([one[SYNCS * 99 // 100] for one in disk], 1):>20}"
    )
    print("memory: " + ", ".join(f"{one.name} {one.memory_mb:.0f} MB" for one in servers))
    return good


def table(seen: dict[tuple[str, str], Seen]) -> None:
    print(f"{'':<14}{'CPU ms a request':>24}{'x nginx':>9}{'p50 ms':>9}{'p99 ms':>9}  (min to max)")
    for (name, kind), found in sorted(seen.items(), key=lambda one: one[0][1]):
        cpu = statistics.median(found.cpu_ms)
        base = dict(zip(seen["nginx", kind].rounds, seen["nginx", kind].cpu_ms, strict=True))
        ratios = [n / base[at] for at, n in zip(found.rounds, found.cpu_ms, strict=True)]
        print(
            f"{name + ' ' + kind:<14}{spread(found.cpu_ms):>24}{statistics.median(ratios):>9.1f}"
            f"{statistics.median(found.p50_ms):>9.1f}{spread(found.p99_ms, 1):>20}"
        )
        if name == "litellm":
            ours = statistics.median(seen["ours", kind].cpu_ms)
            print(f"{'':<14}LiteLLM : ours = {cpu / ours:.0f}")


def spread(values: list[float], places: int = 3) -> str:
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{places}f} ({least:.{places}f}-{most:.{places}f})"


def soak(server: Server, seconds: int) -> int:
    """Ask at a steady rate and print the memory; stops where it grew by more than 5 MB."""
    good, part = 0, max(10, seconds // 20)
    server.load("json", SOAK_RATE * 10, SOAK_RATE)
    good += SOAK_RATE * 10
    first = server.memory_mb
    for done in range(0, seconds, part):
        said = server.load("json", SOAK_RATE * part, SOAK_RATE)
        if said["bad"]:
            raise SystemExit(f"void: {said}")
        good += said["good"]
        rate = said["good"] / said["seconds"]
        print(
            f"{done + part:5d} s {server.memory_mb:7.1f} MB {rate:7.0f} /s"
            f"  p50 {said['p50_ms']:.1f} ms p99 {said['p99_ms']:.1f} ms"
        )
    grown = server.memory_mb - first
    print(f"grown by {grown:.1f} MB in {seconds} s at {SOAK_RATE} a second")
    if grown > 5:
        raise SystemExit("memory grows")
    return good


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended early"))  # nothing is left running
    folder = Path(tempfile.mkdtemp(prefix="pilotbase-gateway-"))
    bench = Bench(folder)
    try:
        ours = bench.ours()
        if options.soak:
            good = soak(ours, options.soak)
        else:
            servers = [ours, bench.nginx()]
            if not options.no_peer:
                servers.append(bench.litellm())
            print(f"{CONNECTIONS} connections, {options.rounds} rounds, {os.cpu_count()} CPUs")
            good = compare(bench, servers, options.rounds)
    finally:
        bench.stop()
    rows = bench.served_rows()
    shutil.rmtree(folder)
    if rows != good:
        raise SystemExit(f"void: {rows} served rows in the journal, {good} good answers")
    print(f"{rows} served rows in the journal, as many as good answers")


if __name__ == "__main__":
    main()
