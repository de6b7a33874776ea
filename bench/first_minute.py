"""What a user waits for: the help, the first tour and the second, in CPU seconds of the process.

Run by hand: ``python bench/first_minute.py [--runs N]``. Prints minimum, median and maximum of the
CPU time (user + system, children included) and the median wall time. The project's own limits are
0.3 s for the help and 60 s for a second tour, on two cores.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def timed(words: list[str]) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of one command; it has to succeed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "pilotbase", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - started


def row(name: str, measured: list[tuple[float, float]], limit: float | None) -> str:
    cpu = sorted(c for c, _ in measured)
    wall = statistics.median(w for _, w in measured)
    bound = f"{statistics.median(cpu) / limit:6.2f} of {limit} s" if limit else ""
    median = statistics.median(cpu)
    return f"{name:<14}{cpu[0]:8.2f}{median:8.2f}{cpu[-1]:8.2f}{wall:10.2f}   {bound}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(f"{'':<14}{'cpu min':>8}{'median':>8}{'max':>8}{'wall':>10}")
    print(row("--help", [timed(["--help"]) for _ in range(runs)], 0.3))
    with tempfile.TemporaryDirectory() as home:
        print(row("first tour", [timed(["tour", "--home", home])], None))
        again = [timed(["tour", "--home", home]) for _ in range(min(runs, 3))]
        print(row("second tour", again, 60))


if __name__ == "__main__":
    main()
