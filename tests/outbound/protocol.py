"""The ledger's protocol as a small world in which everything that can go wrong does, in every order.

Two workers share one effect. Each may freeze at any point (it just takes no step while time passes), or die; requests may be
executed late or never, answers may be late or lost. `Rules` says what is obeyed; leaving one out must be found out.
Time is in ticks; LAST_CHECK is 0 of them: a request leaves in the tick in which SENT was committed, or not at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

DEADLINE, SETTLE, LEASE = 1, 1, 4
THROUGH = DEADLINE + SETTLE  # so long after it was written a request may still be executed
END = 7
FINAL = ("done", "person")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the workers obey. The defaults are the rules as implemented. `end`: time goes no further than that."""

    vendor: str = "lookup"  # keyed, lookup, none
    remembers: int = 1000  # ticks for which a keyed vendor knows a key it has executed
    same_key_again: bool = True
    waits_to_settle: bool = True
    checks_time: bool = True  # the last check: no more than LAST_CHECK since SENT
    checks_lease: bool = True  # when SENT is written, and at the last check
    checks_row: bool = True  # SENT is only written over the row as it was read
    unsent_again_is_unknown: bool = True  # a second try that did not leave is no reason to forget the first one
    counts_from_first: bool = True  # how long the vendor remembers
    counts_at_commit: bool = True  # it is looked at once more when SENT is written, not only when it is decided
    end: int = END
    workers: int = 2
    freezes_in_gap: bool = False  # a worker may freeze between the last check and the write: nothing can help a lookup vendor


@dataclass(frozen=True, slots=True)
class Row:
    state: str = "planned"
    attempt: int = 1
    sent_at: int = 0
    first_at: int = -1
    by: int = -1


@dataclass(frozen=True, slots=True)
class Worker:
    """`at` is what it does next; `since` when it got there; `seen` the row as it read it; `again`: this key was sent before."""

    at: str = "idle"
    since: int = 0
    seen: Row = Row()
    attempt: int = 0
    again: bool = False


IDLE = Worker()


@dataclass(frozen=True, slots=True)
class World:
    now: int = 0
    holder: int = -1
    until: int = 0
    row: Row = Row()
    flying: frozenset[tuple[int, int, int]] = frozenset()  # attempt, written at, by whom
    answers: frozenset[tuple[int, int, str]] = frozenset()  # worker, attempt, what
    executed: tuple[tuple[int, int], ...] = ()  # attempt, when
    workers: tuple[Worker, Worker] = (IDLE, IDLE)

    def mine(self, who: int) -> bool:
        return self.holder == who and self.now < self.until

    def put(self, who: int, worker: Worker) -> World:
        first, second = self.workers
        return replace(self, workers=(worker, second) if who == 0 else (first, worker))

    def rest(self, who: int) -> World:
        """Lets the order go, if it still has it."""
        freed = replace(self, holder=-1, until=0) if self.holder == who else self
        return freed.put(who, IDLE)


Step = tuple[str, World]


def steps(world: World, rules: Rules) -> Iterator[Step]:
    """Everything that can happen next."""
    if world.now < rules.end:
        yield "a tick passes", replace(world, now=world.now + 1)
    for request in world.flying:
        yield from vendor(world, rules, request)
    for who, worker in enumerate(world.workers[: rules.workers]):
        for label, after in DO[worker.at](world, rules, who, worker):
            yield f"worker {who} {label}", after
        if worker.at != "idle":
            answers = frozenset(answer for answer in world.answers if answer[0] != who)
            yield f"worker {who} dies", replace(world, answers=answers).put(who, IDLE)


def vendor(world: World, rules: Rules, request: tuple[int, int, int]) -> Iterator[Step]:
    attempt, written, by = request
    rest = replace(world, flying=world.flying - {request})
    if world.now - written >= THROUGH:
        yield f"request {attempt} is dropped", rest
        return
    known = rules.vendor == "keyed" and any(
        key == attempt and world.now - when < rules.remembers for key, when in world.executed
    )
    when = world.now if rules.remembers < rules.end else 0  # where it does not matter, it makes no other world
    executed = rest if known else replace(rest, executed=(*rest.executed, (attempt, when)))
    waits = world.workers[by].at == "waiting" and world.workers[by].attempt == attempt
    if waits:
        yield f"the vendor executes {attempt} and says yes", replace(executed, answers=rest.answers | {(by, attempt, "yes")})
        yield f"the vendor is too busy for {attempt}", replace(rest, answers=rest.answers | {(by, attempt, "busy")})
    yield f"the vendor executes {attempt}, and nobody hears of it", executed


def idle(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    free = world.holder < 0 or world.now >= world.until or not rules.checks_lease
    if free and world.row.state not in FINAL:
        held = replace(world, holder=who, until=world.now + LEASE)
        yield "takes the order", held.put(who, Worker("deciding", seen=world.row))


def deciding(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    seen = worker.seen
    if seen.state == "planned":
        yield "plans to send", world.put(who, replace(worker, at="committing", attempt=seen.attempt))
    elif rules.vendor == "none":
        asked = replace(world, row=replace(world.row, state="person")) if world.row == seen else world
        yield "asks a person", asked.rest(who)
    elif rules.vendor == "keyed" and rules.same_key_again and remembered(world, rules, seen):
        yield "will send the same key", world.put(who, replace(worker, at="committing", attempt=seen.attempt, again=True))
    elif world.now >= seen.sent_at + (THROUGH if rules.waits_to_settle else DEADLINE):
        yield from looking(world, who, worker)
    else:
        yield "comes back later", world.rest(who)


def remembered(world: World, rules: Rules, seen: Row) -> bool:
    since = seen.first_at if rules.counts_from_first else seen.sent_at
    return world.now + THROUGH < since + rules.remembers


def looking(world: World, who: int, worker: Worker) -> Iterator[Step]:
    """The vendor is asked; what it says is true at this moment."""
    if any(attempt == worker.seen.attempt for attempt, _ in world.executed):
        settled = replace(world.row, state="done") if world.row.state in ("sent", "unknown") else world.row
        yield "finds that it happened", replace(world, row=settled).rest(who)
    else:
        yield "finds nothing", world.put(who, replace(worker, at="committing", attempt=worker.seen.attempt + 1))


def committing(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    forgotten = worker.again and rules.counts_at_commit and not remembered(world, rules, worker.seen)
    if forgotten or (rules.checks_lease and world.holder != who) or (rules.checks_row and world.row != worker.seen):
        yield "may not write SENT", world.rest(who)
        return
    first = worker.seen.first_at if worker.again and worker.seen.first_at >= 0 else world.now
    row = Row("sent", worker.attempt, world.now, first, who)
    held = replace(world, row=row, holder=who, until=world.now + LEASE) if rules.checks_lease else replace(world, row=row)
    yield f"writes SENT {worker.attempt}", held.put(who, replace(worker, at="checking", since=world.now))


def checking(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    too_late = rules.checks_time and world.now > worker.since
    if too_late or (rules.checks_lease and not world.mine(who)):
        yield "gives up before sending", not_sent(world, rules, who, worker)
    else:
        yield "passes the last check", world.put(who, replace(worker, at="writing", since=world.now))


def not_sent(world: World, rules: Rules, who: int, worker: Worker) -> World:
    row = world.row
    if worker.again and rules.unsent_again_is_unknown:
        row = replace(row, state="unknown") if row.state == "sent" else row
    elif row.state == "sent" and row.by == who and row.attempt == worker.attempt:
        row = replace(row, state="planned", sent_at=0, first_at=-1)
    return replace(world, row=row).rest(who)


def writing(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    if world.now == worker.since or rules.freezes_in_gap:
        sent = replace(world, flying=world.flying | {(worker.attempt, world.now, who)})
        yield f"sends {worker.attempt}", sent.put(who, replace(worker, at="waiting", since=world.now))


def waiting(world: World, rules: Rules, who: int, worker: Worker) -> Iterator[Step]:
    mine = frozenset(answer for answer in world.answers if answer[0] == who)
    same = world.row.attempt == worker.attempt
    for _, _, said in mine:
        heard = replace(world, answers=world.answers - mine)
        if said == "busy":
            yield "hears that it did not happen", not_sent(heard, rules, who, worker)
        elif same and world.row.state in ("sent", "unknown"):
            yield "writes DONE", replace(heard, row=replace(world.row, state="done")).rest(who)
        else:
            yield "hears a late yes", heard.rest(who)
    if world.now - worker.since >= DEADLINE:
        row = replace(world.row, state="unknown") if same and world.row.state == "sent" else world.row
        yield "gets no answer", replace(world, row=row, answers=world.answers - mine).rest(who)


DO = {
    "idle": idle,
    "deciding": deciding,
    "committing": committing,
    "checking": checking,
    "writing": writing,
    "waiting": waiting,
}


@dataclass(frozen=True, slots=True)
class Found:
    """`trace` is a shortest way to two executions (empty: there is none); `complete`: every reachable world was looked at."""

    trace: tuple[str, ...]
    worlds: int
    complete: bool


def search(rules: Rules, *, most: int = 150_000, attempts: int = 2) -> Found:
    """Breadth first through all worlds, until one has two executions of one effect."""
    start = World()
    came: dict[World, tuple[World, str] | None] = {start: None}
    todo = deque([start])
    while todo:
        world = todo.popleft()
        for label, after in steps(world, rules):
            if after in came or after.row.attempt > attempts:
                continue
            came[after] = (world, label)
            if len(after.executed) > 1:
                return Found(_way(came, after), len(came), False)
            if len(came) > most:
                return Found((), len(came), False)
            todo.append(after)
    return Found((), len(came), True)


def _way(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    labels = []
    while (step := came[world]) is not None:
        world, label = step
        labels.append(label)
    return tuple(reversed(labels))
