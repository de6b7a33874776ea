"""What is wrong with a candidate's answer, in both languages.

The trial says it in English, as it stands in journals; what a program says of itself is its own.
"""

from __future__ import annotations

import re

from pilotbase.serve.rules.unfit import Unfit

OWN_MAX = 200
"""Characters of a program's own words."""
_SAID = (
    (r"error: (.*)", "程序报错, 原话: {}"),
    (r"refused: (.*)", "程序拒绝应答, 原话: {}"),
    (r"(.+) is not a finite number", "{} 不是有限的数值"),
    (r"(\w+) is no number: (.*)", "{} 不是数值: {}"),
    (r"text is no text: (.*)", "text 不是文本: {}"),
    (r"(\w+) is no list of at most (\d+)", "{} 不是至多 {} 项的列表"),
    (r"(\w+) names a passage by (.*)", "{} 以 {} 指称段落"),
    (r"(cites|steps) holds (.*)", "{} 中含有 {}"),
    (r"unknown class (.*)", "未知的类别 {}"),
    (r"label must be 0 or 1, not (.*)", "label 须为 0 或 1, 而非 {}"),
    (r"a message of (\d+) bytes; a line holds (\d+)", "消息长 {} 字节, 一行至多 {} 字节"),
    (r"wrong id (.*)", "id 有误: {}"),
    (r"not JSON", "不是 JSON"),
    (r"no JSON object", "不是 JSON 对象"),
    (r"no answer", "没有应答"),
    (r"no value", "缺少 value"),
    (r"a quote is no text", "引文不是文本"),
    (r"neither label nor probability", "label 与 probability 均未给出"),
    (r"neither label nor score", "label 与 score 均未给出"),
    (r"neither text nor data nor a refusal", "既无 text 或 data, 也未表示拒绝"),
    (r"probability must map classes to numbers", "probability 须由类别对应数值"),
)


def unusable(said: str) -> Unfit:
    """What is wrong with an answer: its names are the answer's, no columns.

    >>> unusable("value is not a finite number").zh
    '候选方案的应答: value 不是有限的数值'
    """
    return Unfit(f"the candidate's answer: {said}", f"候选方案的应答: {_in_chinese(said)}")


def own_words(said: str) -> Unfit:
    """What the candidate's program says instead of an answer, in whatever language it does."""
    said = said[:OWN_MAX]
    return Unfit(f"the candidate's program says: {said}", f"候选方案程序原话: {said}")


def _in_chinese(said: str) -> str:
    for form, zh in _SAID:
        found = re.fullmatch(form, said, re.DOTALL)
        if found is not None:
            return zh.format(*found.groups())
    return f"原话: {said}"
