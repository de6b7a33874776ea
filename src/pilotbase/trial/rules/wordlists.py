"""Small tables of our own for `wording`: data, no rule.

Every entry keeps the meaning of an everyday question. Words that negate, count, compare in size or
name a person's sex stand in no table.
"""

from __future__ import annotations

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = ((0, 1), (0, -1), (1, 0), (1, -1), (-1, 0), (-1, 1))


def _beside(row: int, place: int) -> str:
    """Keys that touch a key: its row's neighbours and two in the rows above and below."""
    near = [(row + down, place + along) for down, along in _BESIDE]
    return "".join(_ROWS[r][p] for r, p in near if 0 <= r < len(_ROWS) and 0 <= p < len(_ROWS[r]))


# Letter → letters whose keys touch it on a US keyboard.
NEIGHBOURS = {
    letter: _beside(row, place)
    for row, keys in enumerate(_ROWS)
    for place, letter in enumerate(keys)
}

# Characters that are typed for one another: alike in sound (pinyin input) or in shape.
_ALIKE = (
    "的得地", "在再", "做作坐座", "像象", "那哪", "己已", "土士", "曰日", "账帐", "度渡",
    "记计纪", "带戴", "到道", "应因", "进近", "长常", "定订", "分份", "只支", "经径",
    "机基", "工公", "成城", "时实", "后候", "请清情", "文闻", "报抱", "源原", "据剧",
    "样洋", "列例", "数树", "型形", "集级", "期其", "量亮", "本木", "么麽", "什甚",
    "些写", "值植", "表标", "示事", "名明", "用佣", "中种", "国过", "单但", "位为",
    "含寒", "包保", "变便", "测侧", "均君", "比彼", "来莱", "自白", "由田",
)  # fmt: skip
LOOKALIKES = {sign: group.replace(sign, "") for group in _ALIKE for sign in group}

# Put before a question, or before a request, as it stands.
FRAMES_EN = {
    "question": (
        "Could you help me with this? ",
        "I would like to know the following. ",
        "Hello, a short question. ",
        "Please answer this for me. ",
    ),
    "request": ("Hello. ", "Could you help me with this? ", "If you have a moment: "),
}
FRAMES_ZH = {
    "question": ("请问, ", "您好, 想请教一下: ", "麻烦帮我看一下: ", "我想了解: "),
    "request": ("您好, ", "打扰一下: ", "有件事拜托您: "),
}

# (pattern of the whole question, the same question in another order)
ORDERS_EN = (
    (r"(According to|Based on) ([^,?]+), (\w)([^?]*)\?", r"{3}{4}, {1} {2}?"),
    (r"(In|For|Within) (the [^,?]+), (\w)([^?]*)\?", r"{3}{4} {1} {2}?"),
    (r"(\w)([^,?]*), (according to|based on) ([^,?]+)\?", r"{3} {4}, {1}{2}?"),
    (r"(In|From|On|At|For|By|To|With) which ([^?]*)\?", r"{1} what {2}?"),
    (r"Which (?!of |one |ones |is |are |was |were )([^?]*)\?", r"What {1}?"),
    (r"Why ((?:is|are|was|were|do|does|did|has|have|should|can) [^?]*)\?", r"For what reason {1}?"),
)
ORDERS_ZH = (
    (r"什么是([^,。?]{2,20})\?", "{1}是什么?"),
    (r"([^\W的中里上\da-zA-Z]{2,12})是什么\?", "什么是{1}?"),
    (r"(?:根据|按照)([^,。?]{2,20}), ?([^。?]+)\?", "{2}? 请根据{1}回答。"),
    (r"在([^,。?]{2,20})中, ?([^。?]+)\?", "{2}? 我问的是{1}。"),
    (
        r"([^,。?]{2,30}?)[中里]?[共总]?有(多少|几)([个张行名列种道条位])([^,。?有]{1,12})\?",
        "{1}的{4}有{2}{3}?",
    ),
    (r"([^,。?]{2,30})是(谁|哪位)\?", "{2}是{1}?"),
)

# The first becomes the second; only where that is safe does the pair stand the other way round too.
# English in lower case, as whole words.
SYNONYMS_EN = {
    "what is": "what's",
    "what's": "what is",
    "how many": "what number of",
    "how do i": "how can i",
    "how can i": "how do i",
    "tell me": "let me know",
    "let me know": "tell me",
    "roughly": "approximately",
    "approximately": "roughly",
    "because": "since",
    "purchase": "buy",
    "buy": "purchase",
    "obtain": "get",
    "begin": "start",
    "assist": "help",
    "require": "need",
    "need": "require",
    "required": "needed",
    "utilise": "use",
    "documentation": "documents",
    "stand for": "mean",
    "made up of": "composed of",
    "composed of": "made up of",
    "come from": "originate from",
    "gathered": "collected",
    "collected": "gathered",
    "recorded": "noted down",
    "located": "situated",
    "often": "frequently",
    "frequently": "often",
}
SYNONYMS_ZH = {
    "如何": "怎样",
    "怎样": "如何",
    "为什么": "为何",
    "为何": "为什么",
    "目前": "现在",
    "如果": "假如",
    "假如": "如果",
    "因为": "由于",
    "并且": "而且",
    "大约": "大概",
    "大概": "大约",
    "告诉我": "跟我说",
    "来自": "出自",
    "出自": "来自",
    "收集": "采集",
    "采集": "收集",
    "记录了": "记载了",
    "位于": "地处",
    "一共": "总共",
    "总共": "一共",
    "包含": "含有",
    "含有": "包含",
    "什么时候": "何时",
    "何时": "什么时候",
    "在哪里": "在何处",
    "谁": "哪位",
    "是什么意思": "指的是什么",
}
