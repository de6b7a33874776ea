"""Limits of accounts as people set them."""

from __future__ import annotations

from typing import Any

from pilotbase.catalog.parties.registry import registry
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register.filings import filings
from pilotbase.scenario.finding import nearest
from pilotbase.serve.metering.events import Limited
from pilotbase.serve.metering.recount import differences
from pilotbase.serve.metering.refusals import amount_of
from pilotbase.serve.metering.store import open_store
from pilotbase.serve.metering.views import LIMITS
from pilotbase.serve.routes.compile import service_of
from pilotbase.serve.routes.offer import check_person
from pilotbase.serve.rules.budget import ACCOUNT, AMOUNT_MAX, Window, limits_of
from pilotbase.serve.rules.window import bounds, length_of

ABOUT = "account:"
REASON_MAX = 4_000


def set_limit(record: Record, said: Limited) -> Entry:
    """Record a limit by a named person.

    Raises:
        InputError: no such account, window, amount or person; no reason.
    """
    check_account(record, said.account)
    check_person(record, said.by)
    if not 0 < len(said.reason.strip()) <= REASON_MAX:
        raise _faulty(
            "serve.no_reason", Text("a reason is needed", "须说明理由"), "--reason",
            Text(f"Say why, in at most {REASON_MAX} characters.",
                 f"请说明理由, 不超过 {REASON_MAX} 个字符。"),
        )  # fmt: skip
    try:
        length_of(said.per)
    except ValueError as error:
        raise _faulty(
            "serve.no_window", Text(f"{said.per!r} is no window", f"{said.per!r} 不是限额周期"),
            "--per",
            Text("Write PT1M, PT1H, P1D or the like, P1M for the calendar month, or total.",
                 "请写 PT1M、PT1H、P1D 等, P1M 表示自然月, total 表示总额。"),
        ) from error  # fmt: skip
    _check_amounts(said)
    actor = record.context.actor("finance")
    return record.append(Draft(said, actor, ABOUT + said.account, key=_key(record, said)))


def _key(record: Record, said: Limited) -> str:
    """A limit that is set back to what it once was is another fact than then."""
    count = sum(1 for _ in record.entries(kind="serve.limited/1", about=ABOUT + said.account))
    return f"{ABOUT}{said.account}:{said.per}:{count}"


def check_account(record: Record, account: str) -> None:
    """Raises InputError unless the record knows the account."""
    kind, _, name = account.partition(":")
    state = registry(record)
    known = {
        "key": set(state.keys),
        "party": set(state.book.parties),
        "mandate": set(state.book.delegations),
        "service": {service_of(filing) for filing in filings(record)},
    }
    if ACCOUNT.fullmatch(account) and name in known[kind]:
        return
    every = [f"{one}:{name}" for one, names in known.items() for name in names]
    meant = nearest(account, every)
    raise _faulty(
        "serve.no_account",
        Text(f"there is no account {account[:80]!r}", f"没有账户 {account[:80]!r}"),
        "ACCOUNT",
        Text(
            f"Did you mean {meant!r}?" if meant else "Write key:…, party:…, mandate:… or service:…",
            f"是否想写 {meant!r}?" if meant else "请写 key:…、party:…、mandate:… 或 service:…",
        ),
    )


def _check_amounts(said: Limited) -> None:
    wrong = [n for n in (said.requests, said.tokens) if n is not None and not 0 <= n <= AMOUNT_MAX]
    try:
        fair = said.money is None or Money.parse(said.money).minor >= 0
        fair = fair and bool(list(limits_of(vars(said))) or True)
    except ValueError:
        fair = False
    if wrong or not fair:
        raise _faulty(
            "serve.no_amount", Text("this is no limit", "限额无效"),
            "--requests, --tokens, --money",
            Text('Give whole numbers from 0, and money like "100.00 CNY".',
                 '请给出不小于 0 的整数, 金额形如 "100.00 CNY"。'),
        )  # fmt: skip


def in_force(record: Record) -> list[dict[str, Any]]:
    """The limits in force and how much of each window of now is used or held.

    ``journals_say`` is None, or what the journals say where the ledger says something else.
    """
    state = catch_up(record, [LIMITS])[LIMITS.name]
    now = record.context.clock().timestamp()
    store = open_store(record.home)
    try:
        used = store.used()
        wrong = {one.window: one.message().as_dict() for one in differences(record, store)}
    finally:
        store.close()
    found = list[dict[str, Any]]()
    for said in state.values():
        for limit in limits_of(said):
            start = bounds(limit.per, now)[0]
            window = Window(limit.account, limit.unit, limit.per, start)
            taken = used.get(window, 0)
            found.append(
                {
                    "account": limit.account,
                    "per": limit.per,
                    "most": amount_of(limit, limit.most).as_dict(),
                    "used_or_held": amount_of(limit, taken).as_dict(),
                    "by": said["by"],
                    "at": said["at"],
                    "reason": said["reason"],
                    "journals_say": wrong.get(window),
                }
            )
    return found


def _faulty(code: str, message: Text, where: str, step: Text) -> InputError:
    return InputError(code, message, where=where, next_step=step)
