"""Personal data, sealed with a key per customer. Destroying the key erases the customer, also in copies kept without keys."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections import OrderedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, bindparam, select, update

from ..errors import ConfigError
from .database import insert_ignore
from .statements import Statement
from .tables import keys

_REMEMBERED = 4096
_WRAPPED = Statement(select(keys.c.wrapped).where(keys.c.id == bindparam("b_id")))
_WRAPPED_AND_HELD = Statement(select(keys.c.wrapped).where(keys.c.id == bindparam("b_id")).with_for_update(read=True))


class Vault:
    """Seals and opens with AES-256-GCM. `secret` is CONNECTOR_SECRET_KEY; without it nothing personal can be read."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 32:
            raise ConfigError(
                "CONNECTOR_SECRET_KEY is missing or shorter than 32 characters. `connector init` makes one; keep it with your "
                "backups: without it the customers' data cannot be read."
            )
        self._master = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"order-connector").derive(secret.encode())
        self._known: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def key_id(self, owner: str) -> str:
        """The id of the key that a customer or thing has, or would have."""
        return hmac.new(self._master, owner.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]

    def owner_key(self, connection: Connection, owner: str, *, lasting: bool = False) -> str:
        """The id of the key of one customer (by e-mail address) or thing, made at the first call. In a writing transaction.

        An erased customer who buys again gets a new key; what the old one locked stays lost. Until the transaction ends nobody
        destroys the key, so what is sealed in it can be read; `lasting` says that nobody would anyway.
        """
        key_id = self.key_id(owner)
        row = (_WRAPPED if lasting else _WRAPPED_AND_HELD).first(connection, {"b_id": key_id})
        if row is None or row.wrapped is None:
            wrapped = _seal(self._master, AESGCM.generate_key(256))
            made = insert_ignore(connection)(keys).values(id=key_id, wrapped=wrapped)
            again = {"index_elements": ["id"], "set_": {"wrapped": wrapped}, "where": keys.c.wrapped.is_(None)}
            connection.execute(made.on_conflict_do_update(**again))
        return key_id

    def seal(self, connection: Connection, key_id: str, data: bytes) -> bytes:
        key = self._key(connection, key_id)
        if key is None:
            raise KeyError(key_id)
        return _seal(key, data)

    def open(self, connection: Connection, key_id: str, sealed: bytes) -> bytes | None:
        """What was sealed, or None where its key was destroyed."""
        key = self._key(connection, key_id)
        return None if key is None else _open(key, sealed)

    def destroy(self, connection: Connection, key_id: str) -> None:
        """Erase everything that this key locks."""
        connection.execute(update(keys).where(keys.c.id == key_id).values(wrapped=None))

    def seal_secret(self, data: bytes) -> bytes:
        """Seal something of ours (a token), which belongs to no customer."""
        return _seal(self._master, data)

    def open_secret(self, sealed: bytes) -> bytes:
        return _open(self._master, sealed)

    def _key(self, connection: Connection, key_id: str) -> bytes | None:
        # Always asked of the database: a key that only this process remembers (its transaction was rolled back, or another
        # process destroyed it) must never seal anything. Only unwrapping is remembered.
        row = _WRAPPED.first(connection, {"b_id": key_id})
        if row is None or row.wrapped is None:
            return None
        wrapped: bytes = row.wrapped
        with self._lock:
            known = self._known.get(wrapped)
        if known is None:
            known = _open(self._master, wrapped)
            with self._lock:
                self._known[wrapped] = known
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return known


def _seal(key: bytes, data: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, data, None)


def _open(key: bytes, sealed: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], None)
    except InvalidTag:
        raise ConfigError(
            "CONNECTOR_SECRET_KEY is not the one that this database was written with. Put the right key back; a new one cannot "
            "read what the old one sealed."
        ) from None
