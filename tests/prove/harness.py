"""Plays stories on simulated shops while the connector's process is killed, and judges by the shops' own records."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector import news
from connector.app import App, open_app
from connector.model.events import DutyState
from connector.model.flow import Stage
from connector.rehearse import demo
from connector.rehearse.atstore import at_the_store
from connector.rehearse.stories import Playing, Story, differences
from connector.rehearse.worlds import ShopWorld
from connector.sandbox import Sandbox
from connector.sandbox.faults import Rule
from connector.sandbox.mailbox import Mailbox
from tests.prove import worker
from tests.prove.clock import beside

_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(
    ["tests.prove.worker", "connector.plugins.woocommerce", "connector.plugins.shopify", "connector.plugins.smtp"]
)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found wrong (nothing, if all is well), how often the process died, and the transitions that were passed."""

    wrong: list[str]
    deaths: int = 0
    transitions: list[str] = field(default_factory=list)
    unknown_mails: int = 0


@dataclass(slots=True, kw_only=True)
class Place:
    """One shop of each platform, one database, one configuration."""

    app: App
    worlds: Mapping[str, ShopWorld]
    shops: demo.Shops
    folder: Path
    port: int
    config: Path
    environ: dict[str, str]
    log: Path

    @property
    def sandbox(self) -> Sandbox:
        """The WooCommerce shop."""
        return self.shops.woocommerce

    @property
    def mailbox(self) -> Mailbox:
        return self.shops.woocommerce.mailbox

    def world(self, story: Story) -> ShopWorld:
        return self.worlds[story.platform]


@contextmanager
def place(folder: Path, database_url: str) -> Iterator[Place]:
    """Fresh shops and a connector's configuration; the database is migrated already."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo.simulated_shops() as shops:
        port = demo._free_port()
        config = demo.write_config(folder, shops, port)
        environ = {**demo.secrets_of(shops), "CONNECTOR_DATABASE_URL": database_url}
        app = open_app(config, environ, clock=beside(config))
        try:
            demo.go_live(app, who="test")
            worlds = demo.worlds_of(app, shops)
            for world in worlds.values():
                news.poll(app, world.account)  # the first poll only says from when on
            log = folder / "transitions.log"
            yield Place(app=app, worlds=worlds, shops=shops, folder=folder, port=port, config=config, environ=environ, log=log)
        finally:
            app.close()


def play(
    where: Place,
    story: Story,
    *,
    crashes: Sequence[tuple[str, int]] = (),
    faults: Sequence[Rule] = (),
    bug: str = "",
    settle_s: float = 0.2,
    late_s: float = 0.0,
    patience_s: float = 30.0,
) -> Verdict:
    """Play one story. The nth process dies where `crashes[n]` says (kind of transition, and which of them); the last lives."""
    world = where.world(story)
    for rule in faults:
        (where.sandbox if rule.where == "mail" else world.sandbox).faults.add(rule)
    before = _stock(where)
    playing = Playing(story=story, platform_id=world.buy(story.buys), last_news_s=5.0)
    deaths, process = 0, _start(where, story, crashes, 0, bug, settle_s)
    until = time.monotonic() + patience_s
    try:
        while time.monotonic() < until:
            playing.go_on(world)
            if playing.is_over and deaths >= len(crashes):
                break
            if not process.is_alive():
                assert process.exitcode == worker.KILLED, f"the worker ended with {process.exitcode}"
                deaths += 1
                process = _start(where, story, crashes, deaths, bug, settle_s)
            if playing.is_over and not _more_to_come(where, process):
                break
            time.sleep(0.02)
    finally:
        process.kill()
        process.join()
    time.sleep(late_s)  # what the store is still at shows only then
    return judge(where, playing, before, deaths)


def _start(where: Place, story: Story, crashes: Sequence[tuple[str, int]], number: int, bug: str, settle_s: float) -> Any:
    crash_at = crashes[number] if number < len(crashes) else ("", 0)
    shop = where.world(story).shop
    process = _SPAWN.Process(
        target=worker.work, args=(str(where.config), where.environ, shop, crash_at, str(where.log), bug, settle_s)
    )
    process.start()
    return process


def _more_to_come(where: Place, process: Any) -> bool:
    """A crash that was planned behind the last transition never comes: give it a moment, then call it a day."""
    process.join(0.5)
    return not process.is_alive()


def play_all(where: Place, stories: Sequence[Story], *, meanwhile: Callable[[], None], patience_s: float = 180.0) -> list[str]:
    """Play stories side by side on processes that the caller starts, kills and freezes in `meanwhile`; says what is wrong."""
    before = _stock(where)
    played = [Playing(story=story, platform_id=where.world(story).buy(story.buys)) for story in stories]
    until = time.monotonic() + patience_s
    while time.monotonic() < until and not all(playing.is_over for playing in played):
        meanwhile()
        for playing in played:
            playing.go_on(where.world(playing.story))
        time.sleep(0.02)
    wrong = _in_stock(where, played, before) + _in_the_mailbox(where, played)
    for playing in played:
        found = _in_our_books(playing)[0] + _at_the_shop(where, playing)
        wrong += [f"{playing.story.name}: {text}" for text in found]
    return wrong


# --- judging by the store's own records -------------------------------------------------------------------------------


def judge(where: Place, playing: Playing, stock_before: Mapping[str, int], deaths: int) -> Verdict:
    """Is everything exactly as the story ends, at the store, at its gateway, in the mailbox and in our own books?"""
    transitions = where.log.read_text().split() if where.log.exists() else []
    wrong, unknown = _in_our_books(playing)
    wrong += _at_the_shop(where, playing)
    wrong += _in_stock(where, [playing], stock_before)
    wrong += _in_the_mailbox(where, [playing])
    return Verdict(wrong=wrong, deaths=deaths, transitions=transitions, unknown_mails=unknown)


def _in_our_books(playing: Playing) -> tuple[list[str], int]:
    """A mail may be unknown, but only with a task that says so; and then the order is not completed before somebody looked."""
    seen = playing.seen
    found = differences(playing)
    if seen is None:
        return found, 0
    unknown = [state for state in seen.states if state is DutyState.UNKNOWN]
    mail_tasks = [task for task in seen.tasks if "it is not known whether it arrived" in task]
    wrong = [text for text in found if "is unknown, not" not in text and not any(task in text for task in mail_tasks)]
    if mail_tasks and seen.case.stage is Stage.SHIPPED and playing.story.ending.stage is Stage.COMPLETED:
        wrong = [text for text in wrong if text != f"it is {Stage.SHIPPED}, not {Stage.COMPLETED}"]
    if len(mail_tasks) != len(unknown):
        wrong.append(f"{len(unknown)} unknown mails, {len(mail_tasks)} tasks for them")
    if DutyState.OWED in seen.states:
        wrong.append("a mail is still owed")
    return wrong, len(unknown)


def _at_the_shop(where: Place, playing: Playing) -> list[str]:
    return at_the_store(playing.story.ending, where.world(playing.story).told(playing.platform_id))


def _stock(where: Place) -> dict[str, int]:
    return {f"{name} {what}": pieces for name, world in where.worlds.items() for what, pieces in world.stock().items()}


def _in_stock(where: Place, played: Sequence[Playing], before: Mapping[str, int]) -> list[str]:
    after = _stock(where)
    taken = sum(before[sku] - after[sku] for sku in before)
    expected = sum(playing.story.ending.stock_taken for playing in played)
    return [] if taken == expected else [f"stock: {taken} gone, not {expected}"]


def _in_the_mailbox(where: Place, played: Sequence[Playing]) -> list[str]:
    """Each message at most once; each that counts as sent exactly once."""
    messages = where.mailbox.messages
    counts = Counter((message.message_id, message.envelope_to) for message in messages)
    wrong = [f"mailbox: {count} times {key}" for key, count in counts.items() if count > 1]
    states = Counter(state for playing in played if playing.seen for state in playing.seen.states)
    sent, unknown = states[DutyState.SENT], states[DutyState.UNKNOWN]
    if not sent <= len(messages) <= sent + unknown:
        wrong.append(f"mailbox: {len(messages)} mails, {sent} sent and {unknown} unknown")
    return wrong
