"""Filings as the record has them, and what may be done to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pilotbase.kernel.actor import Role
from pilotbase.kernel.canonical import digest_bytes, encode
from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse, stamp
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register import events
from pilotbase.register.rules.states import MOVES, WORDS, Action, Standing, moved, standing
from pilotbase.register.views import FILING, FILINGS
from pilotbase.scenario.finding import nearest

FILE_SIZE_MAX = 64 * 2**20
REASON_MAX = 4_000
Said = Mapping[str, Any]


def filings(record: Record) -> Said:
    """All filings by id."""
    said: Said = catch_up(record, [FILINGS])[FILINGS.name]
    return said


def filing_named(record: Record, id_: str) -> Said:
    """A filing. Raises InputError when there is none of that id."""
    known = filings(record)
    if id_ not in known:
        meant = nearest(id_, known)
        raise InputError(
            "register.unknown",
            Text(f"no filing is called {id_!r}", f"没有名为 {id_!r} 的备案"),
            where=id_[:80],
            next_step=Text(
                f"Did you mean {meant!r}?" if meant else "`pilotbase register list` shows all.",
                f"是否想写 {meant!r}?" if meant else "`pilotbase register list` 可列出全部。",
            ),
        )
    said: Said = known[id_]
    return said


def standing_of(said: Said, context: Context) -> Standing:
    """How a filing stands by now."""
    return standing(said["state"], parse(said["expires"]), context.clock())


def act(
    record: Record,
    context: Context,
    id_: str,
    action: Action,
    role: Role,
    *,
    reason: str = "",
    attached: Path | None = None,
) -> Entry:
    """Suspend, resume, stop, withdraw or exit a filing.

    Args:
        attached: a file of evidence; for ``exit`` the exit report.

    Raises:
        InputError: no such filing, role, reason or file. RunError: the filing's state does not
            allow it.
    """
    said, now = filing_named(record, id_), context.clock()
    _check_role(action, role)
    data = (
        read_attached(attached, FILE_SIZE_MAX, partial(_no_file, attached))
        if attached is not None
        else None
    )
    if action == "exit" and data is None:
        raise _no_file(Path("-"), Text("an exit needs its report", "退出须附报告"))
    if action != "exit" and not 0 < len(reason.strip()) <= REASON_MAX:
        raise InputError(
            "register.no_reason",
            Text("a reason is needed", "须说明理由"),
            where="--reason",
            next_step=Text(
                f"Say why, in at most {REASON_MAX} characters.",
                f"请说明理由, 不超过 {REASON_MAX} 个字符。",
            ),
        )
    if moved(said["state"], parse(said["expires"]), now, action) is None:
        raise _not_now(id_, action, standing_of(said, context))
    happened, bodies = _happened(record, said, action, reason, data, stamp(now))
    # The number of the step: whoever comes second at the same time gets the first one's entry.
    key = f"{FILING}{id_}:{len(said['history'])}"
    draft = Draft(happened, context.actor(role), FILING + id_, bodies, key=key)
    entry = record.append(draft)
    if entry.kind != draft.kind:
        raise _not_now(id_, action, standing_of(filing_named(record, id_), context))
    return entry


def _happened(
    record: Record, said: Said, action: Action, reason: str, data: bytes | None, at: str
) -> tuple[Any, dict[str, bytes]]:
    """The event and its bodies; before a service is halted, how it stood is put down."""
    attached = {"attached": data} if data is not None else {}
    if action in ("suspend", "stop"):
        size = record.size
        log = {"size": size, "root": record.root(size).hex()}
        snapshot = encode({"at": at, "filing": said, "record": log})
        kind = events.Suspended if action == "suspend" else events.Stopped
        bodies = {"snapshot": snapshot, **attached}
        return kind(reason, digest_bytes(snapshot)), bodies
    if action == "exit":
        assert data is not None
        return events.Exited(digest_bytes(data)), {"report": data}
    kinds = {"resume": events.Resumed, "withdraw": events.Withdrawn}
    return kinds[action](reason), attached


def _check_role(action: Action, role: Role) -> None:
    if role not in MOVES[action].roles:
        names = ", ".join(MOVES[action].roles)
        raise InputError(
            "register.role",
            Text(f"{role} may not {action} a filing", f"{role} 不能对备案执行 {action}"),
            where="--as",
            next_step=Text(f"Who may: {names}.", f"有权者: {names}。"),
        )


def _not_now(id_: str, action: Action, stands: Standing) -> RunError:
    sources = sorted(MOVES[action].sources)
    return RunError(
        "register.no_such_step",
        Text(
            f"the filing is {stands}; {action} takes one that is {' or '.join(sources)}",
            f"该备案{WORDS[stands].zh}; {action} 只适用于: "
            + "、".join(WORDS[one].zh for one in sources),
        ),
        where=id_,
        next_step=Text(
            "A service that is stopped, withdrawn or expired comes back by a new filing: "
            "`pilotbase register file`.",
            "已终止、撤回或到期的服务须重新备案: `pilotbase register file`。",
        ),
    )


def _no_file(file: Path, message: Text) -> InputError:
    step = Text("Give one file of at most 64 MiB.", "请提供一个不超过 64 MiB 的文件。")
    return InputError("register.bad_file", message, where=str(file), next_step=step)
