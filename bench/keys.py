"""How fast API keys are checked: ``python bench/keys.py [KEYS]``.

Each of KEYS agents (10,000 if left out) holds a key at the end of a chain of three delegations.
Keys are asked at random, one in a hundred of them wrong. Prints microseconds of CPU a check.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime, timedelta

from pilotbase.catalog.rules.delegation import Book, Delegation, Party
from pilotbase.catalog.rules.keys import Admission, Key, KeyRing, key_text

CHECKS = 200_000
NOW = datetime(2026, 11, 22, tzinfo=UTC)
YEAR = NOW + timedelta(days=365)


def ring_of(count: int, draw: random.Random) -> tuple[KeyRing, list[str]]:
    """A ring of ``count`` keys, and their texts."""
    parties = {"p": Party("p", "person"), "b": Party("b", "body", "p")}
    parties |= {name: Party(name, "agent") for name in ("top", "mid")}
    links = {
        "d1": Delegation("d1", "b", "top", ("serve.*",), NOW, YEAR, further=2),
        "d2": Delegation("d2", "top", "mid", ("serve.*",), NOW, YEAR, "d1", 1),
    }
    keys, texts = dict[str, Key](), list[str]()
    for n in range(count):
        agent, link = f"a{n}", f"d-{n}"
        parties[agent] = Party(agent, "agent")
        links[link] = Delegation(link, "mid", agent, ("serve.call",), NOW, YEAR, "d2")
        id_, text, kept = key_text(draw.randbytes(6), draw.randbytes(32))
        keys[id_] = Key(id_, agent, link, ("serve.call",), NOW, YEAR, kept)
        texts.append(text)
    return KeyRing(Book(parties, links), keys), texts


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    draw = random.Random(1)
    ring, texts = ring_of(count, draw)
    asked = [draw.choice(texts) for _ in range(CHECKS)]
    asked[::100] = [text[:-1] + ("0" if text[-1] != "0" else "1") for text in asked[::100]]
    for said in ("first, chains followed", "again"):
        start = time.process_time()
        opened = sum(isinstance(ring.admit(t, "serve.call", NOW), Admission) for t in asked)
        spent = time.process_time() - start
        print(f"{said}: {spent / CHECKS * 1e6:.2f} us a check, {opened:,} of {CHECKS:,} opened")


if __name__ == "__main__":
    main()
