"""`ctx.http`: to whom it speaks, what surrounds it, and what it does not let a plugin do."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from connector.errors import OutcomeUnknown, PluginError, RemoteError, TryLater
from connector.outbound.deadlines import Deadlines
from tests.outbound.caller import DEADLINE_S, Caller, answer_all, say_nothing, within
from tests.outbound.tls import make_certificate, server_side
from tests.outbound.vendor import Talk, Wire, nobody_there

# --- addresses, redirects, certificates -------------------------------------------------------------------------------


@pytest.mark.parametrize("writing", [False, True], ids=["read", "write"])
@pytest.mark.parametrize(
    "url", ["orders", "", "http://", "http://h:99999999/", "http://h:x/", "http://[::1", "ftp://h/", "//h/"]
)
def test_what_is_no_address_is_a_matter_of_the_configuration(caller: Caller, url: str, *, writing: bool) -> None:
    """Said in our words, not as a bug, and it has not happened."""
    with pytest.raises(RemoteError) as raised:
        caller.session(writing=writing).request("POST" if writing else "GET", url)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert "address" in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_write_is_not_sent_on(caller: Caller, status: int) -> None:
    """A redirected POST would be a second write, or arrive as a GET and look like a success."""

    def send_on(talk: Talk) -> None:
        while True:
            talk.hear()
            talk.answer(status, b"", f"Location: {wire.url}/elsewhere")

    with Wire(send_on) as wire:
        assert caller.call(wire.url, writing=True, data=b"{}") == str(status)
        assert wire.received.count(b"POST") == 1
        assert b"elsewhere" not in wire.received
        # Even where a plugin asks for it, the second write is stopped.
        assert caller.call(wire.url, writing=True, data=b"{}", allow_redirects=True) == "PluginError"
        assert b"elsewhere" not in wire.received


def test_a_read_that_is_sent_to_another_host_takes_no_credentials_along(caller: Caller) -> None:
    """A vendor's own token header is not known to `requests`; to the same host it goes, to another it does not."""
    with Wire(answer_all) as other:

        def send_on(talk: Talk) -> None:
            while True:
                asked = talk.hear().split(b" ")[1]
                if asked.startswith(b"/here"):
                    talk.answer()
                else:
                    talk.answer(302, b"", f"Location: {other.url}/there" if b"/other" in asked else "Location: /here")

        with Wire(send_on) as wire:
            headers = {"X-Shopify-Access-Token": "shpat_1", "Authorization": "Bearer b"}
            for path in ("/same", "/other"):
                address = f"http://localhost:{wire.port}{path}"
                assert caller.session().get(address, headers=headers, params={"key": "k1"}).status_code == 200
            assert wire.received.count(b"shpat_1") == 3
        assert b"GET /there" in other.received
        for secret in (b"shpat_1", b"Bearer", b"k1"):
            assert secret not in other.received


def test_endless_redirects_come_to_an_end(caller: Caller) -> None:
    """A loop is not followed for ever."""

    def loop(talk: Talk) -> None:
        while True:
            talk.hear()
            talk.answer(302, b"", "Location: /again")

    with Wire(loop) as wire:
        assert caller.call(wire.url, writing=False) == "TryLater"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_a_certificate_that_nobody_signed_gets_nothing(caller: Caller, certificate: Path) -> None:
    """Neither token nor body is sent; with the certificate trusted, both are."""
    context = server_side(certificate)
    heard: list[bytes] = []

    def speak_tls(talk: Talk) -> None:
        talk.connection = context.wrap_socket(talk.connection, server_side=True)
        heard.append(talk.hear())
        talk.answer()

    with Wire(speak_tls) as wire:
        address = f"https://localhost:{wire.port}/?token=t"
        for writing in (False, True):
            with pytest.raises(TryLater, match="certificate cannot be trusted") as raised:
                caller.session(writing=writing, deadline_s=10).request("POST" if writing else "GET", address, data=b"secret")
            assert "token=t" not in str(raised.value)
        assert heard == []
        # By name: certificates of addresses are another matter.
        assert caller.call(address, writing=True, data=b"secret", verify=str(certificate)) == "200"
        assert b"secret" in heard[0]


def test_a_write_over_tls_is_cut_off_without_a_byte_in_the_clear(caller: Caller, certificate: Path) -> None:
    """The deadline falls into the middle of a long body: what the server got is TLS to the last byte."""
    context = server_side(certificate)
    raw = bytearray()

    def read_slowly(talk: Talk) -> None:
        inside, outside = socket.socketpair()
        threading.Thread(target=_terminate_tls, args=(context, inside), daemon=True).start()
        with outside:
            threading.Thread(target=_copy, args=(outside, talk.connection), daemon=True).start()
            while data := talk.connection.recv(1024):
                raw.extend(data)
                outside.sendall(data)
                if len(raw) > 20000 and talk.wait(0.05):
                    return

    with Wire(read_slowly) as wire, within(DEADLINE_S):
        address = f"https://localhost:{wire.port}/"
        body = b"CUSTOMER DATA " * 1_000_000
        assert caller.call(address, writing=True, data=body, verify=str(certificate)) == "OutcomeUnknown"
        time.sleep(0.1)
    assert len(raw) > 20000
    assert b"CUSTOMER DATA" not in raw


def _terminate_tls(context: object, inside: socket.socket) -> None:
    with suppress(OSError), context.wrap_socket(inside, server_side=True) as speaking:  # type: ignore[attr-defined]
        while speaking.recv(1024):
            time.sleep(0.005)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


# --- what surrounds us ------------------------------------------------------------------------------------------------


def test_a_stray_netrc_is_not_used(caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its password would replace the account's, or be sent to a host that should get none."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login stray password pw\ndefault login stray password pw\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Wire(answer_all) as wire:
        caller.session().get(wire.url)
        caller.session().get(wire.url, headers={"Authorization": "Bearer ours"})
        assert wire.received.count(b"Authorization") == 1
        assert b"Authorization: Bearer ours" in wire.received


def test_a_write_through_a_proxy_is_checked_like_any_other(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is used; directly before the request goes to it, the lease is looked at."""
    with Wire(answer_all) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert caller.call("http://shop.invalid/orders", writing=True) == "200"
        assert b"POST http://shop.invalid/orders" in proxy.received
        before = len(proxy.received)
        session = caller.session(writing=True)
        assert caller.underway is not None
        caller.underway.still_mine = lambda: False
        with pytest.raises(TryLater, match="too late"):
            session.post("http://shop.invalid/orders")
        assert len(proxy.received) == before
    assert [attempt.error for attempt in caller.attempts] == ["", "TryLater"]


def test_connections_are_kept_and_broken_ones_are_not(caller: Caller) -> None:
    """Twenty calls over one connection; after a call that was cut off, over a new one."""
    with Wire(answer_all) as wire:
        for number in range(20):
            assert caller.call(wire.url, writing=number % 2 == 0) == "200"
        assert len(wire.talks) == 1

    def slow_once(talk: Talk) -> None:
        asked = talk.hear()
        if b"/slow" in asked:
            talk.wait(5)
        else:
            talk.answer()
            slow_once(talk)

    with Wire(slow_once) as wire:
        assert caller.call(f"{wire.url}/slow", writing=False) == "TryLater"
        assert caller.call(f"{wire.url}/quick", writing=False) == "200"
        assert len(wire.talks) == 2


def test_a_server_that_closed_its_kept_connection_costs_a_read_nothing(caller: Caller) -> None:
    """A connection that died while it lay idle is not used."""

    def one_each(talk: Talk) -> None:
        talk.hear()
        talk.answer()

    with Wire(one_each) as wire:
        for _ in range(3):
            assert caller.call(wire.url, writing=False) == "200"
            time.sleep(0.02)


def test_sixteen_threads_share_one_transport(caller: Caller) -> None:
    """Each gets the answer to its own question, though some calls are cut off in between."""

    def echo(talk: Talk) -> None:
        while True:
            asked = talk.hear()
            if b"/slow" in asked:
                talk.wait(5)
                return
            talk.answer(200, asked.split(b" ")[1])

    def ask(number: int) -> list[str]:
        said = []
        for turn in range(12):
            path = f"/{number}/{turn}"
            if turn == 5 and number % 4 == 0:
                with pytest.raises(TryLater):
                    caller.session(deadline_s=0.2).get(f"{wire.url}/slow")
            said.append(caller.session(deadline_s=10).get(wire.url + path).text == path)
        return [str(one) for one in said]

    with Wire(echo) as wire, ThreadPoolExecutor(16) as pool:
        said = list(pool.map(ask, range(16)))
    assert {word for words in said for word in words} == {"True"}
    assert len(caller.attempts) == 16 * 12 + 4


def test_nothing_is_left_open(caller: Caller) -> None:
    """Calls that end well, in errors and in cut-offs leave no file descriptor and no deadline behind."""
    with Wire(answer_all) as wire, nobody_there() as port:
        caller.call(wire.url, writing=False)
        before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
        for _ in range(4):
            caller.call(wire.url, writing=True)
            caller.call(f"http://127.0.0.1:{port}/", writing=True)
            caller.call(f"https://127.0.0.1:{wire.port}/", writing=False)  # cut off in the handshake
        time.sleep(0.1)
        after = len(os.listdir("/proc/self/fd")) if before else 0
        # The raw server may not have closed its side of the last ones yet.
        assert after - before <= 4
    assert caller.deadlines._running == {}


# --- the rules of the door --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "put", b"PATCH", "DELETE", "MKCOL"])
def test_a_change_outside_of_an_effect_does_not_leave(caller: Caller, method: str | bytes) -> None:
    """The ledger would not know of it. What only reads says so."""
    with Wire(answer_all) as wire:
        with pytest.raises(PluginError, match=r"outside of ctx\.effect"):
            caller.session().request(method, f"{wire.url}/?access_token=hidden")
        assert wire.received == b""
        assert caller.session().request("POST", wire.url, reads=True).status_code == 200
        for reading in ("GET", "HEAD", "OPTIONS", "get"):
            assert caller.session().request(reading, wire.url).status_code == 200


def test_a_request_cannot_be_sent_past_the_door(caller: Caller) -> None:
    """`send` with a request of one's own would be neither checked nor written down."""
    with Wire(answer_all) as wire:
        session = caller.session(writing=True)
        assert session.get(wire.url).status_code == 200
        for method in ("GET", "POST"):
            with pytest.raises(PluginError, match=r"past ctx\.http\.request"):
                session.send(requests.Request(method, wire.url).prepare())
        assert b"POST" not in wire.received


def test_a_plugin_cannot_wait_longer_than_it_declared(caller: Caller) -> None:
    """Whoever takes the order over counts on the declared deadline; shorter is fine."""
    with Wire(say_nothing) as wire:
        for asked in (60.0, 0.1):
            started = time.monotonic()
            with pytest.raises(OutcomeUnknown, match=f"within {min(asked, DEADLINE_S):g} s"):
                caller.session(writing=True).post(wire.url, deadline_s=asked)
            assert time.monotonic() - started < min(asked, DEADLINE_S) + 1.5


def test_a_read_before_the_write_does_not_use_up_the_effect(caller: Caller) -> None:
    """Inside of one effect: as many reads as one likes, and one write."""
    with Wire(answer_all) as wire:
        session = caller.session(writing=True)
        session.get(wire.url)
        session.post(wire.url, reads=True)
        session.post(wire.url)
        session.get(wire.url)
        with pytest.raises(PluginError, match="one effect is one write"):
            session.post(wire.url)
        assert wire.received.count(b"POST") == 2


def test_one_broken_cut_does_not_end_all_deadlines(caplog: pytest.LogCaptureFixture) -> None:
    """The thread that watches over every call survives a bug in one of them, and cuts the next one."""
    deadlines = Deadlines()
    cut = threading.Event()
    with deadlines.cut_off(0.01, lambda: 1 / 0):  # type: ignore[arg-type, return-value]
        time.sleep(0.05)
    with deadlines.cut_off(60, lambda: None), deadlines.cut_off(0.01, cut.set):
        assert cut.wait(5)
    done = threading.Event()
    with deadlines.cut_off(0.05, done.set):
        pass
    assert not done.wait(0.15)
    assert (deadlines._running, deadlines._due) == ({}, [])
    assert "could not be cut off" in caplog.text
