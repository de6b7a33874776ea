"""An agent that is a program or a plug-in: its calls and the observations travel as lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.trial.agents.episode import Episode, Scene
from pilotbase.trial.candidates.answer import short
from pilotbase.trial.candidates.command import Session
from pilotbase.trial.candidates.messages import REPLY_CHARACTERS_MAX, BadReply
from pilotbase.trial.endpoints.port import Case


@dataclass(frozen=True)
class Dialogue:
    """How a program acts in one case: asked once, then told what it observed until it is done."""

    scene: Scene

    def __call__(self, session: Session, case: Case) -> tuple[Mapping[str, Any], float]:
        """Its answer and the milliseconds that it took.

        Raises:
            Gone, BadReply: it broke off. Outage: the environment failed.
        """
        episode = self.scene.begin(case)
        reply, taken_ms = session.tell(self._opening(case))
        while True:
            if "error" in reply:
                raise BadReply(f"error: {short(str(reply['error']))}")
            if reply.get("done") is True:
                return _end(episode, reply), taken_ms
            if episode.over:
                return episode.fields("", ended="steps"), taken_ms
            observed = _called(episode, reply)
            reply, more_ms = session.tell({"observed": observed})
            taken_ms += more_ms

    def _opening(self, case: Case) -> Mapping[str, Any]:
        question = case.question
        assert question is not None
        return {
            "act": {
                "goal": question.text,
                "columns": question.columns,
                "language": question.language,
                "tools": self.scene.tools(question.language),
                "acts_for": self.scene.acts_for,
                "steps": self.scene.steps_max,
            }
        }


def _called(episode: Episode, reply: Mapping[str, Any]) -> Mapping[str, Any]:
    call = reply.get("call")
    if not isinstance(call, dict) or not isinstance(call.get("tool"), str):
        return episode.fault("neither a call with a tool nor done").fields
    return episode.call(call["tool"], call.get("arguments", {})).fields


def _end(episode: Episode, reply: Mapping[str, Any]) -> Mapping[str, Any]:
    text = reply.get("text", "")
    if not isinstance(text, str):
        raise BadReply(f"text is no text: {short(repr(text))[:60]}")
    fields = episode.fields(text[:REPLY_CHARACTERS_MAX], refused=reply.get("refused") is True)
    return {**fields, "tokens": reply["tokens"]} if "tokens" in reply else fields
