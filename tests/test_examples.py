"""The examples: found by the real registry, called through the real hooks, and their own tests pass."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import responses

from connector import Address, LabelRequest, LineItem, LineQuantity, Money, Order, PlatformStatus, config, registry
from connector.hooks import Hooks
from connector.testing import make_context

EXAMPLES = Path(__file__).parents[1] / "examples"
CARRIER = EXAMPLES / "carrier_minimal"
NOTHING = Money.zero("EUR")


def order(lines: int) -> Order:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    one = [LineItem(id=str(number), quantity=1, unit_price=Decimal(0), total=NOTHING, tax=NOTHING) for number in range(lines)]
    return Order(
        platform_id="7",
        number="#7",
        status="processing",
        means=PlatformStatus.OPEN,
        currency="EUR",
        placed_at=now,
        updated_at=now,
        lines=tuple(one),
        discount=NOTHING,
        tax=NOTHING,
        total=NOTHING,
        payments=(),
    )


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The carrier as pip would install it: its module, and the entry points that its setup.cfg declares."""
    declared = configparser.ConfigParser()
    declared.read(CARRIER / "setup.cfg")
    name, version = declared["metadata"]["name"], declared["metadata"]["version"]
    module = declared["options"]["py_modules"]
    site = tmp_path / "site"
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    shutil.copy(CARRIER / f"{module}.py", site)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = declared["options.entry_points"]["connector"].strip()
    (about / "entry_points.txt").write_text(f"[connector]\n{points}\n")
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop(module, None)


def load(folder: Path, text: str = "", **environ: str) -> registry.Registry:
    file = folder / "connector.toml"
    file.write_text(text, "utf-8")
    return registry.load(config.load(file, environ))


def test_the_reviewer_is_found_and_reviews(tmp_path):
    """A file in the folder plugins/ reviews every shop's orders, without a line of configuration."""
    (tmp_path / "plugins").mkdir()
    shutil.copy(EXAMPLES / "review_many_lines.py", tmp_path / "plugins")

    found = load(tmp_path, '[accounts.shop]\nplugin = "manual"\nid = "a1"\n')
    hooks = Hooks(found, lambda account, /, **about: make_context(found.infos[account.plugin], account.config))
    few, many = (hooks.review_order(found.account("shop"), order=order(lines), carriers=()) for lines in (50, 51))

    assert found.infos["review_many_lines"].summary.startswith("Says so when an order has very many lines.")
    assert "many_lines" not in [finding.code for finding in few]
    (said,) = [finding for finding in many if finding.code == "many_lines"]
    assert (said.said_by, said.value) == ("review_many_lines", "51")


@pytest.mark.usefixtures("installed")
@responses.activate
def test_the_carrier_is_found_and_sells_a_label(tmp_path):
    """An installed package is a plugin by its entry point, and its account sells labels through the hooks."""
    text = '[accounts.bike]\nplugin = "parcelbike"\nid = "b1"\ntoken = {env = "BIKE_TOKEN"}\n'
    responses.post("https://api.parcelbike.example/v1/labels", status=201, json={"id": "L1", "tracking_number": "PB7"})

    found = load(tmp_path, text, BIKE_TOKEN="t0ken")
    module = sys.modules["connector_parcelbike"]
    hooks = Hooks(found, lambda account, /, **about: make_context(module, account.config, **about))
    request = LabelRequest(id="ship-1", to=Address(city="Oslo"), lines=(LineQuantity(line_id="1", quantity=1),))
    label = hooks.buy_label(found.account("bike"), request=request)

    assert found.origins["parcelbike"] == 'plugin "parcelbike" of the package connector-parcelbike'
    assert label.tracking_number == "PB7"


def test_the_carriers_own_tests_pass(tmp_path):
    """They run as its author runs them: in a folder of their own, with nothing of this repository's."""
    folder = shutil.copytree(CARRIER, tmp_path / "carrier", ignore=shutil.ignore_patterns("__pycache__"))

    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
