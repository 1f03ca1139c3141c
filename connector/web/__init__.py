"""The web server: webhook endpoints today; the order hub and its API grow here."""

from __future__ import annotations

from fastapi import FastAPI

from ..app import App
from . import webhooks


def make_web(app: App) -> FastAPI:
    """The web application of one App."""
    web = FastAPI(title="Order connector", docs_url=None, redoc_url=None, openapi_url=None)
    web.state.connector = app
    web.include_router(webhooks.router)

    @web.get("/health")
    async def health() -> dict[str, bool]:
        return {"ok": True}

    return web
