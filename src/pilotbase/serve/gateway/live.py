"""One call on its way: from the key to the last byte, settled exactly once in every ending.

Everything is a callback on the loop's thread, and there is no task: a call that waits for the disk,
for an upstream or for a person is an object that something will call. Three things end it: an
answer, a failure, or somebody else (the client leaves, a stop cuts it). Whatever comes first takes
the call; what comes later finds it ended.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.call import Ask, Call, Grant, Outcome, Refused, Route, Usage
from pilotbase.serve.gateway import said
from pilotbase.serve.gateway.parking import Kept
from pilotbase.serve.ports import Decided, Dialect, Pieces, Reading, Reply, Ticket, Watch
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Link, Lost
from pilotbase.serve.upstreams.replicas import Replica

if TYPE_CHECKING:
    from pilotbase.serve.gateway.serving import Serving

_log = logging.getLogger("pilotbase.serve")
TRIES_MAX = 4
Stage = Literal["before", "after"]
JSON = b"content-type: application/json\r\n"
STREAM = b"content-type: text/event-stream\r\ncache-control: no-store\r\nx-accel-buffering: no\r\n"


class Live:
    """A call, the sink of its upstream's answer and the source of its reply.

    Attributes:
        call: None until a key was admitted and the limits are known.
        at: when it came, seconds since 1970. streams: whether the caller wants pieces.
        started: whether a first piece went out. waits: whether it waits for a person.
    """

    # What most calls never change stands in the class: it costs them nothing.
    call: Call | None = None
    others: Sequence[Route] = ()
    _tried: tuple[Replica, ...] = ()
    _watch: Watch | None = None
    _reading: Reading | None = None
    _pieces: Pieces | None = None
    _digest: Any = None
    _link: Link | None = None
    _kept: Kept | None = None
    _held: list[bytes] | None = None
    _copy: list[bytes] | None = None
    _first = 0.0
    _begun = _ended = started = _parking = waits = False
    _route: Route
    _grant: Grant
    _dialect: Dialect
    _replica: Replica
    _usage: Usage

    def __init__(self, serving: Serving, ask: Ask, key: str, reply: Reply, at: float) -> None:
        self._serving, self.ask, self._key, self._reply, self.at = serving, ask, key, reply, at
        self.streams = ask.stream
        self._body = ask.body

    # the way in

    def enter(self, route: Route) -> None:
        """From the key to the intent on disk. Raises Refused while nothing is begun."""
        serving = self._serving
        self._route = route
        self._grant = serving.gate.admit(self._key, route, self.at)
        dialect = serving.dialects.get(self.ask.operation)
        if dialect is None or self.ask.operation not in route.speaks:
            raise said.not_spoken(self.ask.operation, route)
        self._dialect = dialect
        replica = serving.replicas.pick(route, self._tried)
        if replica is None:
            if not self.others:
                raise said.none_left(route)
            return self.enter(self._next_route())
        self._replica = replica
        if route.guards and serving.watching is not None:
            self._watch = serving.watching(route)
            if self._watch is not None:
                return self._watch.before(self.ask, self._looked)
        return self._reserve()

    def _next_route(self) -> Route:
        route, *self.others = self.others
        return route

    def _looked(self, refused: Refused | None) -> None:
        if self._ended:
            return
        if refused is None:
            if self.ask.body is not self._body:
                self._body, self.ask.fields = self.ask.body, None
            try:
                return self._reserve()
            except Refused as error:
                refused = error
        self._turn_away(refused)

    def _reserve(self) -> None:
        most = self._dialect.most(self.ask, self._route)
        scanned = self._watch.scanned if self._watch is not None else ()
        self.call = call = Call(self.ask, self._route, self._grant, self.at, most, scanned=scanned)
        self._serving.meter.begin(call, self._intent)

    def _turn_away(self, refused: Refused) -> None:
        self._ended = True
        self._serving.live.discard(self)
        self._serving.note(refused)
        self._reply.refuse(refused)

    def _intent(self, refused: Refused | None) -> None:
        if refused is not None:
            if not self._ended:
                self._turn_away(refused)
            return
        self._begun = True
        assert self.call is not None
        self._usage = Usage(0, 0, 0, self.call.most.bytes_in)
        observer = self._serving.observer
        if self._route.content and observer is not None and observer.copies:
            self._copy = []
        try:
            self._go_on()
        except Exception:
            self._broken()

    def _go_on(self) -> None:
        if self._ended:  # left or cut while the disk was at work
            self._settle("aborted")
            return
        if self._route.handoff and self._serving.people is not None:
            assert self.call is not None
            flags = self._watch.flags if self._watch is not None else ()
            why = self._serving.people.wanted(self.call, "before", flags)
            if why:
                return self._park("before", why, None)
        self._send()

    def _send(self) -> None:
        call, replica = self.call, self._replica
        assert call is not None
        call.upstream = replica.upstream.id
        pool, dialect = replica.pool, self._dialect
        try:
            body = dialect.question(call, replica.upstream)
        except Refused as refused:
            return self._end_refused("refused", refused)
        if isinstance(body, bytes):
            question = pool.question(dialect.path, dialect.media, body)
        else:
            question = pool.question(*body)
        self._link = pool.ask(question, self, self._route.caps)

    # what the upstream says (Sink)

    def asked(self, link: Link) -> None:
        if self._ended:  # it was left at this very moment
            link.cancel()
        else:
            self._link = link

    def whole(self, head: ResponseHead, body: bytes) -> None:
        self._link = None
        try:
            self._read_whole(head, body)
        except Exception:
            self._broken()

    def _broken(self) -> None:
        """A fault of ours or of a guard: the call is settled all the same, and its client told."""
        _log.exception("a call to %s failed", self._route.filing)
        if not self._ended:
            self._cancel()
            self._end_refused("failed", said.unread(self._route))

    def _read_whole(self, head: ResponseHead, body: bytes) -> None:
        if head.status != 200:
            return self._not_answered(head)
        self._replica.answered()
        call, usage = self.call, self._usage
        assert call is not None
        answer = self._dialect.read(call, body, usage)
        if answer is None:
            return self._end_refused("failed", said.unread(self._route))
        if self._watch is not None:
            return self._watch.after(answer, self._looked_after)
        if self._route.handoff:
            return self._answer(answer)
        return self._give(answer, JSON)

    def _looked_after(self, answer: bytes | Refused) -> None:
        if self._ended:
            return
        if isinstance(answer, Refused):
            return self._end_refused("cut", answer)
        self._answer(answer)

    def _answer(self, answer: bytes, media: bytes = JSON) -> None:
        route, call = self._route, self.call
        assert call is not None
        if self._watch is not None:
            call.scanned = self._watch.scanned
        if route.handoff and self._serving.people is not None:
            flags = self._watch.flags if self._watch is not None else ()
            why = self._serving.people.wanted(call, "after", flags, answer)
            if why:
                return self._park("after", why, answer)
        self._give(answer, media)

    def _give(self, answer: bytes, media: bytes) -> None:
        dress = self.ask.dress
        if dress is not None and self._kept is None:
            try:
                media, answer = dress(answer)
            except ValueError:
                return self._end_refused("failed", said.unread(self._route))
        self._usage.bytes_out = len(answer)
        if self.ask.receipt:
            self._digest = hashlib.sha256(answer)
        if self._copy is not None:
            self._copy.append(answer)
        self._settle("served")
        self._ended = True
        self._serving.live.discard(self)
        self._reply.whole(200, self._block(media), answer)

    def _block(self, media: bytes) -> bytes:
        assert self.call is not None
        fixed = self._serving.blocks.of(self._route, self._grant)
        return b"%b%b%b\r\n" % (media, fixed, self.call.usage_id.encode())

    def begin(self, head: ResponseHead, link: Link) -> None:
        assert self.call is not None
        self._link = link
        self._replica.answered()
        if self._watch is not None:
            self._pieces = self._watch.pieces()
        if self._route.handoff and self._serving.people is not None:
            self._held = []  # a person may have to see it first
        try:
            self._reading = self._dialect.reading(self.call, self._usage, self._pieces)
        except Refused as refused:
            self._cancel()
            self._end_refused("refused", refused)

    def piece(self, data: bytes) -> None:
        reading = self._reading
        assert reading is not None
        try:
            out = reading.feed(data)
        except Refused as refused:
            self._cancel()
            return self._end_refused("cut", refused)
        except ValueError:
            self._cancel()
            return self._end_refused("failed", said.unread(self._route))
        except Exception:
            return self._broken()
        if reading.done:
            self._last_word(out)
        elif out:
            self._pass_on(out)

    def _pass_on(self, out: bytes) -> None:
        self._usage.bytes_out += len(out)
        if self._usage.bytes_out > self._route.caps.answer_bytes_max:
            self._cancel()
            return self._end_refused("cut", said.unread(self._route))
        if self._held is not None:
            return self._held.append(out)
        if not self.started:
            self.started = True
            self._first = self._serving.clock()
            self._reply.start(200, self._block(STREAM))
        if self._copy is not None:
            self._copy.append(out)
        if self.ask.receipt:
            self._digest = self._digest or hashlib.sha256()
            self._digest.update(out)
        self._reply.send(out)

    def _last_word(self, out: bytes) -> None:
        """The upstream is done; the end goes out once the guards have let go of the tail."""
        link, self._link = self._link, None
        if link is not None:
            link.last_word()
        if out:
            self._pass_on(out)
        if self._ended:
            return
        if self._pieces is not None:
            self._pieces.finish(self._let_go)
        else:
            self._close_stream(())

    def _let_go(self, held: list[bytes] | Refused) -> None:
        if self._ended:
            return
        if isinstance(held, Refused):
            return self._end_refused("cut", held)
        self._close_stream(held)

    def _close_stream(self, held: list[bytes] | tuple[()]) -> None:
        reading = self._reading
        assert reading is not None
        if not reading.whole:
            return self._end_refused("failed", said.unread(self._route))
        out = reading.last(held)
        if self._held is not None:
            return self._answer(b"".join((*self._held, out)), STREAM)
        if out:
            self._pass_on(out)
        if self._ended:
            return
        self._settle("served")
        self._ended = True
        self._serving.live.discard(self)
        if not self.started:
            self._reply.whole(200, self._block(STREAM), b"")
        else:
            self._reply.end()

    def end(self) -> None:
        """The upstream's message is over, with or without the protocol's last word."""
        self._link = None
        if self._reading is not None and not self._reading.done:
            self._last_word(b"")

    def lost(self, lost: Lost) -> None:
        self._link = None
        if lost.stale and self._dialect.idempotent and self._try_again():
            return
        if not lost.full and not lost.stale:
            self._replica.failed()
        if not lost.sent and self._try_another():
            return
        self._end_refused("failed", said.lost(lost, self._route))

    def _not_answered(self, head: ResponseHead) -> None:
        """A status other than 200. 429 and 503 say that nothing was done: another may do it."""
        if head.status >= 500:
            self._replica.failed()
        else:
            self._replica.answered()
        if head.status in (429, 503) and self._try_another():
            return
        retry = head.headers.get(b"retry-after", b"")
        self._end_refused("failed", said.upstream_said(head.status, self._route, retry))

    # second attempts

    def _try_again(self) -> bool:
        """On a new connection to the same upstream."""
        if self._replica in self._tried or self._begun is False:
            return False
        self._tried = (*self._tried, self._replica)
        self._send()
        return True

    def _try_another(self) -> bool:
        """Another replica, then the routes of second choice, each a call of its own."""
        if len(self._tried) >= TRIES_MAX or self._reply.gone:
            return False
        self._tried = (*self._tried, self._replica)
        replica = self._serving.replicas.pick(self._route, self._tried)
        if replica is not None:
            self._replica = replica
            self._send()
            return True
        return self._fall_back()

    def _fall_back(self) -> bool:
        if not self.others:
            return False
        self._settle("failed")
        self._watch = None  # the other route has its own guards
        key = self.ask.idempotency_key
        if key:  # the first choice's call has it already
            self.ask.idempotency_key = f"{key}/{len(self.others)}"
        try:
            self.enter(self._next_route())
        except Refused as refused:
            self._turn_away(refused)
        except PilotbaseError as error:  # an upstream's address or key is not in order
            self._turn_away(Refused(503, error.code, error.message, error.next_step))
        return True

    # people

    def _park(self, stage: Stage, why: tuple[str, ...], answer: bytes | None) -> None:
        people = self._serving.people
        assert people is not None and self.call is not None
        self._parking = True
        people.park(self.call, stage, why, answer, self._parked, self._decided)

    def _parked(self, ticket: Ticket | Refused) -> None:
        if self._ended:
            return
        if isinstance(ticket, Refused):
            return self._end_refused("refused", ticket)
        assert self._serving.people is not None
        if not self._reply.gone:
            self._reply.parked(ticket, self._block(JSON))
        self._reply = self._kept = Kept(self._serving.people, ticket.usage)
        self.waits = True

    def _decided(self, decided: Decided) -> None:
        self.waits = False
        if self._ended:
            return
        assert self.call is not None
        self.call.handoff += (f"{decided.said} by {decided.person or 'nobody'}",)
        if not decided.go:
            refused = decided.refused or said.none_left(self._route)
            return self._end_refused("refused", refused)
        if decided.answer is not None:
            return self._give(decided.answer, JSON)
        if decided.request is not None:
            self._body = self.ask.body = decided.request
            self.ask.fields = None
        self._send()

    # other endings

    def cancel(self) -> None:
        """The client has left. A call that waits for a person goes on: its answer is kept."""
        if self._ended or self._parking:
            return
        self._ended = True
        self._serving.live.discard(self)
        self._cancel()
        if self._begun:
            self._settle("aborted")

    def cut(self, refused: Refused) -> None:
        """It may go on no longer: a stop, a key that was revoked, the end of the gateway."""
        if self._ended:
            return
        self._cancel()
        self._end_refused("cut", refused)

    def pause(self) -> None:
        if self._link is not None:
            self._link.pause()

    def resume(self) -> None:
        if self._link is not None:
            self._link.resume()

    def _cancel(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.cancel()
        elif self._begun and self._kept is None:
            self._replica.pool.forget(self)

    def _end_refused(self, outcome: Outcome, refused: Refused) -> None:
        if self._begun:
            self._settle(outcome, refused.code)
        self._ended = True
        self._serving.live.discard(self)
        if self.started:
            self._reply.abort()
        else:
            self._reply.refuse(refused)

    def _settle(self, outcome: Outcome, code: str = "") -> None:
        if self._begun:
            self._begun = False
            call, usage, observer = self.call, self._usage, self._serving.observer
            assert call is not None
            charge = self._serving.meter.settle(call, usage, outcome)
            if observer is not None:
                observer.settled(call, usage, charge, outcome, self._first, code, self._copy)
            if self.ask.receipt and self._serving.receipts is not None:
                said = self._digest.hexdigest() if self._digest is not None else ""
                self._serving.receipts.note(call, usage, charge, outcome, said)
