"""`connector.toml` and the environment, read once into typed, frozen settings.

Whatever is wrong is a ConfigError that names file, table, key and the fix. Values from the environment are `Secret`: they show
in no repr and in no error. What a plugin wants configured is declared by the plugin; `plugin_config` checks it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta, Struct

from .config_table import Key, Place, Secret, close, in_our_words, keys_of, read_table
from .errors import ConfigError
from .model.events import DutyEvent, Person
from .model.payment import PaymentKind
from .model.plugin import PluginInfo
from .model.review import HoldReason, Severity

_FINDINGS: Mapping[str, Severity] = {"po_box": Severity.HOLD, "note_present": Severity.WARNING}


class General(Struct, frozen=True, kw_only=True):
    """`[connector]`: where things are. Each key may also be set by the environment variable CONNECTOR_<KEY>, which wins."""

    database_url: Annotated[str, Meta(description="SQLite or PostgreSQL; a relative SQLite path starts at this file.")] = (
        "sqlite:///connector.db"
    )
    engine_database_url: Annotated[
        str,
        Meta(description='The queue, disposable. Empty: beside `database_url`, its name with "-engine" or "_engine" added.'),
    ] = ""
    plugins_dir: Annotated[str, Meta(description="Folder of single-file plugins, seen from this file.")] = "plugins"
    blocked_plugins: Annotated[
        tuple[str, ...],
        Meta(description="Plugins that are not to be used, by name. CONNECTOR_BLOCKED_PLUGINS (a,b) adds to them."),
    ] = ()
    public_url: Annotated[str, Meta(description="Where webhooks reach us from outside, with https://.")] = ""
    host: Annotated[str, Meta(description="The address that the web server listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="And its port.")] = 8460
    worker_concurrency: Annotated[int, Meta(ge=1, description="Orders worked on at once by one process.")] = 8
    timezone: Annotated[str, Meta(description="The merchant's time zone, for pages and mails.")] = "UTC"
    language: Annotated[str, Meta(description="The merchant's language, a BCP 47 tag.")] = "en"
    templates_dir: Annotated[str, Meta(description="Folder of your own mail templates, seen from this file.")] = ""
    sweep_every_s: Annotated[float, Meta(gt=0, description="How often due orders are looked for, in seconds.")] = 0.5


class Unpaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[policy.unpaid.KIND]`: what becomes of orders whose payment of this kind does not come. Unset: nothing is done."""

    remind_after_days: Annotated[int, Meta(ge=1)] | None = None
    cancel_after_days: Annotated[int, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        remind, cancel = self.remind_after_days, self.cancel_after_days
        if remind is not None and cancel is not None and cancel <= remind:
            raise ValueError("cancel_after_days must be more than remind_after_days")


class Restock(StrEnum):
    """Where WooCommerce, for one, leaves the pieces of an order taken out of stock (recorded 2026-11-22)."""

    REFUNDED = "refunded"
    FAILED = "failed"


class Policy(Struct, frozen=True, kw_only=True):
    """`[policy]`: what the merchant wants done."""

    findings: Annotated[
        Mapping[str, Severity],
        Meta(description="How bad a finding is, by its code; overrides the reviewer. Yours are added to the default."),
    ] = msgspec.field(default_factory=lambda: dict(_FINDINGS))
    ship_unpaid: Annotated[
        tuple[PaymentKind, ...], Meta(description="Kinds of payment that ship before the money is there.")
    ] = (PaymentKind.COD,)
    hold_tells_customer: Annotated[tuple[HoldReason, ...], Meta(description="Holds that the customer is told about.")] = (
        HoldReason.AWAITING_PAYMENT,
        HoldReason.ADDRESS,
        HoldReason.PO_BOX,
        HoldReason.ARTWORK_MISSING,
        HoldReason.OUT_OF_STOCK,
    )

    unpaid: Annotated[
        Mapping[PaymentKind, Unpaid],
        Meta(
            description="What becomes of orders that wait for their payment, by its kind: remind_after_days (the customer is "
            "reminded, once), cancel_after_days (it is cancelled). Days count from when we first saw it unpaid. Unset: nothing."
        ),
    ] = msgspec.field(default_factory=dict)

    capture: Annotated[
        Literal["shipping", "approval", "never"],
        Meta(
            description="When money that is only authorized is taken, where the platform can be told to: before the first "
            "parcel leaves, as soon as the order is approved, or never by us."
        ),
    ] = "shipping"
    capture_before_expiry_hours: Annotated[
        int,
        Meta(
            ge=1,
            description="So long before an authorization runs out it is captured all the same if the order is approved, and "
            "becomes a task if it is not.",
        ),
    ] = 24

    restock: Annotated[
        tuple[Restock, ...],
        Meta(
            description="When an order gets one of these statuses on a platform that then leaves its stock taken: put back "
            "what has not been shipped."
        ),
    ] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "findings", {**_FINDINGS, **self.findings})


class Rehearsal(Struct, frozen=True, kw_only=True):
    """`[rehearsal]`: how orders are played through on a test store."""

    mail_to: Annotated[
        tuple[str, ...], Meta(description="Only these addresses get mail from an account that is in rehearsal mode.")
    ] = ()


class Teller(StrEnum):
    """Who sends a message: we, the platform, or nobody."""

    US = "us"
    PLATFORM = "platform"
    NONE = "none"


class Wiring(Struct, frozen=True, kw_only=True):
    """`[accounts.NAME]`: one use of a plugin, and the accounts it works with. All other keys are the plugin's own."""

    plugin: Annotated[str, Meta(description="Which plugin.")]
    id: Annotated[str, Meta(description="Written by `connector init`; never change it.")]
    mail: Annotated[str, Meta(description="Account that sends this shop's mails.")] = ""
    carriers: Annotated[tuple[str, ...], Meta(description="Accounts that carry its parcels.")] = ()
    suppliers: Annotated[tuple[str, ...], Meta(description="Accounts that make and send goods for it.")] = ()
    fraud: Annotated[tuple[str, ...], Meta(description="Accounts that score its orders.")] = ()
    payments: Annotated[
        Mapping[str, str], Meta(description="The platform's name of a gateway, and the account that speaks to it.")
    ] = msgspec.field(default_factory=dict)
    review: Annotated[
        tuple[str, ...] | None,
        Meta(description="Plugins or accounts that review its orders. Unset: every review plugin that has no account."),
    ] = None
    merchant_email: Annotated[str, Meta(description="Where the merchant's mails go.")] = ""
    shop_name: Annotated[str, Meta(description="The shop's name in mails.")] = ""
    tells: Annotated[
        Mapping[DutyEvent, Mapping[Person, Teller]],
        Meta(description="Who tells whom, where it is not as the plugin says."),
    ] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """One `[accounts.NAME]`: the wiring that the core knows, and the plugin's own keys as they stand in the file."""

    name: str
    wiring: Wiring
    config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is configured, laid out as in the file. URLs of databases are absolute and complete.

    `secret_key` encrypts what is stored ("" if CONNECTOR_SECRET_KEY is not set: see `needed_secret_key`).
    """

    path: Path
    connector: General
    policy: Policy
    rehearsal: Rehearsal
    accounts: Mapping[str, AccountSettings]
    secret_key: Secret

    @property
    def plugins_dir(self) -> Path:
        return self.path.parent / self.connector.plugins_dir

    @property
    def templates_dir(self) -> Path | None:
        return self.path.parent / self.connector.templates_dir if self.connector.templates_dir else None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.connector.timezone)

    def needed_secret_key(self) -> Secret:
        """The secret key, or ConfigError where there is none: nothing is stored without it."""
        if self.secret_key:
            return self.secret_key
        raise ConfigError(
            f"{self.path}: CONNECTOR_SECRET_KEY is not set; put it into the environment or into {self.path.parent / '.env'} "
            "(a Fernet key or a long passphrase; keep a copy, without it stored secrets cannot be read)"
        )


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read the file, the `.env` beside it and the environment (which wins).

    Raises:
        ConfigError: naming file, table, key and the fix, for the first thing that is wrong.
    """
    path = path.absolute()
    return _settings(_toml(path), path, environ)


def defaults(path: Path, environ: Mapping[str, str]) -> Settings:
    """What holds where nobody has written the file yet: no accounts, everything else as it is by default."""
    return _settings({}, path.absolute(), environ)


def _settings(raw: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> Settings:
    environ = {**_dotenv(path.parent / ".env"), **environ}
    place = Place(file=path)
    place.known(raw, ("connector", "policy", "rehearsal", "accounts"))
    return Settings(
        path=path,
        connector=_general(raw.get("connector", {}), environ, place.at("connector")),
        policy=read_table(raw.get("policy", {}), Policy, place.at("policy")),
        rehearsal=read_table(raw.get("rehearsal", {}), Rehearsal, place.at("rehearsal")),
        accounts=_accounts(raw.get("accounts", {}), environ, place.at("accounts")),
        secret_key=Secret(environ.get("CONNECTOR_SECRET_KEY", "")),
    )


# Words of the core's that a plugin may want as well: one that declares such a key is given it.
SHARED = ("merchant_email", "shop_name")


def plugin_config(account: AccountSettings, info: PluginInfo, *, file: Path) -> Any:
    """The account's own keys as the Struct that its plugin declares, or None for a plugin that declares none.

    Raises:
        ConfigError: an unknown, missing or wrong key, or a secret that stands in the file.
    """
    place = Place(file=file, table=f"accounts.{account.name}", hidden=tuple(_secrets(account.config)))
    if "mode" in account.config and not (info.config and "mode" in info.config.__struct_fields__):
        raise place.error("mode", f"is not set here; use `connector accounts mode {account.name}`")
    own = keys_of(info.config) if info.config else []
    place.known(account.config, [key.name for key in own], also=Wiring.__struct_fields__)
    for key in own:
        if key.secret and type(account.config.get(key.name)) is str:
            name = re.sub(r"\W", "_", f"{account.name}_{key.name}").upper()
            raise place.error(
                key.name, f'is a secret and must not stand in this file; write {{env = "{name}"}} and set it there'
            )
    shared = {name: value for name in SHARED if name in {key.name for key in own} and (value := getattr(account.wiring, name))}
    return read_table({**account.config, **shared}, info.config, place) if info.config else None


def keys() -> list[Key]:
    """Every key of `connector.toml` that is not a plugin's own, in the order of the file."""
    tables = {"connector": General, "policy": Policy, "rehearsal": Rehearsal, "accounts.NAME": Wiring}
    return [replace(key, table=table) for table, struct in tables.items() for key in keys_of(struct)]


# --- reading ----------------------------------------------------------------------------------------------------------


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; `connector init` writes one, --config names another") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check its path and permissions") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}; correct that line") from None


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # only where there is such a file

    try:
        # Not interpolated: a password may hold a dollar sign.
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: cannot be read; check its permissions and save it as UTF-8") from None
    return {name: value for name, value in values.items() if value is not None}


def _general(raw: Any, environ: Mapping[str, str], place: Place) -> General:
    read_table(raw, General, place)  # the file is to be right by itself, so that its errors name the file
    said = _overrides(environ)
    place = replace(place, said_by={key: f"{key} (from CONNECTOR_{key.upper()})" for key in said})
    blocked = [*raw.get("blocked_plugins", ()), *said.get("blocked_plugins", ())]
    general = read_table({**raw, **said, "blocked_plugins": blocked}, General, place)
    _check_timezone(general.timezone, place)
    if general.public_url and not re.fullmatch(r"https?://[^\s/]\S*", general.public_url):
        raise place.error("public_url", "must be a whole address that begins with https://")
    ours, engine = _database_urls(general, place)
    return msgspec.structs.replace(general, database_url=ours, engine_database_url=engine)


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    """What CONNECTOR_<KEY> says; an empty variable says nothing."""
    found: dict[str, Any] = {}
    for key in msgspec.structs.fields(General):
        name = f"CONNECTOR_{key.name.upper()}"
        if not (text := environ.get(name)):
            continue
        if get_origin(get_args(key.type)[0]) is tuple:
            found[key.name] = [word.strip() for word in text.split(",") if word.strip()]
            continue
        try:
            found[key.name] = msgspec.convert(text, key.type, strict=False)
        except msgspec.ValidationError as error:
            raise ConfigError(f"environment variable {name} {in_our_words(str(error), General)[1]}") from None
    return found


def _check_timezone(name: str, place: Place) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        guess = close(name, available_timezones())
        fix = f'did you mean "{guess}"?' if guess else 'write it like "Europe/Berlin"'
        raise place.error("timezone", f'"{name}" is no time zone; {fix}') from None


def _database_urls(general: General, place: Place) -> tuple[Secret, Secret]:
    ours = _absolute(general.database_url, "database_url", place)
    if general.engine_database_url:
        engine = _absolute(general.engine_database_url, "engine_database_url", place)
    else:
        engine = _engine_url(ours)
    if ours == engine:
        raise place.error("engine_database_url", "must be another database than database_url: it is disposable, ours is not")
    return Secret(ours), Secret(engine)


def _absolute(url: str, key: str, place: Place) -> str:
    # The texts do not repeat the address: it may hold a password.
    if re.match(r"postgresql(\+\w+)?://[^/?]*/[^/?]", url):
        return url
    sqlite = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^?]+)(\?.*)?", url)
    if not sqlite:
        raise place.error(key, "must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    head, name, query = sqlite.groups(default="")
    if name == ":memory:":
        raise place.error(key, "must be a file: a database in memory is lost with the process")
    return f"{head}{place.file.parent / name}{query}"


def _engine_url(url: str) -> str:
    head, question, query = url.partition("?")
    if not url.startswith("sqlite"):
        return f"{head}_engine{question}{query}"
    folder, _, name = head.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    return f"{folder}/{stem if dot else suffix}-engine{dot}{suffix if dot else ''}{question}{query}"


# --- accounts ---------------------------------------------------------------------------------------------------------

# An account's name and id are parts of addresses and of the ledger's keys.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _accounts(raw: Any, environ: Mapping[str, str], place: Place) -> dict[str, AccountSettings]:
    if not isinstance(raw, dict):
        raise place.error("", "must be tables, one [accounts.NAME] for each account")
    accounts = {name: _account(name, table, environ, place.at(f"accounts.{name}")) for name, table in raw.items()}
    seen: dict[str, str] = {}
    for name, account in accounts.items():
        other = seen.setdefault(account.wiring.id, name)
        if other != name:
            raise place.at(f"accounts.{name}").error(
                "id", f'"{account.wiring.id}" is the id of {other} as well; give the newer account another one'
            )
    return accounts


def _account(name: str, table: Any, environ: Mapping[str, str], place: Place) -> AccountSettings:
    if not _NAME.fullmatch(name):
        raise place.error("", "an account's name has only letters, digits, dot, dash and underscore; rename it")
    if not isinstance(table, dict):
        raise place.error("", f"must be a table; begin it with [accounts.{name}]")
    table = {key: _resolved(value, key, environ, place) for key, value in table.items()}
    own = set(Wiring.__struct_fields__)
    wiring = read_table({key: value for key, value in table.items() if key in own}, Wiring, place)
    if not _NAME.fullmatch(wiring.id):
        raise place.error("id", "has only letters, digits, dot, dash and underscore")
    return AccountSettings(name=name, wiring=wiring, config={key: value for key, value in table.items() if key not in own})


def _resolved(value: Any, key: str, environ: Mapping[str, str], place: Place) -> Any:
    """Put the environment's values into the places of `{env = "NAME"}`."""
    if isinstance(value, list):
        return [_resolved(item, f"{key}[{number}]", environ, place) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"env"}:
        return {name: _resolved(item, f"{key}.{name}", environ, place) for name, item in value.items()}
    variable = value["env"]
    if not isinstance(variable, str):
        raise place.error(key, 'must be {env = "NAME"} with the name of an environment variable')
    if not environ.get(variable):
        guess = close(variable, environ)
        also = f' ("{guess}" is set: a misspelling?)' if guess else ""
        fix = f"set it or add it to {place.file.parent / '.env'}{also}"
        raise place.error(key, f"needs the environment variable {variable}, which is not set; {fix}")
    return Secret(environ[variable])


def _secrets(value: Any) -> Iterable[str]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item)
