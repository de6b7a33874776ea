"""Money, over HTTP and two processes: races, kills, a full disk, repeated requests."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.metering.verifying import verify
from tests.serve.faults.villain import Stand, stand
from tests.serve.metering.kit import limit
from tests.serve.running.gateway import Gateway, until

KILLS, CALLERS = 2, 6


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("money"), "--workers", "2") as found:
        yield found


def asked(gateway: Gateway, key: str, **headers: str) -> tuple[int, str, str]:
    """Status, usage id and code of one call on a connection of its own; 0 where it broke."""
    connection = gateway.connection()
    said = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    body = json.dumps({"model": "advice-logit", "messages": []})
    try:
        connection.request("POST", "/v1/chat/completions", body, said)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        code = found["error"]["code"] if answer.status != 200 else ""
        return answer.status, answer.headers.get("pilotbase-usage", ""), code
    except (OSError, ValueError):
        return 0, "", ""
    finally:
        connection.close()


def statuses(pool: ThreadPoolExecutor, gateway: Gateway, key: str) -> set[int]:
    """Of 64 calls at once."""
    return {status for status, _, _ in pool.map(lambda _: asked(gateway, key), range(64))}


def test_64_callers_race_for_one_call_over_two_processes(two: Stand) -> None:
    key = two.base.key("buyer")
    limit(two.base.record, f"key:{key.split('_')[1]}", "P1D", requests=1)
    sign = two.base.key("buyer")
    limit(two.base.record, f"key:{sign.split('_')[1]}", "P1D", requests=0)
    with ThreadPoolExecutor(64) as pool:
        # So many at once come to both processes: then both know of the limits.
        until(lambda: statuses(pool, two.gateway, sign) == {402})
        said = list(pool.map(lambda _: asked(two.gateway, key), range(64)))
    assert Counter(status for status, _, _ in said) == {200: 1, 429: 63}
    assert {code for status, _, code in said if status == 429} <= {
        "serve.limit_reached", "serve.budget_spent"
    }  # fmt: skip


def test_an_idempotency_key_is_used_once_over_two_processes(two: Stand) -> None:
    def once(_: int) -> tuple[int, str, str]:
        return asked(two.gateway, two.key, **{"Idempotency-Key": "one order"})

    with ThreadPoolExecutor(16) as pool:
        said = Counter(status for status, _, _ in pool.map(once, range(16)))
    assert said == {200: 1, 409: 15}


def test_nothing_acknowledged_is_lost_or_counted_twice_when_processes_are_killed(
    two: Stand,
) -> None:
    over, acknowledged = threading.Event(), list[str]()

    def caller() -> None:
        while not over.is_set():
            status, usage, _ = asked(two.gateway, two.key)
            if status == 200:
                acknowledged.append(usage)

    callers = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for one in callers:
        one.start()
    for number in range(KILLS):
        seen = len(acknowledged)
        until(lambda seen=seen: len(acknowledged) > seen + 20)  # type: ignore[misc]
        before = two.gateway.children()
        os.kill(before[number % 2], signal.SIGKILL)
        until(lambda before=before: len(set(two.gateway.children()) - set(before)) == 1)  # type: ignore[misc]
    over.set()
    for one in callers:
        one.join()
    assert len(acknowledged) == len(set(acknowledged))
    found = Counter(row["call"] for row in two.used())
    assert set(acknowledged) <= set(found) and set(found.values()) == {1}
    with open_record(Context(two.base.context.home)) as record:
        assert verify(record).ok


def test_a_full_disk_refuses_to_serve_and_serves_again_when_there_is_room(
    tmp_path: Path,
) -> None:
    """A file-size limit stands for the disk; the process is told of neither."""
    with stand(tmp_path) as found:
        assert found.call()[0] == 200
        (child,) = found.gateway.children()
        free = resource.prlimit(child, resource.RLIMIT_FSIZE)
        resource.prlimit(child, resource.RLIMIT_FSIZE, (16, free[1]))
        said = [asked(found.gateway, found.key) for _ in range(3)]
        assert {(status, code) for status, _, code in said} == {(503, "serve.unmetered")}
        status, body = found.gateway.get("/readyz")
        assert status == 503 and json.loads(body)["checks"]["journal"] is False
        resource.prlimit(child, resource.RLIMIT_FSIZE, free)
        # nobody calls meanwhile, as behind a balancer that asks whether it is ready
        until(lambda: found.gateway.get("/readyz")[0] == 200)
        assert found.call()[0] == 200
        until(lambda: all(not row["unsettled"] for row in found.used()))
        assert len(found.used()) == 2
