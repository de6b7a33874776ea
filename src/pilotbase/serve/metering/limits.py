"""Limits of accounts as people set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pilotbase.catalog.parties.registry import registry
from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register.filings import filings
from pilotbase.scenario.finding import nearest
from pilotbase.serve.metering.events import Limited
from pilotbase.serve.metering.ledger_file import store_to_read
from pilotbase.serve.metering.recount import differences
from pilotbase.serve.metering.refusals import amount_of
from pilotbase.serve.metering.views import LIMITS
from pilotbase.serve.routes.checks import ENDED
from pilotbase.serve.routes.compile import service_of
from pilotbase.serve.routes.offer import check_person
from pilotbase.serve.rules.budget import ACCOUNT, AMOUNT_MAX, Window, limits_of
from pilotbase.serve.rules.currencies import CURRENCIES
from pilotbase.serve.rules.window import bounds, length_of

ABOUT = "account:"
UNITS = ("requests", "tokens", "money")
REASON_MAX = 4_000


def set_limit(record: Record, said: Limited, lift: str = "") -> Entry:
    """Record a limit by a named person: only what is named changes, the window's other units stay.

    Args:
        lift: units that are no longer limited, with commas between; where neither an amount nor
            this is given, the whole window is lifted.

    Raises:
        InputError: no such account, window, amount, currency, unit or person; no reason. RunError:
            somebody else set a limit of the account at the same time.
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
    _check_currency(record, said)
    said = _whole(record, said, lift)
    actor = record.context.actor("finance")
    draft = Draft(said, actor, ABOUT + said.account, key=_key(record, said))
    entry = record.append(draft)
    if entry.body != draft.body():
        raise RunError(
            "serve.limited_meanwhile",
            Text("a limit of it was set at the same time", "该账户的限额同时被他人更改"),
            where=said.account,
            next_step=Text(
                "`pilotbase gateway limits` shows what holds; run the command again.",
                "`pilotbase gateway limits` 可查看现行限额; 请重新运行命令。",
            ),
        )
    return entry


def _whole(record: Record, said: Limited, lift: str) -> Limited:
    """What is said and, of the window, what was said before and is not named now."""
    named = {name: getattr(said, name) for name in UNITS}
    lifted = {word.strip() for word in lift.split(",") if word.strip()}
    if not lifted and all(amount is None for amount in named.values()):
        return said
    wrong = lifted - set(UNITS) or {name for name in lifted if named[name] is not None}
    if wrong:
        raise _faulty(
            "serve.no_unit",
            Text(f"{', '.join(sorted(wrong))[:80]}: this cannot be lifted here",
                 f"{', '.join(sorted(wrong))[:80]}: 无法取消"),
            "--lift",
            Text("Name requests, tokens or money, and none for which an amount is given.",
                 "请写 requests、tokens 或 money, 且不得同时给出其数额。"),
        )  # fmt: skip
    known = catch_up(record, [LIMITS])[LIMITS.name].get(f"{said.account} {said.per}", {})
    kept = {
        name: known.get(name) if amount is None and name not in lifted else amount
        for name, amount in named.items()
    }
    return replace(said, **kept)


def limits_on(record: Record, account: str) -> list[dict[str, Any]]:
    """Of each window of an account what is limited: ``{"per", "requests", "tokens", "money"}``."""
    state = catch_up(record, [LIMITS])[LIMITS.name]
    return [
        {name: said[name] for name in ("per", *UNITS)}
        for said in state.values()
        if said["account"] == account
    ]


def remarks(record: Record, said: Mapping[str, Any]) -> list[Text]:
    """What is no fault of a limit, and yet worth saying."""
    if said["money"] is None:
        return []
    currency, prices = Money.parse(said["money"]).currency, _prices(record)
    if not prices or currency in prices:
        return []
    listed = ", ".join(sorted(prices))
    return [
        Text(
            f"nothing that is filed here is charged in {currency}, so this holds nothing back; "
            f"prices are in {listed}",
            f"此处的备案均不以 {currency} 计费, 该限额不起作用; 现有计费币种: {listed}",
        )
    ]


def _prices(record: Record) -> set[str]:
    """The currencies that filings are priced in, of those that have not ended."""
    live = (one for one in filings(record).values() if one["state"] not in ENDED)
    return {one["price"]["amount"].rpartition(" ")[2] for one in live}


def _check_currency(record: Record, said: Limited) -> None:
    if said.money is None:
        return
    currency, prices = Money.parse(said.money).currency, _prices(record)
    if currency in CURRENCIES or currency in prices:
        return
    listed = ", ".join(sorted(prices)) or "CNY, EUR, USD"
    raise _faulty(
        "serve.no_currency",
        Text(f"{currency} is no currency of ISO 4217", f"{currency} 不是 ISO 4217 货币代码"),
        "--money",
        Text(f"Give one in which is charged: {listed}.", f"请用计费币种: {listed}。"),
    )


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
    # Without its kind, which would make all of a kind look alike; the kind that was named wins.
    every = {word: f"{one}:{word}" for one in sorted(known, key=kind.__eq__) for word in known[one]}
    word = name or kind
    meant = every.get(word) or every.get(nearest(word, every) or "")
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
        list(limits_of(vars(said)))  # raises for what it cannot read
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
    with store_to_read(record.home) as store:
        used = store.used()
        wrong = {one.window: one.message().as_dict() for one in differences(record, store)}
    found = list[dict[str, Any]]()
    for said in state.values():
        for limit in limits_of(said):
            start = bounds(limit.per, now, limit.since)[0]
            window = Window(limit.account, limit.unit, limit.per, start)
            taken = used.get(window, 0)
            found.append(
                {
                    "account": limit.account,
                    "per": limit.per,
                    "most": amount_of(limit, limit.most).as_dict(),
                    "used_or_held": amount_of(limit, taken).as_dict(),
                    "since": stamp(datetime.fromtimestamp(limit.since, UTC))[:19] + "Z",
                    "by": said["by"],
                    "at": said["at"],
                    "reason": said["reason"],
                    "journals_say": wrong.get(window),
                }
            )
    return found


def _faulty(code: str, message: Text, where: str, step: Text) -> InputError:
    return InputError(code, message, where=where, next_step=step)
