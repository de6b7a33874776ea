"""Rights and terms by their verbs: registered, disputed, asked, used, fulfilled, refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.assets import verbs as assets
from pilotbase.catalog.parties import verbs as parties
from pilotbase.catalog.rights.verbs import registering as rights
from pilotbase.catalog.rights.verbs import terms
from pilotbase.catalog.rights.views import VIEWS
from pilotbase.kernel.errors import InputError, PilotbaseError, RunError, SheetError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context, as_data
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.views import rebuild

LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: {en: Li Wen, zh: 李文}}
  - {id: person-9, kind: person, name: {en: Zhao Min, zh: 赵敏}}
  - {id: person-3, kind: person, name: {en: Sun Yi, zh: 孙毅}}
  - {id: library, kind: body, name: City Library, principal: person-7}
  - {id: uni, kind: body, name: University, principal: person-3}
  - {id: bot, kind: agent, name: Agent}
assets:
  - {id: readings, kind: dataset, title: {en: Readings, zh: 抄表数据}, provider: library}
  - {id: logit, kind: model, title: {en: Logit, zh: 逻辑回归}}
"""
FEE = {
    "uid": "fee",
    "action": {
        "rdf:value": {"@id": "odrl:compensate"},
        "refinement": {"leftOperand": "payAmount", "operator": "gteq", "rightOperand": "5.00",
                       "unit": "CNY"},
    },
}  # fmt: skip
POLICY: dict[str, Any] = {
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Agreement", "uid": "readings-uni", "conflict": "prohibit",
    "target": "readings", "assigner": "library", "assignee": "uni",
    "permission": {
        "action": "use", "duty": FEE,
        "constraint": [
            {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["research"]},
            {"leftOperand": "count", "operator": "lteq", "rightOperand": 3},
        ],
    },
    "prohibition": {"action": "distribute"},
}  # fmt: skip
NOW = "2026-11-22T08:00:00Z"


@pytest.fixture
def base(tmp_path: Path) -> Context:
    made = Context(tmp_path / "home", clock=fixed_clock(NOW))
    (tmp_path / "list.yaml").write_text(LIST, "utf-8")
    assets.add(made, assets.AddRequest(tmp_path / "list.yaml"))
    return made


def later(base: Context, moment: str) -> Context:
    return dataclasses.replace(base, clock=fixed_clock(moment))


def set_(base: Context, policy: Any = POLICY, asset: str = "readings", by: str = "person-7") -> Any:
    file = base.home.parent / "terms.json"
    file.write_text(json.dumps(policy), "utf-8")
    return terms.set_(base, terms.SetRequest(asset, file, by))


def may(base: Context, action: str = "read", party: str = "uni", **more: Any) -> Any:
    return terms.may(base, terms.MayRequest(party, action, "readings", **more))


def applied(
    base: Context, right: Any = "hold", holder: str = "library", by: str = "person-7"
) -> str:
    request = rights.ApplyRequest("readings", right, holder, by, "read by its own meters")
    return rights.apply(base, request).registration


def step(base: Context, word: str, id_: str, by: str = "person-9", **more: Any) -> Any:
    request = rights.PublishRequest if word == "publish" else rights.MoveRequest
    return getattr(rights, word)(base, request(id_, by, "as it has to be", **more))


def refusal(call: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(PilotbaseError) as caught:
        call(*given, **more)
    assert caught.value.message.en and caught.value.message.zh
    assert isinstance(caught.value, (InputError, RunError))
    return caught.value.code


def holds(base: Context) -> None:
    """The views fold again to the same bytes, and the record proves itself."""
    with open_record(base, create=False) as record:
        assert all(one.identical in (True, None) for one in rebuild(record, VIEWS))
        assert all(one.identical for one in rebuild(record, VIEWS))
        assert verify(record).ok


def test_a_right_is_registered_step_by_step_by_named_persons(base: Context) -> None:
    id_ = applied(base)
    assert refusal(step, base, "review", id_) == "rights.no_such_step"
    assert refusal(step, base, "accept", id_, by="person-7") == "rights.not_yours"
    assert refusal(step, base, "accept", id_, by="library") == "rights.not_a_person"
    assert refusal(step, base, "accept", id_, by="person-8") == "catalog.unknown"
    for word in ("accept", "review", "publish"):
        found = step(base, word, id_)
    assert found.stage == "published" and found.until == "2026-12-07T00:00:00.000Z"
    assert refusal(step, base, "code", id_) == "rights.still_published"
    found = step(later(base, "2026-12-07T00:00:00Z"), "code", id_)
    assert found.stage == "coded" and found.code.startswith("hold-")
    assert found.in_force == found.asked and found.in_force["holder"] == "library"
    assert [one["action"] for one in found.history] == [
        "apply", "accept", "review", "publish", "code",
    ]  # fmt: skip
    assert {one["person"] for one in found.history} == {"person-7", "person-9"}
    (listed,) = rights.list_(base, rights.ListRequest()).registrations
    assert (listed["holder"], listed["stage"], listed["disputes"]) == ("library", "coded", 0)
    holds(base)


def coded(base: Context, right: Any = "hold") -> str:
    id_ = applied(base, right)
    for word, more in (("accept", {}), ("review", {}), ("publish", {"term": "PT0H"}), ("code", {})):
        step(base, word, id_, **more)
    return id_


def test_a_change_goes_through_all_steps_while_the_old_stays_in_force(base: Context) -> None:
    id_ = coded(base)
    change = rights.AmendRequest(id_, "uni", "", "person-7", "sold")
    assert refusal(rights.change, base, dataclasses.replace(change, holder="library")) == (
        "rights.no_change"
    )
    assert refusal(rights.change, base, dataclasses.replace(change, by="person-3")) == (
        "rights.not_for_holder"
    )
    found = rights.change(base, change)
    assert (found.stage, found.in_force["holder"], found.asked["holder"]) == (
        "applied", "library", "uni",
    )  # fmt: skip
    assert refusal(step, base, "accept", id_, by="person-3") == "rights.not_yours"
    assert step(base, "refuse", id_).stage == "coded"
    rights.change(base, change)
    for word, more in (("accept", {}), ("review", {}), ("publish", {"term": "PT0H"}), ("code", {})):
        found = step(base, word, id_, **more)
    assert found.in_force["holder"] == "uni"
    gone = rights.cancel(base, rights.CancelRequest(id_, "person-3", "no longer kept"))
    assert (gone.stage, gone.in_force) == ("cancelled", None)
    holds(base)


def test_under_dispute_nothing_of_the_right_is_registered(base: Context) -> None:
    id_ = applied(base)
    found = rights.dispute(base, rights.DisputeRequest(id_, "person-3", "the meters are ours"))
    (about,) = found.disputes
    assert refusal(step, base, "accept", id_) == "rights.under_dispute"
    assert refusal(applied, base, "hold", "uni", "person-3") == "rights.under_dispute"
    assert refusal(set_, base) == "rights.under_dispute"
    cancel = rights.CancelRequest(id_, "person-7", "never mind")
    assert refusal(rights.cancel, base, cancel) == "rights.under_dispute"
    # The two other rights are rights of their own.
    assert applied(base, "process")
    settle = rights.SettleRequest(about["dispute"], "falls", "person-3", "so I say")
    assert refusal(rights.settle, base, settle) == "rights.not_yours"
    found = rights.settle(base, dataclasses.replace(settle, by="person-9"))
    assert (found.stage, found.disputes) == ("refused", ())
    assert refusal(rights.settle, base, dataclasses.replace(settle, by="person-9")) == (
        "rights.settled"
    )
    assert applied(base, "hold", "uni", "person-3")
    holds(base)


def test_who_may_apply_and_beside_whom(base: Context) -> None:
    assert refusal(applied, base, by="person-3") == "rights.not_for_holder"
    assert refusal(applied, base, holder="bot") == "rights.no_holder"
    mandate = parties.DelegateRequest("library", "person-3", ("rights.register",))
    parties.delegate(base, mandate)
    assert applied(base, by="person-3")
    assert refusal(applied, base, "hold", "uni", "person-3") == "rights.taken"
    assert applied(base, "process", "uni", "person-3") and applied(base, "process")
    wrong = rights.ApplyRequest("logit", "hold", "library", "person-7", "ours")
    assert refusal(rights.apply, base, wrong) == "catalog.unknown"


def test_terms_are_asked_used_and_fulfilled(base: Context) -> None:
    assert may(base).code == "terms.none"
    assert set_(base).policy == "readings-uni"
    found = may(base, purpose="research")
    assert (found.answer, found.exit_code) == ("duty", 3)
    assert [(one["duty"], one["action"]) for one in found.duties] == [("fee", "compensate")]
    fee = terms.FulfilRequest("readings", "fee", "uni", "4 CNY", "", "bill 1", "person-9")
    assert terms.fulfil(base, fee).exit_code == 3
    assert terms.fulfil(base, dataclasses.replace(fee, pay="5 CNY")).met
    found = may(base, purpose="research")
    assert (found.answer, found.rule, found.exit_code) == ("yes", "permission-0", 0)
    assert may(base).open == ("purpose",) and may(base, "sell").code == "terms.not_permitted"
    assert may(base, "distribute", purpose="research").code == "terms.prohibited"
    use = terms.UsedRequest("uni", "read", "readings", purpose="research", times=3, by="person-9")
    assert terms.used(base, use).decision.answer == "yes"
    assert may(base, purpose="research").code == "terms.condition"
    assert terms.used(base, use).decision.answer == "no"  # what happened is recorded all the same
    assert terms.show(base, terms.ShowRequest("readings")).uses == {"uni": {"read": 6}}
    json.dumps(as_data(may(base)))
    holds(base)


def test_another_version_of_the_terms_asks_for_the_duty_anew(base: Context) -> None:
    set_(base)
    fee = terms.FulfilRequest("readings", "fee", "uni", "9 CNY", "", "bill", "person-9")
    assert terms.fulfil(base, fee).met and may(base, purpose="research").answer == "yes"
    first = set_(base).entry
    assert set_(base).entry == first  # the same terms once more are the same entry
    set_(base, {**POLICY, "prohibition": {"action": "archive"}})
    assert may(base, purpose="research").answer == "duty"
    gone = terms.WithdrawRequest("readings", "readings-uni", "person-7", "ended")
    terms.withdraw(base, gone)
    assert may(base, purpose="research").code == "terms.none"
    assert set_(base).entry > first and may(base, purpose="research").answer == "yes"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"assignee": "unii"}, "terms.unknown"),
        ({"target": "logit"}, "terms.other_target"),
        ({"conflict": "invalid", "prohibition": {"action": "use"}}, "terms.contradiction"),
        ({"@context": "https://example.org/context"}, "terms.remote_context"),
        ({"permission": {"action": "use", "until": "2027"}}, "terms.unknown_word"),
    ],
)
def test_terms_that_cannot_hold_are_refused(
    base: Context, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(SheetError) as caught:
        set_(base, {**POLICY, **changes})
    assert code in {fault.code for fault in caught.value.faults}
    assert may(base).code == "terms.none"


def test_what_cannot_be_asked_is_said(base: Context) -> None:
    set_(base)
    assert refusal(may, base, "raed") == "terms.action"
    assert refusal(may, base, party="nobody") == "catalog.unknown"
    assert refusal(may, base, pay="five") == "terms.amount"
    assert refusal(set_, base, by="person-3") == "terms.not_yours"
    assert refusal(set_, base, asset="nothing") == "catalog.unknown"
    fee = terms.FulfilRequest("readings", "no-such", "uni", "", "", "bill", "person-9")
    assert refusal(terms.fulfil, base, fee) == "catalog.unknown"
    none = terms.UsedRequest("uni", "read", "readings", times=0, by="person-9")
    assert refusal(terms.used, base, none) == "terms.times"


def test_the_terms_go_out_as_a_file_that_comes_back_in(base: Context, tmp_path: Path) -> None:
    set_(base)
    out = tmp_path / "out.jsonld"
    terms.show(base, terms.ShowRequest("readings", out))
    said = json.loads(out.read_text("utf-8"))
    assert said["uid"] == "urn:pilotbase:policy:readings-uni"
    first = terms.show(base, terms.ShowRequest("readings")).policies
    set_(base, said)
    assert terms.show(base, terms.ShowRequest("readings")).policies == first
