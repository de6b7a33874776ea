"""The catalog by its verbs: lists in, keys out, chains up to the person, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.assets import verbs as assets
from pilotbase.catalog.parties import verbs as parties
from pilotbase.catalog.parties.verbs import DelegateRequest, KeyCreateRequest, WhoRequest
from pilotbase.catalog.views import VIEWS
from pilotbase.kernel.errors import InputError, SheetError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.verbs.vault import EraseRequest, erase
from pilotbase.record.views import rebuild

LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: {en: Li Wen, zh: 李文}, contact: li@example.org}
  - {id: library, kind: body, name: City Library, principal: person-7}
  - {id: bot, kind: agent, name: Booking agent, asset: booker}
  - {id: helper, kind: agent, name: Helper}
assets:
  - id: booker
    kind: agent
    title: {en: Room booker, zh: 订座智能体}
    provider: library
    parts:
      - {name: logit}
      - {name: scikit-learn, kind: software, substitutes: [statsmodels]}
  - {id: logit, kind: model, title: {en: Logit, zh: 逻辑回归}, file: weights.bin}
"""


@pytest.fixture
def base(tmp_path: Path) -> Context:
    (tmp_path / "weights.bin").write_bytes(b"weights")
    (tmp_path / "list.yaml").write_text(LIST, "utf-8")
    return Context(tmp_path / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))


def added(base: Context, text: str = LIST) -> list[tuple[str, str, int]]:
    file = base.home.parent / "list.yaml"
    file.write_text(text, "utf-8")
    found = assets.add(base, assets.AddRequest(file)).added
    return [(one["id"], one["state"], one["number"]) for one in found]


def faults(base: Context, text: str) -> set[tuple[str, int]]:
    with pytest.raises(SheetError) as caught:
        added(base, text)
    assert all(f.message.en and f.message.zh for f in caught.value.faults)
    return {(fault.code, fault.line) for fault in caught.value.faults}


def later(base: Context, moment: str) -> Context:
    return dataclasses.replace(base, clock=fixed_clock(moment))


def delegated(base: Context, giver: str, taker: str, *scopes: str, **more: Any) -> str:
    return parties.delegate(base, DelegateRequest(giver, taker, scopes, **more)).delegation


def who(base: Context, key: str, **more: Any) -> parties.WhoResponse:
    return parties.who(base, WhoRequest(key, **more))


def test_a_list_goes_in_once_and_changes_become_versions(base: Context) -> None:
    assert {state for _, state, _ in added(base)} == {"new"}
    assert {state for _, state, _ in added(base)} == {"unchanged"}
    changed = added(base, LIST.replace("City Library", "Public Library").replace("Room b", "B"))
    assert [one for one in changed if one[1] != "unchanged"] == [
        ("library", "changed", 2),
        ("booker", "changed", 2),
    ]
    found = added(base)  # and back: the third version, not the first one again
    assert ("library", "changed", 3) in found and ("booker", "changed", 3) in found
    told = assets.history(base, assets.HistoryRequest("booker")).history
    assert [one["number"] for one in told] == [1, 2, 3]
    assert told[0]["version"] == told[2]["version"] != told[1]["version"]
    assert told[1]["changed"] == ["title"]
    with open_record(base) as record:
        assert verify(record).ok
        assert [made.identical for made in rebuild(record, VIEWS)] == [True, True]


def test_a_file_s_content_is_a_version_and_stays_with_its_owner(base: Context) -> None:
    added(base)
    (base.home.parent / "weights.bin").write_bytes(b"other weights")
    assert ("logit", "changed", 2) in added(base)
    card = assets.show(base, assets.ShowRequest("logit")).asset
    assert card is not None and card["card"]["digest"].startswith("sha256:")
    assert "file" not in card["card"]


def test_persons_are_in_the_vault_only(base: Context) -> None:
    added(base)
    with open_record(base) as record:
        log = b"".join(entry.data for entry in record.entries())
    assert "李文".encode() not in log and b"Li Wen" not in log and b"li@example" not in log
    assert b"City Library" in log
    views = b"".join(file.read_bytes() for file in (base.home / "views").glob("*"))
    assert b"Li Wen" not in views


def test_the_chain_goes_up_to_the_person(base: Context) -> None:
    added(base)
    first = delegated(base, "library", "bot", "serve.*", further=1)
    second = delegated(base, "bot", "helper", "serve.call", until="P30D")
    told = list[Text]()
    base = dataclasses.replace(base, remark=told.append)
    made = parties.key_create(base, KeyCreateRequest("helper", ("serve.call",)))
    (remark,) = told
    assert "opens nothing" in remark.en and "serve.call.*" in remark.zh
    assert made.until == "2026-12-23T00:00:00.000Z"  # no longer than what it rests on
    for name in (made.key, made.text):
        said = who(base, name)
        assert said.holds and said.exit_code == 0
        assert [link["party"] for link in said.chain] == ["helper", "bot", "library", "person-7"]
        assert [link["delegation"] for link in said.chain] == [second, first, None, None]
        assert said.person == "person-7" and said.chain[3]["name"] == {"en": "Li Wen", "zh": "李文"}
    assert who(base, made.key, scope="serve.stop").code == "key.scope"
    assert who(later(base, "2026-12-23T00:00:00Z"), made.key).code == "key.expired"
    with open_record(base) as record:
        assert made.text.encode() not in b"".join(entry.data for entry in record.entries())
    assert made.text not in json.dumps([*map(str, base.home.rglob("*"))])
    with pytest.raises(InputError) as caught:
        who(base, made.text[:-1] + ("0" if made.text[-1] != "0" else "1"))
    assert caught.value.code == "catalog.key.wrong"


def test_revoking_cuts_all_below(base: Context) -> None:
    added(base)
    first = delegated(base, "library", "bot", "serve.*", further=1)
    second = delegated(base, "bot", "helper", "serve.call")
    key = parties.key_create(base, KeyCreateRequest("helper", ("serve.call",))).key
    gone = parties.undelegate(
        later(base, "2026-11-23T08:00:00Z"), parties.UndelegateRequest(first, "contract ended")
    )
    assert set(gone.with_it) == {second, key}
    after = later(base, "2026-11-23T08:00:00Z")
    assert who(after, key).code == "delegation.revoked" and who(after, key).exit_code == 3
    assert who(base, key).holds  # it was good when it was used
    again = parties.undelegate(after, parties.UndelegateRequest(first))
    assert again.entry == gone.entry
    with pytest.raises(InputError):
        delegated(after, "bot", "helper", "serve.call", under=first)
    other = parties.key_create(after, KeyCreateRequest("person-7", ("*",))).key
    assert who(after, other).holds
    parties.key_revoke(after, parties.KeyRevokeRequest(other))
    states = {k["key"]: k["state"] for k in parties.key_list(after, parties.KeyListRequest()).keys}
    assert states == {key: "delegation.revoked", other: "key.revoked"}


def test_an_agent_is_never_a_principal(base: Context) -> None:
    added(base)
    for attempt in (
        lambda: delegated(base, "bot", "helper", "serve.call"),
        lambda: parties.key_create(base, KeyCreateRequest("bot", ("serve.call",))),
    ):
        with pytest.raises(InputError) as caught:
            attempt()
        assert caught.value.code == "catalog.delegation.agent_principal"


def test_who_is_erased_answers_for_nobody(base: Context) -> None:
    added(base)
    delegated(base, "library", "bot", "serve.call")
    key = parties.key_create(base, KeyCreateRequest("bot", ("serve.call",))).key
    erase(base, EraseRequest("asked for", "GDPR, article 17", subject="party:person-7"))
    assert who(base, key).code == "delegation.nobody"
    found = assets.list_(base, assets.ListRequest("person")).parties
    assert [one["name"] for one in found] == [None]
    assert ("sheet.erased", 3) in faults(base, LIST)


def test_all_faults_come_at_once(base: Context) -> None:
    text = """\
catalog: 1
parties:
  - {id: li-wen, kind: person, name: Li Wen}
  - {id: library, kind: body, name: Library, principal: bot}
  - {id: bot, kind: agent, name: Bot, asset: bokker}
  - {id: bot, kind: agent, name: Bot, principal: li-wen}
  - {id: office, kind: body, name: Office}
assets:
  - {id: booker, kind: agent, title: {en: B, zh: 乙}, provider: bot}
  - {id: m, kind: model, title: {en: M, zh: 模}, provider: nobody, file: ../home.yaml}
  - {id: t, kind: tool, title: {en: T, zh: 具}, parts: [{name: t}, {name: none}]}
"""
    assert faults(base, text) == {
        ("sheet.id_tells_name", 3),
        ("sheet.not_a_person", 4),
        ("sheet.unknown", 5),
        ("sheet.duplicate_id", 6),
        ("sheet.no_effect", 6),
        ("sheet.no_principal", 7),
        ("sheet.agent_provides", 9),
        ("sheet.unknown", 10),
        ("sheet.file", 10),
        ("sheet.part_of_itself", 11),
        ("sheet.unknown", 11),
    }
    with open_record(base) as record:
        assert record.size == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "sheet.not_a_section"),
        ("- a\n- b\n", "sheet.not_a_section"),
        ("catalog: 1\nparties: *all\n", "sheet.alias"),
        ("catalog: !!python/object:os.system x\n", "sheet.tag"),
        ("catalog: 1\ncatalog: 1\n", "sheet.duplicate_key"),
        ("catalog: 1\n---\ncatalog: 1\n", "sheet.several_documents"),
        ("catalog: 2\n", "sheet.value"),
        ("catalog: 1\nparty: []\n", "sheet.unknown_key"),
        ("parties: []\n", "sheet.missing_key"),
        ("catalog: 1\nparties: [" + "[" * 50 + "]" * 50 + "]\n", "sheet.too_deep"),
        ("catalog: 1\nparties: [{id: A b, kind: robot, name: 5}]\n", "sheet.value"),
        ("catalog: 1\nassets:\n  - {id: a}\n", "sheet.missing_key"),
        ("catalog: \x1b[31m\n", "sheet.hidden_character"),
        ("catalog: 1\nparties: " + "[1," * 9 + "\n", "sheet.syntax"),
        ("# " + "x" * 2**20, "sheet.too_large"),
    ],
)
def test_hostile_lists(base: Context, text: str, code: str) -> None:
    assert code in {name for name, _ in faults(base, text)}


def test_what_is_exported_can_be_added_elsewhere(base: Context, tmp_path: Path) -> None:
    added(base)
    plain = assets.export(base, assets.ExportRequest())
    assert "Li Wen" not in plain.list and plain.left_out == ("library", "person-7")
    whole = assets.export(base, assets.ExportRequest(tmp_path / "out.yaml", people=True))
    assert whole.left_out == () and whole.file == tmp_path / "out.yaml"
    there = Context(tmp_path / "elsewhere")
    for text in (plain.list, whole.list):
        (tmp_path / "in.yaml").write_text(text, "utf-8")
        assets.add(there, assets.AddRequest(tmp_path / "in.yaml"))
    again = assets.export(there, assets.ExportRequest(people=True))
    assert again.list == whole.list
