"""Who answers parked calls, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pilotbase.catalog.parties.registry import refused as refused_key
from pilotbase.catalog.parties.registry import registry, unknown
from pilotbase.catalog.rules.delegation import Refusal
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import InputError, RecordError, RunError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.stores import store_of
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import nearest
from pilotbase.serve.metering.segments import FOLDER, begins
from pilotbase.serve.metering.told import told
from pilotbase.serve.people import events, keeping
from pilotbase.serve.people.edits import fault_of, miscounted
from pilotbase.serve.people.handoff import month_of
from pilotbase.serve.people.standing import remarks
from pilotbase.serve.people.views import HANDOFFS, MONTH
from pilotbase.serve.rules.share import Share

EDIT_MAX, KEY_MAX = 2**20, 4_096
REASON_MAX = 4_000
Said = Literal["approve", "refuse", "edit"]
_WORDS = {"approve": "approved", "refuse": "refused", "edit": "edited"}
SAID = {
    "approved": Text("approved", "批准"),
    "refused": Text("refused", "拒绝"),
    "edited": Text("edited", "修改"),
    "manual": Text("answered by hand", "人工作答"),
    "lapsed": Text("lapsed", "已逾期"),
    "withdrawn": Text("withdrawn by its caller", "调用方撤回"),
}


def queue(record: Record, filing: str = "") -> list[dict[str, Any]]:
    """The open calls, the one that is due first in front; without what they say.

    Each with ``remark``: why nobody could have its answer any more, None where nothing says so.
    """
    found = [
        {name: one for name, one in said.items() if name not in ("asked", "metered")}
        for said in keeping.waiting(record).values()
    ]
    wanted = [said for said in found if filing in ("", said["filing"], said["service"])]
    told = [one and one.as_dict() for one in remarks(record, wanted)]
    shown = [{**said, "remark": one} for said, one in zip(wanted, told, strict=True)]
    return sorted(shown, key=lambda said: (said["until"], said["usage"]))


def contents(record: Record, usage: str) -> dict[str, str | None]:
    """What a waiting call asks, and what the service answered where it has."""
    said = _open(record, usage)
    found = {name: keeping.body_of(record, said, name) for name in ("request", "answer")}
    return {n: None if b is None else b.decode("utf-8", "replace") for n, b in found.items()}


def answer(
    record: Record,
    usage: str,
    said: Said,
    person: str,
    reason: str,
    edit: Path | None,
    key_file: Path | None = None,
) -> dict[str, Any]:
    """Decide a waiting call as a person of the catalog.

    Whoever shows a key of that person acts as that person. Otherwise it is the operator of this
    machine who says whose decision it is, and the record says that too.

    Args:
        key_file: where a key of the person lies that opens ``serve.answer.<filing>``.
        edit: what stands in the place of the request (``before``), or of the answer (``after``,
            and where nobody came in time and a person answers by hand). It is read as such before
            anything is recorded.

    Raises:
        InputError: no such call or person; one who may not decide; no reason or file; a key that
            is not that person's. RecordError: the journal does not have the call. RunError:
            somebody was quicker.
    """
    call = _open(record, usage)
    _check_person(record, call, person)
    by = _actor(record, person, call["filing"], key_file)
    _check_begun(record, call)
    if said == "refuse" and not reason.strip():
        raise _no_reason()
    manual = bool(call["manual"])
    if manual and said == "approve":
        raise _by_hand(usage)
    given = {"reason": reason[:REASON_MAX].encode()} if reason.strip() else {}
    if said == "edit":
        part = "answer" if manual or call["stage"] == "after" else "request"
        given["edited"] = _edited(edit, call, part)
    word = "manual" if manual and said == "edit" else _WORDS[said]
    entry = keeping.decide(record, usage, word, said != "refuse", person, by, call["entry"], given)
    if entry.body["person"] != person or entry.body["said"] != word:
        raise _quicker(usage)
    [remark] = remarks(record, [call]) if said != "refuse" else [None]
    return {"entry": entry.index, **entry.body, "remark": remark and remark.as_dict()}


def _by_hand(usage: str) -> InputError:
    return InputError(
        "gateway.by_hand",
        Text(
            "nobody came in time: this call is answered by hand", "已逾期: 此调用须由人工直接作答"
        ),
        where=usage,
        next_step=Text(
            "Give the answer with --edit FILE, or --refuse.",
            "请用 --edit 文件 给出回答, 或用 --refuse。",
        ),
    )


def _quicker(usage: str) -> RunError:
    return RunError(
        "gateway.decided",
        Text("somebody was quicker, or its time is over", "已有人先行处理, 或已逾期"),
        where=usage,
        next_step=Text(
            "`pilotbase gateway queue` shows what waits.",
            "`pilotbase gateway queue` 可列出待处理调用。",
        ),
    )


def shares(record: Record, served: dict[str, int], filing: str = "") -> list[dict[str, Any]]:
    """By filing: how many calls went without a person, with one, and were answered by hand.

    The denominator is the calls that were answered, and those that a person refused.

    Args:
        served: by filing, the calls that were answered, as metered.
    """
    state = catch_up(record, [HANDOFFS])[HANDOFFS.name]
    open_now = [said["filing"] for said in state["waiting"].values()]
    found = []
    for name in sorted({*served, *state["count"], *open_now}):
        if filing and name != filing:
            continue
        count = state["count"].get(name, {})
        by_person = sum(count.get(word, 0) for word in ("approved", "edited", "refused"))
        by_hand = count.get("manual", 0)
        calls = max(served.get(name, 0) + count.get("refused", 0), by_person + by_hand)
        found.append(
            {
                "filing": name,
                "calls": calls,
                "waiting": open_now.count(name),
                "lapsed": count.get("lapsed", 0) + count.get("lapsed-refused", 0),
                "unmanned": Share(calls - by_person - by_hand, calls).as_dict(),
                "manned": Share(by_person, calls).as_dict(),
                "manual": Share(by_hand, calls).as_dict(),
            }
        )
    return found


def reveal(record: Record, context: Context, month: str) -> dict[str, Any]:
    """Reveal the seed of a month of the random audit that is over.

    Raises:
        InputError: nothing was drawn in that month, or it is not over.
    """
    months = catch_up(record, [HANDOFFS])[HANDOFFS.name]["months"]
    now = month_of(context.clock().timestamp())
    if month not in months or "committed" not in months[month]:
        over = sorted(one for one, said in months.items() if "committed" in said and one < now)
        raise InputError(
            "gateway.no_month",
            Text(f"no audit was drawn in {month!r}", f"{month!r} 没有抽查记录"),
            where="MONTH",
            next_step=Text(
                f"There are, and are over: {', '.join(over) or '-'}.",
                f"已有且已结束: {', '.join(over) or '-'}。",
            ),
        )
    if month >= now:
        raise InputError(
            "gateway.month_runs",
            Text(
                f"{month} is not over: whoever knows the seed knows the lots",
                f"{month} 尚未结束, 提前公布种子会泄露抽查对象",
            ),
            where=month,
            next_step=Text(
                "Reveal it when the month is over (UTC).", "请在该月 (UTC) 结束后公布。"
            ),
        )
    committed = record.entry(months[month]["committed"])
    seed = record.body(committed, "seed").hex()
    by = context.actor("case officer")
    record.append(Draft(events.AuditRevealed(month, seed), by, MONTH + month))
    return {"month": month, "seed": seed, "commitment": committed.body["commitment"]}


def _open(record: Record, usage: str) -> dict[str, Any]:
    known = keeping.waiting(record)
    if usage not in known:
        parking = keeping.parking_of(record, usage)
        if parking is not None and parking.decided is not None:
            raise _decided(usage, parking.decided)
        meant = nearest(usage, known)
        raise InputError(
            "gateway.not_waiting",
            Text(
                f"no call {usage[:80]!r} waits for a person",
                f"没有等待人工处理的调用 {usage[:80]!r}",
            ),
            where="USAGE",
            next_step=Text(
                f"Did you mean {meant!r}?"
                if meant
                else "`pilotbase gateway queue` shows what waits.",
                f"是否想写 {meant!r}?" if meant else "`pilotbase gateway queue` 可列出待处理调用。",
            ),
        )
    return known[usage]


def _decided(usage: str, decided: Mapping[str, Any]) -> InputError:
    said = SAID.get(decided["said"], Text(decided["said"], decided["said"]))
    whom = ", ".join(one for one in (decided["person"], decided["at"]) if one)
    return InputError(
        "gateway.decided",
        Text(
            f"this call was decided before: {said.en} ({whom})",
            f"该调用此前已有决定: {said.zh} ({whom})",
        ),
        where=usage,
        next_step=Text(
            "A decision stands; `pilotbase gateway queue` shows what waits.",
            "决定不再更改; `pilotbase gateway queue` 可列出待处理调用。",
        ),
    )


def _check_person(record: Record, call: dict[str, Any], person: str) -> None:
    """A person of the catalog, among those who may, and none who answers for the caller."""
    parties = registry(record).book.parties
    known = {id_: party for id_, party in parties.items() if party.kind == "person"}
    if person not in known or known[person].gone:
        raise unknown(Text("person", "人员"), person, known)
    own = {call["holder"], call["principal"]}
    own |= {parties[id_].principal for id_ in own if id_ in parties}
    if person in own:
        said = Text(
            "nobody decides a call made for themself, or for a body that they answer for",
            "不得审核为本人或本人负责的机构发起的调用",
        )
    elif call["people"] and person not in call["people"]:
        said = Text("the arrangement names others to decide", "该服务的安排指定了其他审核人")
    else:
        return
    may = set(call["people"]) or {id_ for id_, party in known.items() if not party.gone}
    names = ", ".join(sorted(may - own))
    raise InputError(
        "gateway.not_you",
        said,
        where=person,
        next_step=Text(f"Who may: {names or '-'}.", f"有权者: {names or '-'}。"),
    )


def _check_begun(record: Record, call: Mapping[str, Any]) -> None:
    """Its intent was durable before it was put down: it stands in its gateway's journal still."""
    gateway = (call["metered"] or call)["gateway"]
    if gateway not in told(record):
        return  # an earlier program's: the record does not know the journal
    folder = record.home / FOLDER / gateway
    if not folder.exists() and store_of(record.home) is not None:
        return  # it lies on another machine
    if begins(folder, call["usage"]):
        return
    raise RecordError(
        "gateway.not_begun",
        Text(
            f"no usage journal here has the call {call['usage']}, which the record says was begun:"
            " it was changed, cut or is gone",
            f"记录称调用 {call['usage']} 已开始, 但此处的用量日志中没有: 日志已被改动、截断或缺失",
        ),
        where=str(folder),
        next_step=Text(
            "Nothing is decided. Run `pilotbase gateway verify`, and put the journal back from a"
            " backup.",
            "未作任何决定。请运行 `pilotbase gateway verify`, 并从备份恢复该日志。",
        ),
    )


def _actor(record: Record, person: str, filing: str, key_file: Path | None) -> Actor:
    """The person, where a key of theirs is shown; else the operator of this machine."""
    context = record.context
    if key_file is None:
        return context.actor("evaluator")

    def refused(message: Text) -> InputError:
        return InputError("gateway.bad_key_file", message, where=str(key_file))

    text = read_attached(key_file, KEY_MAX, refused).decode("utf-8", "replace").strip()
    scope = f"serve.answer.{filing}"
    found = registry(record).ring().admit(text, scope, context.clock())
    if isinstance(found, Refusal):
        raise refused_key([found], "--key-file")
    if found.key.holder != person:
        raise InputError(
            "gateway.not_their_key",
            Text(f"this key is not of {person}", f"该密钥不属于 {person}"),
            where="--key-file",
            next_step=Text(
                f'`pilotbase catalog key create {person} "serve.answer.*"` makes one.',
                f'`pilotbase catalog key create {person} "serve.answer.*"` 可生成密钥。',
            ),
        )
    return Actor(person, "evaluator", single_operator=False)


def _edited(edit: Path | None, call: Mapping[str, Any], part: str) -> bytes:
    operation, counted = call["operation"], keeping.counted_of(call)

    def refused(message: Text, step: Text = _FILE) -> InputError:
        return InputError("gateway.bad_edit", message, where=str(edit or "--edit"), next_step=step)

    if edit is None:
        raise refused(Text("a file is needed", "需要文件"))
    data = read_attached(edit, EDIT_MAX, refused)
    fault = fault_of(operation, part, data)
    if fault is not None:
        raise refused(fault)
    if counted is not None and (fault := miscounted(operation, part, data, counted)) is not None:
        count = counted.cases
        step = Text(
            f"Give as many cases as were asked ({count}), or use --refuse: others are a call of"
            " their own.",
            f"请按所问的案例数 ({count}) 提供, 或用 --refuse: 其他案例须另行调用。",
        )
        raise refused(fault, step)
    return data


_FILE = Text(
    "Give a file with JSON of the request, or of the answer, of at most 1 MiB.",
    "请提供含请求或回答的 JSON 文件, 不超过 1 MiB。",
)


def _no_reason() -> InputError:
    return InputError(
        "gateway.no_reason",
        Text("a refusal needs its reason", "拒绝须说明理由"),
        where="--reason",
        next_step=Text("Say why; the caller does not see it.", "请说明理由; 调用方看不到。"),
    )
