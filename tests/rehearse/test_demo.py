"""The demo as people run it: both shops side by side, every order to its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.rehearse import shopify, woocommerce
from tests.conftest import ROOT

STORIES = {story.name: story for story in (*woocommerce.STORIES, *shopify.STORIES)}


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connector.cli", "demo", "--once", "--folder", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `connector demo --once --json` says, with `page`, the text of its report."""
    done = demo(tmp_path_factory.mktemp("demo") / "files", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return {**said, "page": Path(said["report"]).read_text("utf-8")}


def orders(played: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {order["scenario"]: order for order in played["orders"]}


def test_every_order_ends_as_expected(played: dict[str, Any]) -> None:
    """Each story of both platforms is played once, and ends as it should, here and in its shop."""
    assert sorted(orders(played)) == sorted(STORIES)
    assert [(name, order["differences"]) for name, order in orders(played).items() if not order["ok"]] == []
    assert played["ok"] is True


def test_each_order_says_of_which_platform_it_is(played: dict[str, Any]) -> None:
    """Twenty-four orders at least, ten of them on Shopify; platform and account are the true ones."""
    accounts = {"woocommerce": "demo-shop", "shopify": "demo-shopify"}
    for name, order in orders(played).items():
        assert order["platform"] == STORIES[name].platform
        assert order["order"].split("/")[0] == accounts[order["platform"]]
    assert len(played["orders"]) >= 24
    assert sum(order["platform"] == "shopify" for order in played["orders"]) >= 10


def test_what_only_shopify_has_is_done_there(played: dict[str, Any]) -> None:
    """Holds are set and released, authorized money is captured, each place's parcel is a fulfillment of its own."""
    effects = {name: order["effects"] for name, order in orders(played).items()}

    assert {"set_hold", "release_hold"} <= set(effects["shopify_held"])
    assert effects["shopify_captured"].count("capture_payment") == 1
    assert effects["shopify_two_places"].count("push_shipment") == 2
    assert effects["shopify_cancelled"].count("refund_payment") == 1
    assert not any(kind == "push_status" for name, kinds in effects.items() if "shopify" in name for kind in kinds)


def test_the_page_tells_of_both_shops(played: dict[str, Any]) -> None:
    """The report lists the orders by shop, each with its story."""
    page = played["page"]

    assert page.index('<h2 class="shop">WooCommerce</h2>') < page.index('<h2 class="shop">Shopify</h2>')
    assert all(f'<section id="{name}">' in page for name in STORIES)


def test_the_table_fits_a_terminal() -> None:
    """No line of it is longer than 120 characters: titles and statuses leave room for each other."""
    longest_title = max(len(story.title) for story in STORIES.values())
    longest_status = max(len(story.ending.status) for story in STORIES.values())

    assert len("#1001") + longest_title + len("completed") + longest_status + len("Mails") + len("as expected") + 5 * 2 <= 120
