"""Which orders of a recording went another way at the simulated shop, because a step on them is not simulated."""

from __future__ import annotations

import re

from connector.sandbox.shopify.truth.compare import IN_TEXT
from connector.sandbox.shopify.truth.recorded import Exchange

Id = tuple[str, str]
MUTATION = re.compile(r"(^|\})\s*mutation\b|^#graphql\s+mutation\b", re.MULTILINE)
# Before it is committed an edit changes nothing.
HARMLESS = re.compile(r"\borderEdit(?!Commit)\w+\s*\(")
SHARED = frozenset(
    {"Location", "Product", "ProductVariant", "InventoryItem", "Customer", "App", "Shop", "Job", "MailingAddress"}
)


class Changed:
    """Ids that were met together belong to one order; what one of them went through, all did."""

    def __init__(self) -> None:
        self._groups: dict[Id, set[Id]] = {}
        self._changed: set[Id] = set()

    def meet(self, one: Exchange) -> None:
        """Learn what belongs together; a list of several orders teaches nothing."""
        ids = _ids(one)
        if len({found for found in ids if found[0] == "Order"}) > 1:
            return
        group = set(ids).union(*(self._groups.get(found, set()) for found in ids))
        for found in group:
            self._groups[found] = group

    def otherwise(self, one: Exchange) -> None:
        """This step was left out: if it changed something, that is not as recorded any more."""
        if (
            not one.beside
            and (not one.query or MUTATION.search(one.query))
            and not HARMLESS.search(one.query)
            and not _refused(one)
        ):
            self._changed |= _ids(one)

    def touches(self, one: Exchange) -> bool:
        return any(self._groups.get(found, {found}) & self._changed for found in _ids(one))


def _ids(one: Exchange) -> set[Id]:
    return {found for found in IN_TEXT.findall(f"{one.variables} {one.answer}") if found[0] not in SHARED}


def _refused(one: Exchange) -> bool:
    """Every field of the mutation has user errors, or there is an error instead of data."""
    payloads = [value for value in (one.answer.get("data") or {}).values() if isinstance(value, dict)]
    return all(any(rows for name, rows in payload.items() if name.endswith("serErrors")) for payload in payloads)
