"""docs/*/commands.md list every verb with its fields; run this file to write them anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pilotbase.kernel.actor import ROLES
from pilotbase.kernel.text import Language, Text
from pilotbase.main import SUMMARIES, declared_verbs

ROOT = Path(__file__).parents[2]
HEAD = Text(
    "# Commands\n\nEvery command also takes `--home DIR`, `--vault-key FILE`, `--lang en|zh` and "
    "`--json`, before its words or\nafter: `pilotbase --lang zh record verify`. "
    "Exit codes: 0 done, 2 faulty input, 3 could not be done,\n130 interrupted. "
    "The same verbs are methods of `pilotbase.Base`.\n",
    "# 命令\n\n每条命令还接受 `--home 目录`、`--vault-key 文件`、`--lang en|zh` 与 `--json`, "
    "写在命令之前或之后均可:\n`pilotbase --lang zh record verify`。"
    "退出码: 0 完成, 2 输入有误, 3 未能完成, 130 被中断。\n"
    "同一组动词也是 `pilotbase.Base` 的方法。\n",
)
READS = Text("reads only", "只读")
CHANGES = Text("writes", "会写入")


def page(language: Language) -> str:
    """The commands page as it has to be."""
    lines = [HEAD.in_language(language)]
    for verb in declared_verbs():
        kind = (CHANGES if verb.changes else READS).in_language(language)
        roles = ", ".join(ROLES[role].in_language(language) for role in verb.roles)
        lines.append(f"## `pilotbase {verb.name.replace('.', ' ')}`\n")
        lines.append(f"{verb.summary.in_language(language)} ({kind}; {roles})\n")
        for field in dataclasses.fields(verb.request):
            words = field.metadata["many"] or field.metadata["word"]
            argument = field.default is dataclasses.MISSING or words
            option = "--" + field.name.rstrip("_").replace("_", "-")
            name = field.name.upper() if argument else option
            lines.append(f"- `{name}`: {field.metadata['help'].in_language(language)}")
        if lines[-1].startswith("- "):
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_lists_every_command(language: Language) -> None:
    assert (ROOT / "docs" / language / "commands.md").read_text("utf-8") == page(language)


def test_every_verb_is_described_in_both_languages() -> None:
    verbs = declared_verbs()
    assert len({verb.name for verb in verbs}) == len(verbs) > 10
    for verb in verbs:
        assert verb.summary.en.endswith(".") and verb.summary.zh.endswith("。"), verb.name
        assert verb.roles and verb.request and verb.response
        assert verb.name.rpartition(".")[0] in SUMMARIES
        for field in dataclasses.fields(verb.request):
            assert field.metadata["help"].en and field.metadata["help"].zh


if __name__ == "__main__":
    for one in ("en", "zh"):
        (ROOT / "docs" / one / "commands.md").write_text(page(one), "utf-8")  # type: ignore[arg-type]
