"""`ctx.http` against a real server on loopback that misbehaves in every way: always one of our errors, always in time."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest

from connector.errors import OutcomeUnknown, TryLater
from tests.outbound.caller import DEADLINE_S, Caller, close_after_reading, say_nothing, within
from tests.outbound.vendor import Talk, Wire, nobody_there

# --- what a server can do ---------------------------------------------------------------------------------------------


def drip_headers(talk: Talk) -> None:
    talk.hear()
    talk.drip(b"HTTP/1.1 200 OK\r\n" + b"X-More: y\r\n" * 1000, every_s=0.02)


def drip_body(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    talk.drip(b"x" * 10000, every_s=0.02)


def drip_chunks(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    talk.drip(b"1\r\nx\r\n" * 1000, every_s=0.02)


def drip_interim_answers(talk: Talk) -> None:
    talk.hear()
    talk.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, every_s=0.01)


def never_read(talk: Talk) -> None:
    talk.wait(30)


def reset_after_reading(talk: Talk) -> None:
    talk.hear()
    talk.reset()


def truncate(talk: Talk) -> None:
    talk.hear()
    talk.say(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": 1')


def truncate_chunks(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{'id'\r\nff\r\n")


def break_headers_off(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Le")


def break_off_between_headers(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")


def drip_without_length(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    talk.drip(b"[1]" * 1000, every_s=0.02)


def talk_nonsense(talk: Talk) -> None:
    talk.hear()
    talk.say(b"220 mail.example.com ESMTP\r\n")


def wrong_chunk(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n")


def broken_gzip(talk: Talk) -> None:
    talk.hear()
    talk.answer(200, b"this is no gzip", "Content-Encoding: gzip")


def huge(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
    while True:
        talk.say(b"x" * 65536)


def huge_chunks(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        talk.say(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def gzip_bomb(talk: Talk) -> None:
    talk.hear()
    talk.answer(200, BOMB, "Content-Encoding: gzip")


BOMB = gzip.compress(bytes(40 * 1024 * 1024), 9)

MISBEHAVIOUR: list[tuple[Callable[[Talk], None], str, str]] = [
    # what the server does, what is written down as the error, what the merchant reads
    (drip_headers, "deadline", "no complete answer within 0.25 s"),
    (drip_body, "deadline", "no complete answer within 0.25 s"),
    (drip_chunks, "deadline", "no complete answer within 0.25 s"),
    (drip_interim_answers, "deadline", "no complete answer within 0.25 s"),
    (say_nothing, "", "no complete answer within 0.25 s"),
    (never_read, "", "no complete answer within 0.25 s"),
    (close_after_reading, "ConnectionError", "the connection broke"),
    (reset_after_reading, "ConnectionError", "the connection broke"),
    (truncate, "ChunkedEncodingError", "broke off in the middle"),
    (truncate_chunks, "ChunkedEncodingError", "broke off in the middle"),
    (break_headers_off, "ChunkedEncodingError", "broke off in the middle"),
    (break_off_between_headers, "ChunkedEncodingError", "broke off in the middle"),
    (drip_without_length, "deadline", "no complete answer within 0.25 s"),
    (talk_nonsense, "ConnectionError", "the connection broke"),
    (wrong_chunk, "ChunkedEncodingError", "broke off in the middle"),
    (broken_gzip, "ContentDecodingError", "broke off in the middle"),
    (huge, "_TooLarge", "larger than 8 MB"),
    (huge_chunks, "_TooLarge", "larger than 8 MB"),
    (gzip_bomb, "_TooLarge", "larger than 8 MB"),
]


@pytest.mark.parametrize("writing", [False, True], ids=["read", "write"])
@pytest.mark.parametrize(("does", "error", "words"), MISBEHAVIOUR, ids=[case[0].__name__ for case in MISBEHAVIOUR])
def test_no_usable_answer(caller: Caller, does: Callable[[Talk], None], error: str, words: str, *, writing: bool) -> None:
    """After a read nothing has happened; after a write it may have. Either comes within the deadline, as one of our errors."""
    with Wire(does) as wire, within(DEADLINE_S):
        session = caller.session(writing=writing)
        with pytest.raises(OutcomeUnknown if writing else TryLater) as raised:
            session.request("POST" if writing else "GET", f"{wire.url}/orders", data=b"{}" if writing else None)
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"shop: {'POST' if writing else 'GET'} {wire.url}/orders: ")
    (attempt,) = caller.attempts
    assert attempt.url == f"{wire.url}/orders"
    assert attempt.error
    assert error in ("", attempt.error)
    assert attempt.ms < (DEADLINE_S + 1.5) * 1000


def test_a_drip_inside_of_the_tls_handshake_is_cut_off(caller: Caller) -> None:
    """Nothing of the request has left yet, so a write has not happened."""

    def drip_handshake(talk: Talk) -> None:
        talk._more()
        talk.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000, every_s=0.02)

    for writing in (False, True):
        with Wire(drip_handshake) as wire, within(DEADLINE_S):
            assert caller.call(f"https://127.0.0.1:{wire.port}/", writing=writing) == "TryLater"
    assert [attempt.error for attempt in caller.attempts] == ["deadline", "deadline"]


@pytest.mark.parametrize("writing", [False, True], ids=["read", "write"])
def test_nobody_is_there(caller: Caller, *, writing: bool) -> None:
    """No connection, so nothing happened: it may be tried again, and the merchant is told to look at the address."""
    with nobody_there() as port, pytest.raises(TryLater, match="no connection could be made") as raised:
        caller.session(writing=writing).request("POST" if writing else "GET", f"http://127.0.0.1:{port}/")
    assert raised.value.after_s > 0
    assert caller.attempts[0].status is None


@pytest.mark.parametrize("writing", [False, True], ids=["read", "write"])
def test_a_connection_that_is_not_made_in_time(caller: Caller, *, writing: bool) -> None:
    """A server whose queue is full lets us wait: not longer than the deadline, and nothing has happened."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        with within(DEADLINE_S):
            assert caller.call(f"http://127.0.0.1:{listener.getsockname()[1]}/", writing=writing) == "TryLater"
        for one in waiting:
            one.close()


def test_a_reset_before_the_request_was_read_is_never_taken_for_an_answer(caller: Caller) -> None:
    """Whether our bytes had left by then cannot be told: a read is tried later, a write is unknown or not sent."""
    for _ in range(10):
        with Wire(Talk.reset) as wire:
            assert caller.call(wire.url, writing=False) == "TryLater"
            assert caller.call(wire.url, writing=True) in ("OutcomeUnknown", "TryLater")


def test_an_answer_without_length_is_one_if_it_ends(caller: Caller) -> None:
    """Old servers say "close" instead of a length; no content at all is only believed where the status says so."""

    def old(talk: Talk) -> None:
        asked = talk.hear()
        talk.say(b"HTTP/1.1 204 No Content\r\n\r\n" if b"/empty" in asked else b"HTTP/1.0 200 OK\r\n\r\n[1, 2]")

    with Wire(old) as wire:
        assert caller.session().get(wire.url).json() == [1, 2]
        assert caller.call(f"{wire.url}/empty", writing=True) == "204"


def test_any_status_is_an_answer(caller: Caller) -> None:
    """What a status means is the plugin's to say."""
    for status in (200, 201, 204, 400, 401, 404, 409, 422, 429, 500, 503):

        def say(talk: Talk, status: int = status) -> None:
            talk.hear()
            talk.answer(status, b"" if status == 204 else b'{"n": 1}', "X-Request-Id: req-7")

        with Wire(say) as wire:
            assert caller.call(wire.url, writing=True) == str(status)
        assert (caller.attempts[-1].status, caller.attempts[-1].vendor_request_id) == (status, "req-7")
