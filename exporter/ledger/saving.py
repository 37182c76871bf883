"""The ledger's state as parts that can be kept beside the journal, so that a start need not read all of it.

Parts are true through one row of the journal, and a book that did not change keeps the part it has. What cannot
be used, such as the books of another cost basis, is not: then all comes from the journal again.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporter.ledger.account import Account, SavedAccount
from exporter.ledger.book import SavedBook
from exporter.ledger.identities import SavedIdentities
from exporter.ledger.ledger import Ledger
from exporter.ledger.position import CostBasis

_VERSION = 3
_SEALED = 65_536  # identities in a part that is not written again

HEAD = "ledger"
"""The name of the part without which the others say nothing."""

_BOOK, _IDENTITIES = "book/", "identities/"


class _Head(msgspec.Struct, frozen=True, array_like=True):
    version: int
    basis: CostBasis
    accounts: list[SavedAccount]
    identities: int  # parts


Savable = _Head | SavedIdentities | SavedBook


def save(ledger: Ledger) -> dict[str, Savable]:
    """What changed since the last time, as immutable values by the names of their parts."""
    identities = ledger.known.identities
    accounts = [account.save(key) for key, account in ledger.accounts.items()]
    parts: dict[str, Savable] = {
        HEAD: _Head(_VERSION, ledger.basis, accounts, identities.sealed + 1),
        f"{_IDENTITIES}{identities.sealed}": identities.fresh(),
    }
    for key, book in ledger.books.items():
        if book.changed:
            parts[_BOOK + "\t".join(key)] = book.save()
            book.changed = False
    return parts


def saved(ledger: Ledger, parts: Mapping[str, Savable]) -> None:
    """The parts are kept: what need not be written again is let go."""
    for part in parts.values():
        if isinstance(part, SavedIdentities) and len(part) >= _SEALED:
            ledger.known.identities.seal(part)


def not_saved(ledger: Ledger, parts: Mapping[str, Savable]) -> None:
    """The parts could not be kept: they are to be saved again."""
    for part in parts.values():
        if isinstance(part, SavedBook):
            ledger.books[part.key].changed = True


def load(ledger: Ledger, parts: Mapping[str, bytes]) -> bool:
    """Bring an empty ledger to the saved state; False, and nothing done, when that cannot be used."""
    if HEAD not in parts:
        return False
    decode = msgspec.msgpack.decode
    try:
        head = decode(parts[HEAD], type=_Head)
        if (head.version, head.basis) != (_VERSION, ledger.basis):
            return False
        books = [decode(payload, type=SavedBook) for name, payload in parts.items() if name.startswith(_BOOK)]
        payloads = [parts[f"{_IDENTITIES}{number}"] for number in range(head.identities)]
        identities = [decode(payload, type=SavedIdentities) for payload in payloads]
    except msgspec.DecodeError:  # another version laid it out in another way
        return False
    for saved in head.accounts:
        ledger.accounts[saved.exchange, saved.account] = Account.restore(saved)
    for book in books:
        ledger.load(book)
    ledger.known.identities.load(identities)
    return True
