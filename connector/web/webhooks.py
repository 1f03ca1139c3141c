"""Where platforms deliver. Raw bytes and headers are stored and committed before the answer; reading them is a later job."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from .. import news
from ..app import App
from ..errors import BadSignature, ConnectorError, Unsupported
from ..model.events import Delivery

log = logging.getLogger(__name__)
router = APIRouter()

LARGEST = 4 * 1024 * 1024
"""Bytes of a delivery. A WooCommerce order of 200 lines is about 200 kB."""


@router.head("/webhooks/{account}")
async def probe(account: str) -> Response:
    """Some platforms look whether somebody is there."""
    return Response(status_code=200)


@router.post("/webhooks/{account}")
async def receive(account: str, request: Request) -> Response:
    """200 once stored; 401 for a wrong signature, 404 for an unknown account, 413 for a huge body, 503 when we cannot store.

    WooCommerce wants exactly 200 for its ping, or it sends the ping again after every delivery (recorded, WooCommerce 10.5).
    """
    body = await _body(request)
    if body is None:
        return Response("too large", status_code=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = Delivery(headers=headers, body=body, received_at=datetime.now(UTC))
    return await run_in_threadpool(_keep, request.app.state.connector, account, delivery)


async def _body(request: Request) -> bytes | None:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _keep(app: App, name: str, delivery: Delivery) -> Response:
    account = app.registry.accounts.get(name)
    if account is None:
        return Response("no such account", status_code=404)
    try:
        news.receive(app, account, delivery)
    except BadSignature as error:
        log.warning("%s: a delivery was refused: %s", name, error)
        return Response("wrong signature", status_code=401)
    except Unsupported:
        return Response("this account takes no webhooks", status_code=404)
    except ConnectorError as error:
        log.error("%s: a delivery could not be stored: %s", name, error)
        return Response("try again", status_code=503)
    return Response(status_code=200)
