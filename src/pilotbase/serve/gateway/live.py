"""One call on its way: from the key to the last byte, settled exactly once in every ending.

Everything is a callback on the loop's thread, and there is no task: a call that waits for the disk,
for an upstream or for a person is an object that something will call. Three things end it: an
answer, a failure, or somebody else (the client leaves, a stop cuts it). Whatever comes first takes
the call; what comes later finds it ended.

Here is the way of an answer in one piece, and every ending. Answers in pieces are in `streams`,
second attempts in `attempts`, hand-off to people in `parking`: functions of a call.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilotbase.serve.call import Ask, Call, Grant, Outcome, Refused, Route, Usage
from pilotbase.serve.gateway import attempts, parking, said, streams
from pilotbase.serve.gateway.callbacks import callback
from pilotbase.serve.gateway.headers import JSON
from pilotbase.serve.ports import Dialect, Pieces, Reading, Reply, Taken, Watch
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.rules.price import sent_on
from pilotbase.serve.upstreams.link import Link
from pilotbase.serve.upstreams.replicas import Replica

if TYPE_CHECKING:
    from pilotbase.serve.gateway.serving import Serving

_log = logging.getLogger("pilotbase.serve")


class Live:
    """A call, the sink of its upstream's answer and the source of its reply.

    Attributes:
        call: None until a key was admitted and the limits are known.
        at: when it came, seconds since 1970. streams: whether the caller wants pieces.
        body: the request as it came; ``ask.body`` may be another after guards and people.
        others, tried: routes of second choice that are left; replicas that were asked.
        begun: its intent is on disk and it is not settled. ended: it has been answered.
        started: whether a first piece went out, and ``first`` when.
        pending: the meter has it, and has not said yet whether its intent is down.
        parked: it is being put down for a person, or was. waits: nobody has decided it. kept: its
            reply since its client was told to come back.
        missed: why the first choice did not answer, where this is a second one.
        told: header lines of a call that ended before this one, its second choice, was begun.
        held: of a stream, what a person may have to see first. copy: what went out, where its
            terms let that be logged. taken: where it is settled if another process began it.
    """

    # What most calls never change stands in the class: it costs them nothing.
    call: Call | None = None
    others: Sequence[Route] = ()
    tried: tuple[Replica, ...] = ()
    watch: Watch | None = None
    reading: Reading | None = None
    pieces: Pieces | None = None
    digest: Any = None
    link: Link | None = None
    kept: Reply | None = None
    taken: Taken | None = None
    held: list[bytes] | None = None
    copy: list[bytes] | None = None
    missed: Refused | None = None
    told = b""
    first = 0.0
    begun = ended = started = pending = parked = waits = False
    route: Route
    grant: Grant
    dialect: Dialect
    replica: Replica
    usage: Usage

    def __init__(self, serving: Serving, ask: Ask, key: str, reply: Reply, at: float) -> None:
        self.serving, self.ask, self.key, self.reply, self.at = serving, ask, key, reply, at
        self.streams = ask.stream
        self.body = ask.body

    # the way in

    def enter(self, route: Route) -> None:
        """From the key to the intent on disk. Raises Refused while nothing is begun."""
        serving = self.serving
        self.route = route
        self.grant = serving.gate.admit(self.key, route, self.at)
        dialect = serving.dialects.get(self.ask.operation)
        if dialect is None or self.ask.operation not in route.speaks:
            raise said.not_spoken(self.ask.operation, route)
        self.dialect = dialect
        replica = serving.replicas.pick(route, self.tried)
        if replica is None:
            if not self.others:
                raise said.none_left(route)
            return self.enter(self.next_route(said.none_left(route)))
        self.replica = replica
        if route.guards and serving.watching is not None:
            self.watch = serving.watching(route)
            if self.watch is not None:
                return self.watch.before(self.ask, self._looked)
        return self.reserve()

    def next_route(self, missed: Refused) -> Route:
        self.missed = self.missed or missed
        route, *self.others = self.others
        return route

    @callback
    def _looked(self, refused: Refused | None) -> None:
        if self.ended:
            return
        if refused is None:
            if self.ask.body is not self.body:
                self.body, self.ask.fields = self.ask.body, None
            try:
                return self.reserve()
            except Refused as error:
                refused = error
        self.turn_away(refused)

    def reserve(self) -> None:
        """Reserve what it may cost at most. Raises Refused."""
        try:
            most = self.dialect.most(self.ask, self.route)
        except Refused as refused:
            raise attempts.of_first(self, refused) from None
        scanned = self.watch.scanned if self.watch is not None else ()
        self.call = call = Call(self.ask, self.route, self.grant, self.at, most, scanned=scanned)
        self.pending = True
        self.serving.meter.begin(call, self.intent)

    def turn_away(self, refused: Refused) -> None:
        """Refused before it was begun."""
        self.ended = True
        self.serving.live.discard(self)
        self.serving.note(refused)
        self.reply.refuse(refused, self.told)

    def intent(self, refused: Refused | None) -> None:
        """Its intent is on disk, or never will be."""
        self.pending = False
        if refused is not None:
            if self.ended:
                self.over()
            else:
                self.turn_away(refused)
            return
        self.begun = True
        assert self.call is not None
        self.usage = Usage(0, 0, 0, self.call.most.bytes_in)
        observer = self.serving.observer
        if self.route.content and observer is not None and observer.copies:
            self.copy = []
        try:
            self.go_on()
        except Exception:
            self.broken()

    def go_on(self) -> None:
        """To the upstream, or to a person first."""
        if self.ended:  # left or cut while the disk was at work: nothing of it was sent on
            self.settle("refused")
            self.over()
            return
        if self.route.handoff and self.serving.people is not None:
            why = parking.wanted(self, "before")
            if why:
                return parking.park(self, "before", why, None)
        self.send()

    def send(self) -> None:
        call, replica = self.call, self.replica
        assert call is not None
        call.upstream = replica.upstream.id
        pool, dialect = replica.pool, self.dialect
        try:
            body = dialect.question(call, replica.upstream)
        except Refused as refused:
            return self.refuse("refused", refused)
        if isinstance(body, bytes):
            question = pool.question(dialect.path, dialect.media, body)
        else:
            question = pool.question(*body)
        link = pool.ask(question, self, self.route.caps)
        if link is not None:  # else it waits, or was told and may be with another by now
            self.link = link

    # what the upstream says (Sink)

    def asked(self, link: Link) -> None:
        if self.ended:  # it was left at this very moment
            link.cancel()
        else:
            self.link = link

    def whole(self, head: ResponseHead, body: bytes) -> None:
        self.link = None
        try:
            self._read_whole(head, body)
        except Exception:
            self.broken()

    begin, piece, end = streams.begin, streams.piece, streams.end
    lost = attempts.lost

    def _read_whole(self, head: ResponseHead, body: bytes) -> None:
        if head.status != 200:
            return attempts.not_answered(self, head, body)
        self.replica.answered()
        call, usage = self.call, self.usage
        assert call is not None
        if attempts.miscounted(self, head):
            return self.refuse("failed", said.miscounted(self.route))
        answer = self.dialect.read(call, body, usage)
        if answer is None:
            return self.refuse("failed", said.unread(self.route))
        if self.watch is not None:
            return self.watch.after(answer, self._looked_after)
        if self.route.handoff:
            return self.answer(answer, JSON)
        return self.give(answer, JSON)

    @callback
    def _looked_after(self, answer: bytes | Refused) -> None:
        if self.ended:
            return
        if isinstance(answer, Refused):
            return self.refuse("cut", answer)
        self.answer(answer, JSON)

    # endings

    def answer(self, answer: bytes, media: bytes) -> None:
        """An answer that guards have let through; a person may have to see it."""
        if self.route.handoff and self.serving.people is not None:
            why = parking.wanted(self, "after", answer)
            if why:
                return parking.park(self, "after", why, answer, media)
        self.give(answer, media)

    def give(self, answer: bytes, media: bytes) -> None:
        """Served, in one piece."""
        dress = self.ask.dress
        if dress is not None and self.kept is None:
            try:
                media, answer = dress(answer)
            except ValueError:
                return self.refuse("failed", said.unread(self.route))
        self.usage.bytes_out = len(answer)
        if self.ask.receipt:
            self.digest = hashlib.sha256(answer)
        if self.copy is not None:
            self.copy.append(answer)
        self.settle("served")
        self.ended = True
        self.serving.live.discard(self)
        self.reply.whole(200, self.block(media), answer)

    def block(self, media: bytes = b"") -> bytes:
        """The header lines of its answer."""
        assert self.call is not None
        fixed = self.serving.blocks.of(self.route, self.grant)
        return b"%b%b%b\r\n" % (media, fixed, self.call.usage_id.encode())

    def refuse(self, outcome: Outcome, refused: Refused) -> None:
        """It ends without an answer, or in the middle of one."""
        if self.begun:
            self.told = self.block()
            if self.digest is not None:
                self.digest.update(self.reply.parting(refused))
            self.settle(outcome, refused.code)
        self.over()
        if self.started:
            self.reply.abort(refused)
        else:
            self.reply.refuse(refused, self.told)

    def over(self) -> None:
        """It is answered, or nobody waits for it. What the meter has not told of it yet is under
        way until it has: only then can it be settled."""
        self.ended = True
        if not self.pending:
            self.serving.live.discard(self)

    def broken(self) -> None:
        """A fault of ours or of a plug-in: the call is settled all the same and its client told."""
        _log.exception("a call to %s failed", self.ask.service[:80])
        if not self.ended:
            self.leave()
            self.refuse("failed", said.fault(self.ask.service[:80]))

    @callback
    def cancel(self) -> None:
        """The client has left. A call that waits for a person goes on: its answer is kept."""
        if self.ended or self.parked:
            return
        self.over()
        was_sent = self.leave()
        if self.begun:
            if was_sent and self.call is not None:
                sent_on(self.usage, self.call.most)
            self.settle("aborted" if was_sent else "refused")

    @callback
    def cut(self, refused: Refused) -> None:
        """It may go on no longer: a stop, a key that was revoked, the end of the gateway. Of what
        waits for a person, nothing was delivered."""
        if self.ended:
            return
        self.leave()
        self.refuse("refused" if self.waits else "cut", refused)

    def leave(self) -> bool:
        """Nobody waits for its upstream any more; False where that was not asked yet."""
        link, self.link = self.link, None
        if link is not None:
            link.cancel()
        elif self.begun:
            return not self.replica.pool.forget(self)
        return True

    def pause(self) -> None:
        if self.link is not None:
            self.link.pause()

    def resume(self) -> None:
        if self.link is not None:
            self.link.resume()

    def settle(self, outcome: Outcome, code: str = "") -> None:
        """Once, however often it is called."""
        if self.begun:
            self.begun = False
            call, usage, observer = self.call, self.usage, self.serving.observer
            assert call is not None
            if self.watch is not None:
                call.scanned = self.watch.scanned
            charge = (self.taken or self.serving.meter).settle(call, usage, outcome)
            if observer is not None:
                observer.settled(call, usage, charge, outcome, self.first, code, self.copy)
            if self.ask.receipt and self.serving.receipts is not None:
                said = self.digest.hexdigest() if self.digest is not None else ""
                self.serving.receipts.note(call, usage, charge, outcome, said)
