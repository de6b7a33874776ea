"""The report's words, each explained in one sentence."""

from __future__ import annotations

from pilotbase.kernel.text import Text

GLOSSARY: tuple[tuple[Text, Text], ...] = (
    (
        Text("Candidate", "候选方案"),
        Text(
            "A system that somebody offers to meet the need.", "某供给方提出、用以满足需求的系统。"
        ),
    ),
    (
        Text("Criterion, bound", "指标、门槛 (阈值)"),
        Text(
            "What has to be reached, and how far; fixed before the start.",
            "须达到什么、达到多少; 在开始前已固定。",
        ),
    ),
    (
        Text("Meets, fails, undecided", "达到、未达到、未定"),
        Text(
            "Shown to reach the bound; shown not to; or the evidence allows both still.",
            "已证明达到; 已证明未达到; 或证据尚允许两种可能。",
        ),
    ),
    (
        Text("Left open by the evidence", "证据尚未排除的范围"),
        Text(
            "All true values that the cases seen do not contradict. With more cases it shrinks.",
            "与已见案例不矛盾的全部真实取值; 案例越多, 范围越窄。",
        ),
    ),
    (
        Text("Unit", "单元"),
        Text(
            "What counts once: a person, an item, a day. Several answers about one unit are one.",
            "只计一次的对象: 一个人、一件物、一天。关于同一单元的多次作答合并为一次。",
        ),
    ),
    (
        Text("These cases, future cases", "仅就这些案例、未来案例"),
        Text(
            "Whether something is said about the set that was scored, or about cases yet to come.",
            "结论针对已评分的这一组案例, 还是针对尚未出现的案例。",
        ),
    ),
    (
        Text("e-value", "e 值"),
        Text(
            "What a stake of 1 grew to in a bet against the opposite of a claim; 20 is strong.",
            "押注“断言的反面不成立”时, 1 的本金增至多少; 20 已属有力证据。",
        ),
    ),
    (
        Text("Fault, outage", "故障、中断"),
        Text(
            "A missing answer that is the candidate's doing, or the base's own.",
            "未能作答: 前者责任在候选方案, 后者责任在基地自身。",
        ),
    ),
    (
        Text("Committed order", "承诺次序"),
        Text(
            "The order in which cases count, calculated from the plan; nobody can choose it.",
            "案例计入的次序, 由试验计划计算得出, 无人可以挑选。",
        ),
    ),
    (
        Text("Record, root, checkpoint", "记录、根哈希、检查点"),
        Text(
            "A log to which one can only add; one number that stands for all of it; that number "
            "signed.",
            "只能追加的日志; 代表其全部内容的一个数; 经签名的这个数。",
        ),
    ),
    (
        Text("Stand-in", "替身"),
        Text(
            "A scripted model in place of a real product, to show the procedure.",
            "代替真实产品、用于演示流程的脚本模型。",
        ),
    ),
)
