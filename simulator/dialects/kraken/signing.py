"""Keys, signatures and nonces as Kraken asks for them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from simulator.dialects.kraken.words import INVALID_KEY, INVALID_NONCE, INVALID_SIGNATURE, Refused
from simulator.web.credentials import Credentials

NONCE_WINDOW_MS = 10_000
"""How far a nonce may lie behind the highest one, as the owner of a key can set it: here several programs share one."""


def is_base64(secret: str) -> bool:
    """Return whether a secret has the form that signatures need."""
    try:
        base64.b64decode(secret, validate=True)
    except binascii.Error:
        return False
    return True


def signature_of(secret: str, path: str, nonce: str, body: str) -> str:
    """Return the base64 HMAC-SHA512 over ``path`` and the SHA-256 of nonce and body."""
    digest = hashlib.sha256((nonce + body).encode()).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(secret), path.encode() + digest, hashlib.sha512).digest()
    ).decode()


@dataclass
class Guard:
    """Lets requests in that are signed with the account's key; nonces must go up."""

    credentials: Credentials
    _highest: int = 0

    def check(self, key: str | None, signature: str | None, path: str, nonce: str, body: str) -> None:
        """Check a request to ``path`` (without the exchange's name); raises Refused."""
        if key is None or not hmac.compare_digest(key.encode(), self.credentials.key.encode()):
            raise Refused(INVALID_KEY)
        expected = signature_of(self.credentials.secret, path, nonce, body)
        if signature is None or not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Refused(INVALID_SIGNATURE)
        if not nonce.isascii() or not nonce.isdigit() or int(nonce) <= self._highest - NONCE_WINDOW_MS:
            raise Refused(INVALID_NONCE)
        self._highest = max(self._highest, int(nonce))
