"""Deferred acceptance at the size of a country: ours, and a peer's on a market that it can hold.

    python bench/match_stable.py [--json] [--peer PYTHON]

100,000 proposers with 20 choices each, 1,000 receivers that rank everyone who chose them; texts as
ids; from more proposers than places to places for all. CPU seconds, the best of three, everything
included from the mappings that go in to the mapping that comes out.

``--peer`` names a Python whose environment has the library ``matching`` (H. Wilde, V. Knight and
J. Gillard 2020, Journal of Open Source Software 5 (48)); it is never one of our own dependencies.
Both then match 2,000 proposers with 50 receivers, and the ratio of their times is printed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from typing import Any

from pilotbase.match.rules.stable import blocking_pairs, deferred_acceptance

BOUND_SECONDS = 0.5
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from matching.games import HospitalResident
ours, theirs, places = json.load(sys.stdin)
game = HospitalResident.create_from_dictionaries(ours, theirs, places)
start = time.process_time()
made = game.solve(optimal="resident")
seconds = time.process_time() - start
pairs = {str(h): sorted(map(str, held)) for h, held in made.items()}
print(json.dumps([seconds, pairs]))
"""
Market = tuple[dict[str, list[str]], dict[str, list[str]]]


def market(proposers: int, receivers: int, choices: int, seed: int = 1) -> Market:
    """Random lists: each receiver ranks those who chose it."""
    chance = random.Random(seed)
    names = [f"need-{number}" for number in range(proposers)]
    others = [f"product-{number}" for number in range(receivers)]
    ours = {name: chance.sample(others, choices) for name in names}
    theirs: dict[str, list[str]] = {other: [] for other in others}
    for name, listed in ours.items():
        for other in listed:
            theirs[other].append(name)
    for listed in theirs.values():
        chance.shuffle(listed)
    return ours, theirs


def seconds_of(ours: Any, theirs: Any, places: Any, times: int = 3) -> tuple[float, Any]:
    best, made = float("inf"), None
    for _ in range(times):
        start = time.process_time()
        made = deferred_acceptance(ours, theirs, places)
        best = min(best, time.process_time() - start)
    return best, made


def ours_at_size() -> list[dict[str, Any]]:
    ours, theirs = market(100_000, 1_000, 20)
    rows = []
    for places in (10, 50, 100, 150):
        room = dict.fromkeys(theirs, places)
        seconds, made = seconds_of(ours, theirs, room)
        blocking = len(blocking_pairs(made, ours, theirs, room))
        matched = sum(map(len, made.values()))
        rows.append(
            {"places": places, "cpu_seconds": seconds, "matched": matched, "blocking": blocking,
             "within": seconds <= BOUND_SECONDS}
        )  # fmt: skip
    return rows


def beside_the_peer(python: str) -> dict[str, Any]:
    ours, theirs = market(2_000, 50, 10)
    room = dict.fromkeys(theirs, 30)
    seconds, made = seconds_of(ours, theirs, room)
    given = json.dumps([ours, theirs, room])
    done = subprocess.run(
        [python, "-c", PEER], input=given, capture_output=True, text=True, check=True
    )
    peer_seconds, pairs = json.loads(done.stdout)
    same = pairs == {other: sorted(held) for other, held in made.items()}
    return {"ours": seconds, "peer": peer_seconds, "ratio": peer_seconds / seconds, "same": same}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", default="")
    options = parser.parse_args()
    found = {"at_size": ours_at_size(), "peer": None}
    if options.peer:
        found["peer"] = beside_the_peer(options.peer)
    if options.json:
        json.dump(found, sys.stdout)
        return
    for row in found["at_size"] or []:
        print("{places:4} places each: {cpu_seconds:.3f} s CPU, {matched} matched, "
              "{blocking} blocking pairs".format(**row))  # fmt: skip
    if found["peer"]:
        print("2,000 x 50: ours {ours:.4f} s, `matching` {peer:.4f} s, ratio {ratio:.0f}, "
              "same matching: {same}".format(**found["peer"]))  # fmt: skip


if __name__ == "__main__":
    main()
