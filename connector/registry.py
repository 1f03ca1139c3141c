"""Finds plugins, checks them, leaves out the blocked ones, and pairs the rest with accounts.

Plugins come from three places: the package `connector.plugins`, entry points in the group "connector", and single files in the
plugins folder. Whatever breaks the contract is refused here, by name and before anything runs. Only hooks.py calls plugins.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import msgspec
import pluggy

import connector.hookspecs as hookspecs

from .config import SHARED, AccountSettings, Settings, Wiring, plugin_config
from .config_table import Place, hint, keys_of
from .context import Account
from .errors import ConfigError, PluginError
from .model.events import PluginKind
from .model.plugin import HOOK_API, PluginInfo


def every_hook() -> dict[str, FunctionType]:
    """Every hook of the contract by its name, in the order of hookspecs.py."""
    return {name: value for name, value in vars(hookspecs).items() if hasattr(value, "connector_spec")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All plugins and accounts. `infos` and `origins` (where each came from) are by plugin, `accounts` by account name.

    An account of a blocked plugin is there, without a config; calling it is refused.
    """

    settings: Settings
    infos: Mapping[str, PluginInfo]
    origins: Mapping[str, str]
    accounts: Mapping[str, Account]
    plugins: pluggy.PluginManager = field(repr=False)
    _implemented: dict[tuple[str, str], bool] = field(default_factory=dict, repr=False, compare=False)

    def account(self, name: str) -> Account:
        """The account of that name. Raises ConfigError."""
        if name not in self.accounts:
            raise ConfigError(f'{self.settings.path}: there is no account "{name}"; {hint(name, self.accounts)}')
        return self.accounts[name]

    def by_id(self, account_id: str) -> Account:
        """The account with that id, whatever its name is today. Raises ConfigError."""
        for account in self.accounts.values():
            if account.id == account_id:
                return account
        raise ConfigError(
            f'{self.settings.path}: no account has the id "{account_id}"; was it taken out, or its id changed? put it back'
        )

    def is_blocked(self, plugin: str) -> bool:
        return plugin in self.settings.connector.blocked_plugins

    def implements(self, plugin: str, hook: str) -> bool:
        """Does this plugin have this hook? Asked many times for each order, so the answer is kept."""
        known = self._implemented.get((plugin, hook))
        if known is None:
            implementations = getattr(self.plugins.hook, hook).get_hookimpls()
            known = any(implementation.plugin_name == plugin for implementation in implementations)
            self._implemented[plugin, hook] = known
        return known

    def reviewers(self, shop: Account) -> list[Account]:
        """Who reviews this shop's orders: those that it names, else every review plugin that needs no account and has none."""
        wired = self.settings.accounts.get(shop.name)
        if wired is None or wired.wiring.review is None:
            with_account = {account.plugin for account in self.accounts.values()}
            return [self._plain(name) for name in sorted(self.infos) if name not in with_account and self._reviews_all(name)]
        found = [self.accounts.get(name) or self._plain(name) for name in wired.wiring.review if not self.is_blocked(name)]
        return [account for account in found if not self.is_blocked(account.plugin)]

    def _reviews_all(self, plugin: str) -> bool:
        info = self.infos[plugin]
        return PluginKind.REVIEW in info.kinds and self.implements(plugin, "review_order") and not _required(info)

    def _plain(self, plugin: str) -> Account:
        """A review plugin without an account, with its defaults. No real account's id has a colon."""
        struct = self.infos[plugin].config
        return Account(name=plugin, id=f"plugin:{plugin}", plugin=plugin, config=struct() if struct else None)


def load(settings: Settings, *, package: str = "connector.plugins") -> Registry:
    """Find and check all plugins and accounts. `package` holds the built-in ones.

    Raises:
        PluginError: naming plugin and hook. ConfigError: naming file, account, key and the fix.
    """
    plugins = pluggy.PluginManager("connector")
    plugins.add_hookspecs(hookspecs)
    blocked = settings.connector.blocked_plugins
    infos: dict[str, PluginInfo] = {}
    origins: dict[str, str] = {}
    seen: set[str] = set()
    for found in _all_found(settings, package):
        seen.add(found.name)
        if found.name in blocked:
            continue
        module = found.imported()
        info = _described(module, found)
        seen.add(info.name)
        if info.name not in blocked:
            _check_name(info.name, found, origins)
            _check_hooks(module, info.name)
            plugins.register(module, name=info.name)
            infos[info.name], origins[info.name] = info, found.origin
    _check_blocked(settings, seen)
    accounts = {name: _account(settings, account, infos) for name, account in settings.accounts.items()}
    registry = Registry(settings=settings, infos=infos, origins=origins, accounts=accounts, plugins=plugins)
    check_references(registry)
    return registry


# --- finding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A place where a plugin is, before it is imported. `name` is the module's, the entry point's or the file's."""

    name: str
    origin: str
    get: Callable[[], Any]
    file: Path | None = None

    def imported(self) -> ModuleType:
        try:
            module = self.get()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.origin} cannot be loaded ({_last_line(error, self.file)}); "
                f'correct it, or switch it off with CONNECTOR_BLOCKED_PLUGINS={self.name} or blocked_plugins = ["{self.name}"]'
            ) from error
        if isinstance(module, ModuleType):
            return module
        raise PluginError(f"{self.origin}: a plugin is a module, not {type(module).__name__}; correct the entry point")


def _all_found(settings: Settings, package: str) -> Iterator[_Found]:
    yield from _built_in(package)
    for point in sorted(entry_points(group="connector"), key=lambda point: point.name):
        yield _Found(name=point.name, origin=f'plugin "{point.name}" of {_distribution(point)}', get=point.load)
    yield from _local(settings)


def _built_in(package: str) -> Iterator[_Found]:
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.name.startswith("_"):
            name = f"{package}.{module.name}"
            yield _Found(
                name=module.name, origin=f'built-in plugin "{module.name}"', get=partial(importlib.import_module, name)
            )


def _distribution(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist else "an installed package"


def _local(settings: Settings) -> Iterator[_Found]:
    folder = settings.plugins_dir
    if not folder.is_dir():
        if settings.connector.plugins_dir == type(settings.connector)().plugins_dir:
            return
        place = Place(file=settings.path, table="connector")
        raise place.error("plugins_dir", f"there is no folder {folder}; make it or correct the path")
    for file in sorted(folder.glob("*.py")):
        if not file.name.startswith("_"):
            yield _Found(name=file.stem, origin=f"plugin file {file}", get=partial(_import_file, file), file=file)


def _import_file(file: Path) -> ModuleType:
    # Under a prefix and without touching sys.path, or a file called stripe.py would be taken for the SDK that it imports.
    name = f"connector_local.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # msgspec and dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _last_line(error: BaseException, file: Path | None) -> str:
    """The error in one line, with the line of the plugin that it comes from."""
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if file and frame.filename == str(file)]
    return f"line {frames[-1].lineno}: {said}" if frames else said


# --- checking a plugin ------------------------------------------------------------------------------------------------


def check_module(module: ModuleType, name: str) -> PluginInfo:
    """The checks that a plugin goes through when it is loaded, for its own tests. Raises PluginError naming what is wrong."""
    info = _described(module, _Found(name=name, origin=f"plugin {name}", get=lambda: module))
    _check_hooks(module, info.name)
    return info


def _marked(module: ModuleType) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The functions marked with hookimpl: by their name, the hook's name and the mark's options."""
    options = {name: getattr(value, "connector_impl", None) for name, value in vars(module).items() if inspect.isroutine(value)}
    return {name: (said.get("specname") or name, said) for name, said in options.items() if said}


def _described(module: ModuleType, found: _Found) -> PluginInfo:
    marked = {hook for hook, _ in _marked(module).values()}
    _check_forgotten(module, found)
    if "describe" not in marked:
        if found.file and marked == {"review_order"}:
            return PluginInfo(name=found.name, kinds=(PluginKind.REVIEW,), summary=_first_line(module))
        raise PluginError(
            f"{found.origin}: no hook describe() says what it is "
            f"(only a file that has review_order and nothing else needs none; this one has {_listed(marked)})"
        )
    try:
        info = module.describe()
    except Exception as error:
        raise PluginError(f"{found.origin}: describe() failed ({type(error).__name__}: {error})") from error
    _check_info(info, found)
    return info  # type: ignore[no-any-return]  # checked in the line above


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _check_forgotten(module: ModuleType, found: _Found) -> None:
    """A function that is called like a hook and not marked would never be called, and nobody would notice."""
    known = every_hook()
    for name, value in vars(module).items():
        own = inspect.isfunction(value) and value.__module__.startswith(module.__name__)
        if own and name in known and not hasattr(value, "connector_impl"):
            raise PluginError(f"{found.origin}: {name}() is called like a hook but not marked; write @hookimpl above it")


def _check_info(info: Any, found: _Found) -> None:
    def wrong(text: str) -> PluginError:
        return PluginError(f"{found.origin}: describe() {text}")

    if not isinstance(info, PluginInfo):
        raise wrong(f"must return a PluginInfo, not {type(info).__name__}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", info.name):
        raise wrong(f'says the name "{info.name}"; it must be small letters, digits, dashes and underscores')
    if info.hook_api > HOOK_API:
        raise wrong(f"says that it needs hook contract {info.hook_api}, this connector has {HOOK_API}; upgrade order-connector")
    if not info.kinds or not all(isinstance(kind, PluginKind) for kind in info.kinds):
        raise wrong("must say at least one PluginKind in kinds")
    if info.config is None:
        return
    if not (isinstance(info.config, type) and issubclass(info.config, msgspec.Struct)):
        raise wrong("must have a msgspec.Struct class as config, or None")
    taken = {key.name for key in keys_of(info.config)} & set(Wiring.__struct_fields__).difference(SHARED)
    if taken:
        raise wrong(f"declares the config key {_listed(taken)}, which belongs to the core; call it something else")


def _check_name(name: str, found: _Found, origins: Mapping[str, str]) -> None:
    if name in origins:
        raise PluginError(f'two plugins are called "{name}": {origins[name]} and {found.origin}; take one away or rename it')


def _check_hooks(module: ModuleType, plugin: str) -> None:
    known = every_hook()
    for name, (hook, options) in _marked(module).items():
        if hook not in known:
            raise PluginError(f"plugin {plugin}: there is no hook {hook}; {hint(hook, known)}")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(f"plugin {plugin}: {hook} is a wrapper; plugins answer for themselves only, take wrapper out")
        _check_arguments(getattr(module, name), plugin, hook, tuple(inspect.signature(known[hook]).parameters))


def _check_arguments(function: Callable[..., Any], plugin: str, hook: str, known: tuple[str, ...]) -> None:
    for name, argument in inspect.signature(function).parameters.items():
        where = f"plugin {plugin}: {hook}({name})"
        if argument.kind is not argument.POSITIONAL_OR_KEYWORD:
            raise PluginError(f"{where} is not a plain argument and would never be filled in; possible: {', '.join(known)}")
        if name not in known:
            raise PluginError(f"{where} is no argument of this hook; {hint(name, known)}")
        if argument.default is not argument.empty:
            raise PluginError(f"{where} has a default, and so would never be filled in; take the default away")


# --- accounts ---------------------------------------------------------------------------------------------------------

_KINDS = {
    "mail": PluginKind.MAIL,
    "carriers": PluginKind.CARRIER,
    "suppliers": PluginKind.SUPPLIER,
    "fraud": PluginKind.FRAUD,
    "payments": PluginKind.PAYMENTS,
}


def _required(info: PluginInfo) -> list[str]:
    return [key.name for key in keys_of(info.config) if key.required] if info.config else []


def _check_blocked(settings: Settings, seen: set[str]) -> None:
    for name in settings.connector.blocked_plugins:
        if name not in seen:
            place = Place(file=settings.path, table="connector")
            raise place.error("blocked_plugins", f'there is no plugin "{name}" to block; {hint(name, seen)}')


def _account(settings: Settings, account: AccountSettings, infos: Mapping[str, PluginInfo]) -> Account:
    plugin, config = account.wiring.plugin, None
    if plugin not in settings.connector.blocked_plugins:
        if plugin not in infos:
            raise _place(settings, account.name).error("plugin", f'there is no plugin "{plugin}"; {hint(plugin, infos)}')
        config = plugin_config(account, infos[plugin], file=settings.path)
    return Account(name=account.name, id=account.wiring.id, plugin=plugin, config=config)


def _place(settings: Settings, account: str) -> Place:
    return Place(file=settings.path, table=f"accounts.{account}")


def check_references(registry: Registry) -> None:
    """Each account that is named by another is there and of the right kind. Raises ConfigError."""
    for name, account in registry.settings.accounts.items():
        place = _place(registry.settings, name)
        for key, kind in _KINDS.items():
            for other in _named(getattr(account.wiring, key)):
                _check_kind(registry, other, kind, key, place)
        for other in account.wiring.review or ():
            _check_reviewer(registry, other, place)


def _named(value: str | tuple[str, ...] | Mapping[str, str]) -> Iterable[str]:
    if isinstance(value, str):
        return (value,) if value else ()
    return value.values() if isinstance(value, Mapping) else value


def _check_kind(registry: Registry, other: str, kind: PluginKind, key: str, place: Place) -> None:
    account = registry.accounts.get(other)
    if account is None:
        raise place.error(key, f'there is no account "{other}"; {hint(other, registry.accounts)}')
    if registry.is_blocked(account.plugin):
        return
    kinds = registry.infos[account.plugin].kinds
    if kind not in kinds:
        raise place.error(key, f'"{other}" is an account of {account.plugin}, which is for {_listed(kinds)}, not for {kind}')


def _check_reviewer(registry: Registry, other: str, place: Place) -> None:
    account = registry.accounts.get(other)
    plugin = account.plugin if account else other
    if registry.is_blocked(plugin):
        return
    if plugin not in registry.infos:
        raise place.error(
            "review", f'there is no plugin or account "{other}"; {hint(other, [*registry.accounts, *registry.infos])}'
        )
    if not registry.implements(plugin, "review_order"):
        raise place.error("review", f'"{other}" does not review orders (the plugin {plugin} has no review_order)')
    missing = _required(registry.infos[plugin])
    if account is None and missing:
        raise place.error("review", f"the plugin {other} needs {_listed(missing)}; give it an account and name that")
