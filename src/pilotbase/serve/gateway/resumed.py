"""A call that outlived the gateway process that began it, on its way again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pilotbase.serve.call import Ask, Call, Outcome, Refused
from pilotbase.serve.gateway.live import Live
from pilotbase.serve.ports import Reply, Taken

if TYPE_CHECKING:
    from pilotbase.serve.gateway.serving import Serving


class Resumed(Live):
    """It keeps its usage id and what was reserved: its intent is on disk, in the journal of the
    process that is gone. A person has let it pass. Its end goes where `Taken` says; what a route of
    second choice does is a call of its own, metered as any.
    """

    def __init__(
        self, serving: Serving, ask: Ask, key: str, reply: Reply, at: float, taken: Taken
    ) -> None:
        super().__init__(serving, ask, key, reply, at)
        self.kept, self.taken = reply, taken

    def reserve(self) -> None:
        if self.taken is None:
            return super().reserve()
        most = self.dialect.most(self.ask, self.route)
        scanned = self.watch.scanned if self.watch is not None else ()
        usage = self.taken.usage
        self.call = Call(self.ask, self.route, self.grant, self.at, most, usage, scanned=scanned)
        self.intent(None)

    def go_on(self) -> None:
        if self.taken is None:
            return super().go_on()
        self.send()

    def turn_away(self, refused: Refused) -> None:
        if self.taken is not None:
            self.taken.let_go()
        super().turn_away(refused)

    def refuse(self, outcome: Outcome, refused: Refused) -> None:
        if self.taken is not None and not self.begun:  # cut while its guard looked
            return self.turn_away(refused)
        super().refuse(outcome, refused)

    def settle(self, outcome: Outcome, code: str = "") -> None:
        super().settle(outcome, code)
        self.taken = None
