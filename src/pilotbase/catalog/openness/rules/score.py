"""The openness score: plain questions, each answered yes or no with its reason.

``score = answers that are yes / questions that were asked``. Every question counts the same. That
the weights are equal, and that these are the questions, is the base's own convention: no published
framework gives a number. What the questions ask is taken from such frameworks; each names its own
source. The parts are shown before the number, and the number never without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pilotbase.kernel.text import Text

OSAID = "OSAID 1.0"
OPEN_DEFINITION = "Open Definition 2.1"
FAIR = "FAIR principles (Wilkinson et al. 2016)"
OWN = "this base"


@dataclass(frozen=True)
class Part:
    """One question.

    Attributes:
        id: its stable name. source: whose question it is. yes: the answer. why: what it rests on.
        who: by whom, where the question is who may: ``anybody``, or parties of the catalog.
    """

    id: str
    question: Text
    source: str
    yes: bool
    why: Text
    who: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "question": self.question.as_dict(),
            "source": self.source,
            "yes": self.yes,
            "why": self.why.as_dict(),
            "who": list(self.who),
        }


@dataclass(frozen=True)
class Openness:
    """Attributes:
    parts: all questions that were asked, in order. score: the share of yes, from 0 to 1.
    """

    parts: tuple[Part, ...]

    @property
    def yes(self) -> int:
        return sum(part.yes for part in self.parts)

    @property
    def score(self) -> Fraction:
        return Fraction(self.yes, len(self.parts)) if self.parts else Fraction(0)


def scored(parts: Iterable[Part]) -> Openness:
    return Openness(tuple(parts))


MOF = "Model Openness Framework (White et al. 2024, arXiv:2403.13784)"
COMPONENTS: dict[str, tuple[int, Text]] = {
    "model-architecture": (3, Text("model architecture", "模型架构")),
    "model-parameters": (3, Text("final model parameters", "最终模型参数")),
    "technical-report": (3, Text("technical report or research paper", "技术报告或研究论文")),
    "evaluation-results": (3, Text("evaluation results", "评测结果")),
    "model-card": (3, Text("model card", "模型卡")),
    "data-card": (3, Text("data card", "数据卡")),
    "training-code": (2, Text("training code", "训练代码")),
    "inference-code": (2, Text("inference code", "推理代码")),
    "evaluation-code": (2, Text("evaluation code", "评测代码")),
    "evaluation-data": (2, Text("evaluation data", "评测数据")),
    "research-paper": (1, Text("research paper", "研究论文")),
    "data-preprocessing-code": (1, Text("data preprocessing code", "数据预处理代码")),
    "datasets": (1, Text("data sets", "数据集")),
    "intermediate-parameters": (1, Text("intermediate model parameters", "中间模型参数")),
}
"""The components that the framework asks for, each with the class that it begins to be needed in
(as the Model Openness Tool of the LF AI & Data Foundation has them in its settings; its optional
components are left out)."""
CLASSES: dict[int, Text] = {
    3: Text("Class III, Open Model", "III 类: 开放模型"),
    2: Text("Class II, Open Tooling", "II 类: 开放工具"),
    1: Text("Class I, Open Science", "I 类: 开放科学"),
}


def model_class(released: Sequence[str]) -> tuple[int | None, dict[int, tuple[str, ...]]]:
    """The highest class of the framework that a model reaches, and what each class still lacks.

    Args:
        released: the components that are released under an open licence.

    >>> model_class(["model-architecture", "model-parameters", "research-paper",
    ...              "evaluation-results", "model-card", "data-card"])[0]
    3
    """
    has = set(released) | ({"technical-report"} if "research-paper" in released else set())
    lacks = {
        level: tuple(one for one, (at, _) in COMPONENTS.items() if at >= level and one not in has)
        for level in CLASSES
    }
    reached = [level for level, missing in lacks.items() if not missing]
    return min(reached, default=None), lacks
