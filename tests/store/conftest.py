"""The databases of these tests last longer than one of them."""

from tests.store.lasting import database_url, lasting

__all__ = ["database_url", "lasting"]
