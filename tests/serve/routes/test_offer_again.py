"""Arranging again and back again; faults of grammar and of the record at once; what is not said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pilotbase.kernel.errors import SheetError
from pilotbase.kernel.event import Entry
from pilotbase.serve.routes.offer import offer
from tests.serve.routes.making import Base, base

FIRST = "gateway: 1\nreason: the first\nservices: [{filing: advice-logit-1}]\n"
SECOND = """\
gateway: 1
reason: another
services: [{filing: advice-logit-1, caps: {output_tokens_max: 9}}]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    with base(tmp_path_factory.mktemp("again") / "home") as found:
        found.try_("logit", "forest")
        found.file()
        found.file("forest")
        yield found


def arrange(made: Base, text: str, tmp: Path, by: str = "person-1") -> Entry:
    sheet = tmp / "sheet.yaml"
    sheet.write_text(text, "utf-8")
    return offer(made.record, made.context, sheet, by)[0]


def test_going_back_to_an_earlier_sheet_is_a_new_arrangement(made: Base, tmp_path: Path) -> None:
    one, same = (arrange(made, FIRST, tmp_path).index for _ in range(2))
    two = arrange(made, SECOND, tmp_path).index
    assert one == same < two
    assert made.compile().route("advice-logit", made.at).caps.output_tokens_max == 9
    back, still = (arrange(made, FIRST, tmp_path).index for _ in range(2))
    assert two < back == still
    assert made.compile().route("advice-logit", made.at).caps.output_tokens_max != 9
    third = arrange(made, SECOND, tmp_path).index
    assert back < third < arrange(made, SECOND, tmp_path, "person-2").index


FAULTY = """\
gateway: 1
reason: wrong in form and in fact
colour: blue
services:
  - filing: nothing-1
    upstreams:
      - {id: e a, kind: chatt, url: "ftp://x", weight: -3}
      - {id: east, kind: chat, url: "https://user:pw@east.example/v1", key: "sk-one"}
      - {id: west, kind: chat, url: "https://west.example", key: {sk-two: 1, env: [sk-three]}}
    caps: {output_tokens_max: 0}
    tokens: {output: -2.00 CNY per 1000000}
    guards: {personal_dat: {action: mask}}
  - filing: advice-forest-1
  - filing: advice-forest-1
    handoff: {wait: PTX, webhook: {url: "https://10.0.0.1/h", secret: "env:HOOK"}}
"""


def test_form_and_facts_are_told_at_once_and_no_secret_is(made: Base, tmp_path: Path) -> None:
    with pytest.raises(SheetError) as caught:
        arrange(made, FAULTY, tmp_path, "nobody")
    codes = [fault.code for fault in caught.value.faults]
    for code in ("unknown_key", "value", "unknown", "address", "price", "twice"):
        assert f"sheet.{code}" in codes, code
    assert {"serve.guard", "serve.handoff", "serve.no_person"} <= set(codes)
    assert codes.count("sheet.address") == 3  # ftp, a password, a webhook inside
    said = caught.value.render("en") + caught.value.render("zh")
    assert "a number from 1" in said and "不小于 1 的数" in said and "one of 'chat'" in said
    assert not [word for word in ("pw", "sk-one", "sk-two", "sk-three") if word in said]


INSIDE = "127.0.0.1 [::1] [::ffff:127.0.0.1] 10.0.0.1 169.254.169.254 [fe80::1] 100.64.0.1 \
localhost a.localhost"
ONE = """\
gateway: 1
reason: inside
services:
  - filing: advice-logit-1
    upstreams: [{id: a, kind: chat, declared: "it is", url: "https://%s/v1"%s}]
"""


def test_an_address_inside_has_to_be_said_to_be_private(made: Base, tmp_path: Path) -> None:
    for host in INSIDE.split():
        with pytest.raises(SheetError) as caught:
            arrange(made, ONE % (host, ""), tmp_path)
        assert [fault.code for fault in caught.value.faults] == ["sheet.address"], host
    with pytest.raises(SheetError, match="reserved"):
        arrange(made, ONE % ("169.254.169.254", ", private: true"), tmp_path)
    assert arrange(made, ONE % ("10.0.0.1", ", private: true"), tmp_path).index
