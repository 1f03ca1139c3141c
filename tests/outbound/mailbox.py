"""A mail server on loopback that can be slow, rude or broken, and says what it was told."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.outbound.vendor import Talk, Wire


@dataclass(slots=True, kw_only=True)
class Manners:
    """How the server behaves. `before` is called with each command before it is answered."""

    greets_after_s: float = 0.0
    offers: tuple[str, ...] = ()
    auth: str = "235 welcome"
    after_data: str = "250 queued"
    tls: ssl.SSLContext | None = None
    tls_from_the_start: bool = False
    before: Callable[[str], None] = lambda command: None
    drips: str = ""  # the command that is answered drop by drop
    hangs_at: str = ""
    hangs_up_at: str = ""


@dataclass(slots=True)
class Mailbox:
    """`commands` is what was said to it (in the clear or not), `mails` the messages that it took."""

    manners: Manners = field(default_factory=Manners)
    commands: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    def serve(self) -> Wire:
        return Wire(self._talk)

    def _talk(self, talk: Talk) -> None:
        manners = self.manners
        if manners.tls_from_the_start and manners.tls:
            talk.connection = manners.tls.wrap_socket(talk.connection, server_side=True)
        if talk.wait(manners.greets_after_s):
            return
        self._answer(talk, "greeting", "220 mail.example ESMTP")
        lines = _lines(talk)
        while True:
            line = next(lines)
            verb = line.split(" ")[0].upper()
            self.commands.append(line)
            manners.before(verb)
            if verb == "STARTTLS" and manners.tls:
                talk.say(b"220 go\r\n")
                talk.connection = manners.tls.wrap_socket(talk.connection, server_side=True)
                lines = _lines(talk)
                continue
            self._answer(talk, verb, self._says(verb))
            if verb == "DATA":
                self._take(talk, lines)
            elif verb == "QUIT":
                return

    def _says(self, verb: str) -> str:
        if verb == "EHLO":
            return "\r\n".join(["250-mail.example", *(f"250-{offer}" for offer in self.manners.offers), "250 8BITMIME"])
        return {"AUTH": self.manners.auth, "DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")

    def _answer(self, talk: Talk, verb: str, text: str) -> None:
        if verb == self.manners.hangs_at:
            talk.wait(30)
            raise EOFError
        if verb == self.manners.hangs_up_at:
            raise EOFError
        if verb == self.manners.drips:
            talk.drip(b"250-more\r\n" * 1000, every_s=0.02)
            raise EOFError
        talk.say(f"{text}\r\n".encode())

    def _take(self, talk: Talk, lines: Any) -> None:
        message = []
        while (line := next(lines)) != ".":
            message.append(line)
        self.mails.append("\n".join(message))
        self._answer(talk, "message", self.manners.after_data)


def _lines(talk: Talk) -> Any:
    rest = b""
    while True:
        while b"\r\n" in rest:
            line, _, rest = rest.partition(b"\r\n")
            yield line.decode("latin-1")
        data = talk.connection.recv(4096)
        if not data:
            raise EOFError
        rest += data
