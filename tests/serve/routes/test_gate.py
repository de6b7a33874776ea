"""The gate: only a live filing opens, only to a key that holds, and it says why not."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.catalog.parties.mandates import revoke_key, undelegate
from pilotbase.record.erasure import bodies_of, erase
from pilotbase.serve.call import Ask, Call, Refused, Usage
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.compile import compiled
from pilotbase.serve.routes.near import Near
from pilotbase.serve.routes.workers import STATES, Note
from tests.serve.routes.making import SOCKETS, Base, base


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Base]:
    with base(tmp_path / "home") as found:
        found.try_("logit", "forest", "hasty")
        yield found


def why_not(made: Base, service: str) -> Refused:
    with pytest.raises(Refused) as caught:
        made.gate.route(service, made.at)
    return caught.value


def shut_out(made: Base, key: str, service: str = "advice-logit") -> Refused:
    with pytest.raises(Refused) as caught:
        made.gate.admit(key, made.gate.route(service, made.at), made.at)
    return caught.value


def test_a_live_filing_is_a_route_by_its_id_and_by_its_service(made: Base) -> None:
    id_ = made.file()
    gate = made.compile()
    route = gate.route("advice-logit", made.at)
    assert route is gate.route(id_, made.at) or route == gate.route(id_, made.at)
    assert (route.filing, route.service) == (id_, "advice-logit")
    assert (route.principal, route.person, route.tier, route.said) == (
        "maker", "person-1", "limited", "go",
    )  # fmt: skip
    assert route.tariff.case == 20_000_000 and route.tariff.currency == "CNY"
    assert route.source == "filed" and route.speaks == {"infer", "chat"} and route.columns
    upstream = route.upstreams[0]
    assert upstream.kind == "candidate" and upstream.url.startswith(f"unix:{SOCKETS}/")
    assert [one.filing for one in gate.routes(made.at)] == [id_]


@pytest.mark.parametrize(
    ("action", "code", "status"),
    [("suspend", "suspended", 503), ("stop", "stopped", 410), ("withdraw", "withdrawn", 410)],
)
def test_a_filing_that_is_halted_is_refused_with_the_reason(
    made: Base, action: str, code: str, status: int
) -> None:
    id_ = made.file()
    made.compile()
    made.act(id_, action)
    made.compile()
    for name in (id_, "advice-logit"):
        refused = why_not(made, name)
        assert (refused.code, refused.status) == (f"serve.{code}", status)
        assert refused.where == id_ and f"/register/{id_}" in refused.next_step.en
        assert f"/register/{id_}" in refused.next_step.zh


def test_a_resumed_filing_is_served_again(made: Base) -> None:
    id_ = made.file()
    made.act(id_, "suspend")
    made.act(id_, "resume")
    assert made.compile().route(id_, made.at).filing == id_


def test_an_expired_filing_is_refused_without_anything_new_in_the_record(made: Base) -> None:
    made.file()
    gate = made.compile()
    made.clock.forward(days=365, seconds=-1)
    assert gate.route("advice-logit", made.at)
    made.clock.forward(seconds=1)
    assert why_not(made, "advice-logit").code == "serve.expired"
    assert gate.routes(made.at) == []
    made.compile()
    assert why_not(made, "advice-logit").code == "serve.expired"


def test_a_new_filing_takes_the_service_over(made: Base) -> None:
    first = made.file()
    made.act(first, "stop")
    second = made.file(number=2)
    gate = made.compile()
    assert gate.route("advice-logit", made.at).filing == second
    assert why_not(made, first).code == "serve.stopped"


def test_what_was_tried_and_not_filed_is_refused_with_its_verdict(made: Base) -> None:
    made.file()
    made.compile()
    refused = why_not(made, "advice-hasty")
    assert (refused.code, refused.status) == ("serve.not_filed", 403)
    assert "no-go" in refused.message.en and "不通过" in refused.message.zh


def test_a_key_is_known_after_it_expired_and_not_after_it_was_revoked(made: Base) -> None:
    id_ = made.file()
    text = made.key("buyer")
    made.act(id_, "stop")
    gate = made.compile()
    name = gate.whose(text, made.at)
    assert name == text.split("_")[1]
    assert gate.whose(text, made.at + 40 * 365 * 86_400) == name, "expired"
    for wrong, code in ((text[:-1] + "~", "key_wrong"), ("pbk_ä", "key_wrong"), ("", "no_key")):
        with pytest.raises(Refused) as caught:
            gate.whose(wrong, made.at)
        assert caught.value.code == f"serve.{code}"
    revoke_key(made.record, made.context, name, "lost")
    with pytest.raises(Refused) as caught:
        made.compile().whose(text, made.at)
    assert caught.value.code == "serve.key_revoked"


def test_an_unknown_name_is_refused_with_the_nearest_for_who_has_a_key(made: Base) -> None:
    made.file()
    key = made.key("buyer", "serve.call.other")
    gate = made.compile()
    for given in (key, "pbk_wrong", ""):
        with pytest.raises(Refused) as caught:
            gate.route("advice-lojit", made.at, given)
        assert caught.value.code == "serve.unknown_service"
        assert ("'advice-logit'" in caught.value.next_step.en) is (given == key)
    assert why_not(made, "x" * 10_000).where == "x" * 80


def test_a_name_of_any_letters_costs_little() -> None:
    known = [f"service-of-some-district-{n:04d}-logit-{n % 7}" for n in range(300)]
    near = Near(known)
    steps = [0]

    def stepped(*_: object) -> None:
        steps[0] += 1

    sys.setprofile(stepped)
    try:
        assert near.to("".join(sorted("-service-of-some-district-0042-logit-0" * 2))[:64]) is None
        assert near.to("dvice-of-some-district-0042-logit-0") == known[42]
    finally:
        sys.setprofile(None)
    assert steps[0] < 500
    assert near.to("x" * 65) is None and near.to("") is None and Near(()).to("x") is None


def test_a_refusal_that_is_said_again_and_again_does_not_grow(made: Base) -> None:
    id_ = made.file()
    made.act(id_, "suspend")
    made.compile()
    refused = [why_not(made, id_) for _ in range(3)][-1]
    frames = list(traceback.walk_tb(refused.__traceback__))
    assert len(frames) == 2  # the test's own and the gate's


def test_a_filing_that_nobody_can_serve_has_no_route(made: Base) -> None:
    id_ = made.file("elsewhere")  # the scenario has no such candidate
    made.compile()
    refused = why_not(made, id_)
    assert (refused.code, refused.status) == ("serve.no_upstream", 503)
    assert "gateway offer" in refused.next_step.en


def test_a_filing_whose_scenario_was_erased_says_so(made: Base) -> None:
    id_, about = made.file(), "pilot:run1"
    bodies = bodies_of(made.record, made.record.entries(about=about))
    erase(made.record, bodies, by=made.context.actor("data steward"), reason="r", ground="g")
    made.compile()
    refused = why_not(made, id_)
    assert (refused.code, refused.status) == ("serve.no_upstream", 503)
    for said in (about, "was erased from the vault", "删除"):
        assert said in refused.message.en + refused.message.zh
    assert "gateway offer" in refused.next_step.en


def test_files_beside_the_scenario_are_not_looked_for(tmp_path: Path) -> None:
    with base(tmp_path / "home") as made:
        made.try_("logit", data={"csv": "rows.csv"})
        id_ = made.file()
        made.compile()
        assert why_not(made, id_).code == "serve.no_upstream"


def test_a_worker_that_is_not_what_was_tried_shuts_its_service(made: Base, tmp_path: Path) -> None:
    id_, other = made.file(), made.file("forest")
    note = Note(str(tmp_path))
    assert not note.changed() and note.said() == {} and note.states() == {}
    error = {"code": "serve.not_as_tried", "en": "data is not what was tried", "zh": "数据不一致"}
    said = {
        id_: {"state": "refused", "reason": "…", "error": error},
        other: {"state": "ready", "reason": ""},
    }
    (tmp_path / STATES).write_text(json.dumps(said), "utf-8")
    assert note.changed() and note.states() == {id_: "refused", other: "ready"}
    reading = Reading(made.record)
    reading.grown()
    books = reading.books()
    made.gate.put(books, compiled(books, made.at, SOCKETS, workers=note.said()))
    assert not note.changed()
    refused = why_not(made, "advice-logit")
    assert (refused.code, refused.status) == ("serve.not_as_tried", 503)
    assert "data is not what was tried" in refused.message.en
    assert made.gate.route(other, made.at).worker == "ready"


def test_a_worker_that_ends_again_and_again_is_not_waited_for(made: Base) -> None:
    id_, other = made.file(), made.file("forest")
    reading = Reading(made.record)
    reading.grown()
    books = reading.books()
    down = {"state": "down", "reason": "its process ended (-9)"}
    workers = {id_: {**down, "again": made.at + 7.5}, other: down}
    made.gate.put(books, compiled(books, made.at, SOCKETS, workers=workers))
    refused = why_not(made, "advice-logit")
    assert (refused.code, refused.status) == ("serve.worker_down", 503)
    assert (
        refused.retry_after_s == 8.0 and id_ in refused.message.en and "8 秒" in refused.message.zh
    )
    assert made.gate.route(other, made.at).worker == "down"  # soon back: calls wait
    made.gate.put(books, compiled(books, made.at + 8, SOCKETS, workers=workers))
    assert made.gate.route(id_, made.at)


def test_a_bad_price_shuts_one_service_and_no_other(made: Base) -> None:
    bad = made.file("forest", price={"amount": "two pence", "per": "case"})
    good = made.file()
    gate = made.compile()
    assert gate.route(good, made.at)
    assert why_not(made, bad).code == "serve.bad_arrangement"


def test_a_key_says_for_whom_it_acts(made: Base) -> None:
    id_ = made.file()
    key = made.key("buyer", "serve.call.advice-logit")
    gate = made.compile()
    grant = gate.admit(key, gate.route(id_, made.at), made.at)
    assert (grant.holder, grant.principal, grant.person) == ("buyer", "buyer", "person-2")
    assert grant.links == () and grant.key in key
    assert gate.admit(key, gate.route(id_, made.at), made.at) is grant  # kept
    assert grant.accounts("advice-logit") == (
        f"key:{grant.key}", "party:buyer", "service:advice-logit",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("serve.call.advice-logit-1", True),
        ("serve.call.advice-logit", True),
        ("serve.call.*", True),
        ("serve.*", True),
        ("serve.call.advice-forest", False),
        ("serve.call", False),
        ("record.*", False),
    ],
)
def test_a_key_opens_what_its_scopes_cover(made: Base, scope: str, opens: bool) -> None:
    made.file()
    key = made.key("buyer", scope)
    made.compile()
    if opens:
        assert made.gate.admit(key, made.gate.route("advice-logit", made.at), made.at)
    else:
        refused = shut_out(made, key)
        assert (refused.code, refused.status) == ("serve.key_scope", 403)


def test_keys_that_are_none(made: Base) -> None:
    made.file()
    key = made.key()
    made.compile()
    assert (shut_out(made, "").code, shut_out(made, "").status) == ("serve.no_key", 401)
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for text in (wrong, "pbk_x", key.upper(), key + " ", "\ud800", "密钥", "x" * 100_000):
        assert shut_out(made, text).code == "serve.key_wrong"
        assert shut_out(made, text).status == 401


def test_a_key_ends(made: Base) -> None:
    made.file()
    key = made.key("buyer", until="PT2H")
    gate = made.compile()
    route = gate.route("advice-logit", made.at)
    assert gate.admit(key, route, made.at)
    made.clock.forward(hours=2)
    assert shut_out(made, key).code == "serve.key_expired"  # though it had been let in


def test_a_key_is_revoked(made: Base) -> None:
    made.file()
    key = made.key()
    made.compile()
    assert made.gate.admit(key, made.gate.route("advice-logit", made.at), made.at)
    revoke_key(made.record, made.context, key.split("_")[1], "lost")
    made.compile()
    assert shut_out(made, key).code == "serve.key_revoked"


def test_a_chain_of_mandates_holds_as_long_as_each_link(made: Base) -> None:
    made.file()
    upper = made.delegate("buyer", "robot", until="P10D", further=1)
    lower = made.delegate("robot", "helper", "serve.call.*", until="PT5H")
    key = made.key("helper", "serve.call.*", until="PT4H")
    gate = made.compile()
    grant = gate.admit(key, gate.route("advice-logit", made.at), made.at)
    assert grant.links == (lower, upper)
    assert (grant.holder, grant.principal, grant.person) == ("helper", "buyer", "person-2")
    assert grant.until == made.at + 4 * 3600
    undelegate(made.record, made.context, upper, "no longer")
    made.compile()
    refused = shut_out(made, key)
    assert (refused.code, refused.status) == ("serve.mandate_revoked", 403)
    assert refused.where == upper and upper in refused.message.zh


def test_live_calls_are_asked_again_when_the_record_has_grown(made: Base) -> None:
    id_ = made.file()
    key = made.key()
    gate = made.compile()
    told = []
    gate.on_change(lambda: told.append(made.at))
    route = gate.route(id_, made.at)
    call = Call(Ask(id_, "chat", b""), route, gate.admit(key, route, made.at), made.at, Usage())
    assert gate.standing(call, made.at) is None
    made.act(id_, "suspend")
    made.compile()
    assert told == [made.at]
    refused = gate.standing(call, made.at)
    assert refused is not None and refused.code == "serve.suspended"
    made.act(id_, "resume")
    revoke_key(made.record, made.context, call.grant.key, "lost")
    made.compile()
    refused = gate.standing(call, made.at)
    assert refused is not None and refused.code == "serve.key_revoked"
    stranger = replace(call.grant, key="0" * 12)
    refused = gate.standing(Call(call.ask, route, stranger, made.at, Usage()), made.at)
    assert refused is not None and refused.code == "serve.key_wrong"


def test_nothing_is_served_while_the_record_cannot_be_read(made: Base) -> None:
    made.file()
    gate = made.compile()
    gate.lost = True
    refused = why_not(made, "advice-logit")
    assert (refused.code, refused.retry_after_s) == ("serve.record_unread", 5.0)
    assert gate.routes(made.at) == ()


def test_development_serves_what_is_not_filed_and_never_stands_in(made: Base) -> None:
    id_ = made.file()
    made.file("forest")
    made.act("advice-forest-1", "stop")
    made.development = True
    gate = made.compile()
    loose = gate.route("advice-hasty", made.at)
    assert (loose.source, loose.verdict, loose.said) == ("development", "", "no-go")
    assert loose.tariff.case == 0 and loose.expires == float("inf")
    assert gate.route("advice-logit", made.at).source == "filed"
    assert gate.route(id_, made.at).source == "filed"
    assert why_not(made, "advice-forest").code == "serve.stopped"
