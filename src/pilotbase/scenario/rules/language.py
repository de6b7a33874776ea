"""Questions in words: what they need beside the question, and which words then have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.offer import Chat
from pilotbase.scenario.rules.criteria import every
from pilotbase.scenario.rules.metrics import READS
from pilotbase.scenario.rules.need import unknown_name
from pilotbase.scenario.schema import LANGUAGE_TASKS
from pilotbase.scenario.template import template_names

# Word at the top of the file → the tasks in which it has an effect.
EFFECT = {
    "question": LANGUAGE_TASKS,
    "language": LANGUAGE_TASKS,
    "judges": LANGUAGE_TASKS,
    "scope": ("answer",),
    "sources": ("answer",),
    "documents": ("answer",),
    "refusal": ("answer",),
    "environment": ("act",),
}


def asked_in_words(draft: Draft, known: Known) -> Iterator[Finding]:
    """answer and act have a question; act has an environment in which tools are called."""
    needed = {"answer": ("question",), "act": ("question", "environment")}
    meaning = {
        "question": Text("question: the column of what is asked", "question: 提问所在的列"),
        "environment": Text(
            "environment: an installed environment", "environment: 已安装的模拟环境"
        ),
    }
    for word in needed.get(draft.task or "", ()):
        if word not in draft.given:
            yield Finding(
                (),
                f"scenario.no_{word}",
                Text(f"{draft.task} needs `{word}`", f"{draft.task} 任务需要 `{word}`"),
                meaning[word],
                at_key=True,
                about=((word,), ("task",)),
            )


def words_fit_task(draft: Draft, known: Known) -> Iterator[Finding]:
    """A word that would be ignored is a misunderstanding; it is told before anything runs."""
    for word, tasks in EFFECT.items():
        if word in draft.given and draft.task is not None and draft.task not in tasks:
            yield Finding(
                (word,),
                "scenario.no_effect",
                Text(
                    f"`{word}` has no effect in {draft.task}",
                    f"`{word}` 在 {draft.task} 任务中不起作用",
                ),
                Text(
                    f"`{word}` only with {listed(tasks)}", f"`{word}` 只用于 {listed(tasks)} 任务"
                ),
                at_key=True,
                about=(("task",),),
            )


def metric_has_its_words(draft: Draft, known: Known) -> Iterator[Finding]:
    """A metric that counts questions in scope needs the scope, and so on."""
    for number, criterion in draft.criteria:
        for word in READS.get(criterion.metric, ()):
            if word not in draft.given:
                metric = criterion.metric
                yield Finding(
                    ("acceptance", number, "metric"),
                    f"scenario.no_{word}",
                    Text(f"{metric} needs `{word}`", f"{metric} 需要 `{word}`"),
                    Text(f"`{word}:` at the top of the file", f"在文件顶层写明 `{word}:`"),
                    about=((word,), ("task",)),
                )


def judge_runs_one_thing(draft: Draft, known: Known) -> Iterator[Finding]:
    """A judge is exactly one of chat, plugin; and some criterion asks for it."""
    used = {criterion.judge for _, criterion in draft.criteria}
    for name, judge in draft.judges:
        path: Path = ("judges", name)
        if (judge.chat is None) == (judge.plugin is None):
            yield Finding(
                path,
                "scenario.judge_kind",
                Text(
                    f"the judge {shown(name)} is not one thing", f"评判者 {shown(name)} 须恰好一种"
                ),
                Text("exactly one of chat, plugin", "chat, plugin 中恰好一个"),
                at_key=True,
                about=((*path, "chat"), (*path, "plugin")),
            )
        if name not in used:
            yield Finding(
                path,
                "scenario.no_effect",
                Text(
                    f"no criterion asks the judge {shown(name)}",
                    f"没有指标使用评判者 {shown(name)}",
                ),
                Text(f"a criterion with judge: {name}", f"带有 judge: {name} 的指标"),
                at_key=True,
                about=every("judge"),
            )


def prompts(draft: Draft, known: Known) -> Iterator[Finding]:
    """A prompt asks for the question, the documents, and columns that candidates may see."""
    for number, offer in draft.candidates:
        if offer.chat is not None:
            yield from _prompt(draft, ("candidates", number, "chat", "prompt"), offer.chat)


def _prompt(draft: Draft, path: Path, chat: Chat) -> Iterator[Finding]:
    try:
        names = template_names(chat.prompt)
    except ValueError as error:
        near_it = shown(error)
        yield Finding(
            path,
            "scenario.prompt_brace",
            Text(f"a brace stands alone: “{near_it}”", f"花括号不成对: “{near_it}”"),
            Text("{name}, or {{ and }} for braces", "{名称}; 花括号本身写作 {{ 与 }}"),
        )
        return
    hidden = {draft.target, draft.scope, draft.sources, *draft.barred}
    for name in names:
        if name == "documents" and "documents" not in draft.given:
            said = Text("the scenario has no documents", "本场景没有文档")
            expected = Text("a prompt without {documents}", "不含 {documents} 的提示词")
            about: tuple[Path, ...] = (("documents",),)
        elif name in hidden:
            said = Text(
                f"“{shown(name)}” is kept from candidates", f"“{shown(name)}” 不得给候选方案"
            )
            expected = Text(
                "{question}, {documents} or a feature", "{question}、{documents} 或特征列"
            )
            about = (("target",), ("barred",))
        elif draft.features is not None and name not in (*draft.features, "question", "documents"):
            said = Text(
                f"“{shown(name)}” is not under `features`", f"“{shown(name)}” 不在 `features` 中"
            )
            expected = Text(
                "{question}, {documents} or a feature", "{question}、{documents} 或特征列"
            )
            about = (("features",),)
        else:
            continue
        near = nearest(name, (*(draft.features or ()), "question", "documents"))
        meant = None if near in (None, name) else f"{{{near}}}"
        yield Finding(path, "scenario.prompt_name", said, expected, meant, about=about)


def environment_known(draft: Draft, known: Known) -> Iterator[Finding]:
    """The environment is installed."""
    name = draft.environment
    if draft.task == "act" and name is not None and name not in known.environments:
        kind = Text("environment", "模拟环境")
        yield unknown_name(("environment",), "environment", kind, name, known.environments)


def environment_acts(draft: Draft, known: Known) -> Iterator[Finding]:
    """An agent acts for a named person or body, never for itself; others act for nobody."""
    for number, offer in draft.candidates:
        path: Path = ("candidates", number)
        if draft.task == "act" and offer.acts_for is None and offer.results is None:
            yield Finding(
                path,
                "scenario.no_principal",
                Text(
                    f"for whom does {offer.id} act? An agent is never the responsible party",
                    f"{offer.id} 代谁行事? 智能体不能是责任主体",
                ),
                Text("acts_for: a named person or body", "acts_for: 具名的人或机构"),
                about=((*path, "acts_for"), ("task",)),
            )
        if draft.task not in (None, "act") and offer.acts_for is not None:
            yield Finding(
                (*path, "acts_for"),
                "scenario.no_effect",
                Text(f"`acts_for` has no effect in {draft.task}", "`acts_for` 只用于 act 任务"),
                Text("`acts_for` only with `task: act`", "只与 `task: act` 同用"),
                at_key=True,
                about=(("task",),),
            )


RULES = (
    asked_in_words,
    words_fit_task,
    metric_has_its_words,
    judge_runs_one_thing,
    prompts,
    environment_known,
    environment_acts,
)
