"""The errors, named by what happens next.

    ConnectorError
      ConfigError         a person edits the configuration
      PluginError         a plugin broke its contract
      BadDelivery         a webhook was refused
        BadSignature        it was not signed with our secret
        BadPayload          it was, but it cannot be read (the raw bytes are kept)
      RemoteError         another system answered, or did not
        TryLater            nothing happened; the job runs again
          TooEarly            nothing went wrong either; it is only waited for
        Refused             the vendor said no; a person decides
        Unsupported         the vendor cannot express this; said before anything is sent
        OutcomeUnknown      sent, no answer; look it up, never repeat blindly
      StoreError
        Conflict            somebody else changed it first
        NeedsMigration      the database is not at this version

A plugin picks the class; the core never guesses from a status code. Texts say what happened, to which order or account,
and what to do now. They never hold a token or a customer's data.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Anything this package expects to go wrong. The command line prints it as one line."""


class ConfigError(ConnectorError):
    """A person edits the configuration: the text names file, account, key and the fix."""


class PluginError(ConnectorError):
    """A plugin broke its contract: the text names plugin and hook."""


class BadDelivery(ConnectorError):
    """A webhook delivery that is refused."""


class BadSignature(BadDelivery):
    """The delivery was not signed with the secret of this account."""


class BadPayload(BadDelivery):
    """What a vendor sent cannot be read; the text names the path. The raw bytes are kept for a replay."""


class RemoteError(ConnectorError):
    """Another system answered badly, or did not answer.

    Args:
        text: what happened and what to do now.
        account: the account's name; operation: what was tried, in words.
        code, vendor_request_id: as the vendor gave them, for its support.
    """

    def __init__(
        self, text: str, *, account: str = "", operation: str = "", code: str = "", vendor_request_id: str = ""
    ) -> None:
        super().__init__(text)
        self.account = account
        self.operation = operation
        self.code = code
        self.vendor_request_id = vendor_request_id

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.account, self.operation) if part)
        code = f" [{self.code}]" if self.code else ""
        return f"{where}: {self.args[0]}{code}" if where else f"{self.args[0]}{code}"


class TryLater(RemoteError):
    """Nothing happened; the same call may be made again after `after_s` seconds."""

    def __init__(self, text: str, *, after_s: float = 30.0, **about: str) -> None:
        super().__init__(text, **about)
        self.after_s = after_s


class TooEarly(TryLater):
    """Nothing went wrong; there is only something to wait for. It does not count as a failure."""


class Refused(RemoteError):
    """The vendor said no, and a person decides what now. Nothing happened."""


class Unsupported(RemoteError):
    """The vendor cannot express what is asked. Raised before anything is sent."""


class OutcomeUnknown(RemoteError):
    """A request left and no usable answer came: it may have happened. It is looked up, never repeated blindly."""


class StoreError(ConnectorError):
    """Our own database cannot do what is asked."""


class Conflict(StoreError):
    """Somebody else changed it first; the text says what changed."""


class NeedsMigration(StoreError):
    """The database's schema is not the one this version works with; the text names the command."""
