"""How the API says no: user errors in a mutation's answer, and errors at the top of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"


class UserErrors(Exception):
    """Rows of `userErrors`: `{field, message, code}`; nothing was done."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__("; ".join(str(row["message"]) for row in rows))
        self.rows = list(rows)


def refuse(message: str, *field: str, code: str | None = None) -> UserErrors:
    """One user error; without `field` it is null there, as recorded for most."""
    return UserErrors([row(message, *field, code=code)])


def row(message: str, *field: str, code: str | None = None) -> Row:
    return {"field": list(field) or None, "message": message, "code": code}


class TopError(Exception):
    """An error beside the data. graphql-core copies `extensions` and adds the place and the path."""

    def __init__(self, message: str, code: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, Any] = {**({"code": code} if code else {}), **more}


def denied(field: str, needs: str) -> TopError:
    """`needs` as Shopify words it: "`read_orders` access scope."."""
    text = f"Access denied for {field} field. Required access: {needs}"
    return TopError(text, "ACCESS_DENIED", documentation=SCOPES_PAGE, requiredAccess=needs)


def unknown_id(text: str) -> TopError:
    return TopError(f"Invalid id: {text}", "RESOURCE_NOT_FOUND")
