"""What a check of the usage journals can find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.serve.metering.segments import Reading, Summed
from pilotbase.serve.rules.budget import shown
from pilotbase.serve.rules.torn import Damage
from pilotbase.serve.rules.unfit import Unfit


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: in which journal, segment (None: the journal as a whole, or the record), and at
    which record from 0 and byte (None: the segment as a whole)."""

    gateway: str
    number: int | None = None
    at: int | None = None
    offset: int | None = None
    message: Text = Text("", "")  # noqa: RUF009


def differences(
    reading: Reading, summed: Summed, previous: str, sealed: Mapping[str, Any]
) -> Iterator[Text]:
    """What a segment whose records follow on each other has otherwise than it was sealed."""
    sums = {currency: str(nano) for currency, nano in summed.sums.items()}
    if summed.records != sealed["records"]:
        yield COUNT.format(sealed=sealed["records"], there=summed.records)
    calls = {name: getattr(summed, name) for name in ("intents", "settled")}
    if any(sealed[name] != there for name, there in calls.items()):
        yield CALLS.format(
            begun=sealed["intents"], ended=sealed["settled"], intents=calls["intents"],
            settled=calls["settled"],
        )  # fmt: skip
    if sums != sealed["sums"]:
        yield SUMS.format(sealed=_money(sealed["sums"]), there=_money(sums))
    root = summed.root().hex()
    if root != sealed["root"] or reading.link.hex() != sealed["link"]:
        yield ROOT.format(sealed=sealed["root"][:16], there=root[:16])
    if previous and sealed["previous"] != previous:
        yield PREVIOUS


def _money(sums: Mapping[str, str]) -> str:
    return ", ".join(shown(int(nano), name) for name, nano in sorted(sums.items())) or "0"


def damaged(found: Damage | None) -> Text:
    """Records do not follow on each other; how many are to be read behind, where there are any."""
    if found is None:
        return BROKEN
    return CUT_SHORT if found.short else DAMAGED.format(count=found.records)


def not_right(error: Exception) -> Text:
    """A record that says what cannot be; in both languages where the fault is one of ours."""
    if isinstance(error, Unfit):
        return NOT_RIGHT.format(why=Text(error.en, error.zh))
    return NOT_RIGHT.format(why=OTHER_FORM.format(said=str(error)[:200]))


NO_HEADER = Text("its first record cannot be read", "首条记录无法读取")
NOT_NEXT = Text("it does not follow on the segment before", "与前一分段不相衔接")
NOT_RIGHT = Text("this record is not right: {why}", "该记录有误: {why}")
OTHER_FORM = Text(
    "it has not the form of a record; what read it says: {said}",
    "不符合记录的格式; 读取程序原话: {said}",
)
NOT_CLAIMED = Text("not as in the record: {why}", "与记录不符: {why}")
BROKEN = Text(
    "from here on the records do not follow on each other: changed or cut",
    "自此处起记录不相衔接: 已被改动或截断",
)
CACHE = Text(
    "the cache of usage, {file}, says otherwise than this segment: remove it, it is made anew; what"
    " was told from it may be wrong",
    "用量缓存 {file} 与本分段不符: 请删除, 缓存将重新生成; 此前据其给出的数据可能有误",
)
DAMAGED = Text(
    "from here on the records do not follow on each other: changed or cut, and not left so by a"
    " crash; {count} records that can be read follow",
    "自此处起记录不相衔接: 已被改动或截断, 并非崩溃所致; 其后尚有 {count} 条可读记录",
)
CUT_SHORT = Text(
    "changed or cut: the file is shorter than a process leaves it, with zeros behind its last"
    " record after a crash and nothing behind it after an ordered end",
    "已被改动或截断: 文件短于进程所留的长度; 崩溃后末条记录之后留有零字节, 有序结束后不留任何字节",
)
NOT_LATE = Text("{usage} was settled in the record: {why}", "{usage} 在记录中结算有误: {why}")
SETTLED_HERE = Text("it is settled here", "该调用已在本日志结算")
OTHER_CHARGE = Text("it does not come to {nano} nano-{currency}", "其费用并非 {nano} 纳 {currency}")
NOT_BEGUN = Text(
    "the record names the call {usage}, which was begun here, and it is not in this journal:"
    " changed or cut",
    "记录提到在此开始的调用 {usage}, 而本日志中没有: 已被改动或截断",
)
NOT_SEALED = Text("it is complete and not sealed in the record", "已完成但未在记录中封存")
COUNT = Text(
    "{sealed} records were sealed, and there are {there}",
    "封存时有 {sealed} 条记录, 现有 {there} 条",
)
CALLS = Text(
    "sealed with {begun} calls begun and {ended} settled; now {intents} and {settled}",
    "封存时开始 {begun} 次、结算 {ended} 次调用; 现为 {intents} 次与 {settled} 次",
)
SUMS = Text(
    "its calls were sealed as coming to {sealed}, and come to {there}",
    "封存时各调用合计 {sealed}, 现合计 {there}",
)
ROOT = Text(
    "its records have another root than was sealed: {there}…, not {sealed}…",
    "其记录的根与封存时不同: 现为 {there}…, 应为 {sealed}…",
)
PREVIOUS = Text(
    "it was sealed behind another segment than the one before it",
    "封存时其前一分段并非现在的这一段",
)
MISSING = Text("the record knows this journal, and it is not here", "记录中有此日志, 但此处没有")
UNKNOWN = Text(
    "the record does not know this journal, and calls stand in it",
    "记录中没有此日志, 而其中有调用",
)
GONE = Text("this segment is gone", "该分段已缺失")
NOT_STORED = Text(
    "the record's entry {entry} about it is not in the tree that the log stores",
    "记录中关于它的第 {entry} 条不在日志所存的树中",
)
NOT_SIGNED = Text(
    "the record's entry {entry} about it is not what was signed in the checkpoint of size {size}",
    "记录中关于它的第 {entry} 条与大小为 {size} 的已签名检查点不符",
)
NO_ENTRY = Text(
    "the log leads from an entry {kind} of number {before} to number {count}: one is missing",
    "日志中 {kind} 条目的序号由 {before} 到 {count}: 其间有缺失",
)
BAD_CHECKPOINT = Text("the newest checkpoint does not hold: {why}", "最新检查点无效: {why}")
OTHER_TREE = Text(
    "the log is not what was signed in the checkpoint of size {size}; see `record verify`",
    "日志与大小为 {size} 的已签名检查点不符; 请运行 `record verify`",
)
