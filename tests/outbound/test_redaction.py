"""No credential is ever in what is written down or said: not in addresses, not in errors, not in their tracebacks."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConnectorError
from connector.outbound import redact
from tests.model.strategies import examples
from tests.outbound.caller import Caller, answer_all, close_after_reading
from tests.outbound.office import Config
from tests.outbound.vendor import Wire, nobody_there

secrets = st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Cs"]), min_size=6, max_size=24).map(
    lambda text: "S3" + text.strip() + "Z"
)
anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=24).map(lambda text: "S3" + text + "Z")
names = st.sampled_from(["q", "key", "sig", "consumer_secret", "access_token", "oauth_signature", "x"])


def forms(secret: str) -> set[str]:
    """How a secret may look in an address."""
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret, safe="/+:@")}


@pytest.fixture(scope="module")
def places() -> Iterator[list[tuple[str, str]]]:
    """Where a call may end: nobody there, hung up on, answered, and over TLS that the other side does not speak."""
    with nobody_there() as port, Wire(close_after_reading) as rude, Wire(answer_all) as polite:
        yield [
            ("http", f"127.0.0.1:{port}"),
            ("http", f"127.0.0.1:{rude.port}"),
            ("http", f"127.0.0.1:{polite.port}"),
            ("https", f"127.0.0.1:{port}"),
            ("http", "127.0.0.1:99999999"),
            ("nonsense", "127.0.0.1"),
        ]


@examples(60)
@given(secret=secrets, name=names, place=st.integers(0, 5), where=st.integers(0, 4), writing=st.booleans())
def test_a_secret_is_nowhere_in_what_is_said(
    places: list[tuple[str, str]], secret: str, name: str, place: int, where: int, writing: bool
) -> None:
    """Wherever a plugin puts it, and however the call ends."""
    scheme, host = places[place]
    whole = quote(secret, safe="")
    url, headers, params = f"{scheme}://{host}/orders", {}, {}
    if where == 0:
        url += f"?a=1&{name}={whole}&b=2"
    elif where == 1:
        url = f"{scheme}://user:{whole}@{host}/orders"
    elif where == 2:
        headers = {"X-Access-Token": secret, "Authorization": f"Bearer {secret}"}
    elif where == 3:
        params = {name: secret}
    else:
        url += f"/{whole}/hooks"
    caller = Caller(secrets=(secret[:4], secret))
    said: list[str] = []
    try:
        caller.session(writing=writing).request("POST" if writing else "GET", url, headers=headers, params=params)
    except ConnectorError as error:
        said = [str(error), repr(error), *traceback.format_exception(error)]
    (attempt,) = caller.attempts
    for text in (*said, attempt.url, attempt.error):
        for form in forms(secret):
            assert form not in text


@examples(200)
@given(secret=anything, others=st.lists(anything, max_size=2), before=st.text(max_size=5), name=names)
def test_an_address_loses_its_secrets_and_nothing_else(secret: str, others: list[str], before: str, name: str) -> None:
    """Path, number and harmless parameters stay readable; a secret that begins like another one goes as a whole."""
    whole = quote(secret, safe="")
    address = f"https://u:{whole}@shop.example:8443/wp-json/{quote(before, safe='')}?page=7&{name}={whole}#{whole}"

    clean = redact.url(address, [secret[:5], secret, *others])

    assert clean.startswith("https://shop.example:8443/wp-json/")
    assert "page=7" in clean
    assert not any(form in clean for form in forms(secret))
    assert quote(secret[5:], safe="") not in clean or len(secret) < 10


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("https://shop.example/a?page=2", "https://shop.example/a?page=2"),
        ("https://u:p@shop.example/a", "https://shop.example/a"),
        ("https://ck_1:cs_2@[::1]:8080/a", "https://[::1]:8080/a"),
        ("https://s/?consumer_secret=x&oauth_token=y&n=1", "https://s/?consumer_secret=***&oauth_token=***&n=1"),
        ("https://s/?api_key=x&apikey=y&Access_Token=z", "https://s/?api_key=***&apikey=***&Access_Token=***"),
        ("user:pass@host/path", "(no address)"),
        ("http://h:99999999/?q=x", "(no address)"),
        ("http://[::1", "(no address)"),
        ("", "(no address)"),
    ],
)
def test_addresses(address: str, clean: str) -> None:
    """By name where the account's secrets are not known; what is no address is not shown at all."""
    assert redact.url(address) == clean


def test_the_secrets_of_an_account_are_found_by_what_its_plugin_declares() -> None:
    """Also an optional one; an empty or a short one does not strike out half of every text."""
    config = Config(url="https://x", token="token-1", other="other-2")

    assert set(redact.secrets_of(config)) == {"token-1", "other-2"}
    assert set(redact.secrets_of(Config(token="token-1"))) == {"token-1", ""}
    assert redact.secrets_of(None) == ()
    assert redact.text("the token is token-1, not abc", ["token-1", "", "abc"]) == "the token is ***, not abc"
    assert msgspec.json.encode(config)
