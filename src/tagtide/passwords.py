"""Password hashes by Argon2id, in threads and few at a time."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from tagtide.core.passwords import MOST_BYTES, normal_password

if TYPE_CHECKING:
    from argon2 import PasswordHasher

#: Hashes at once: each takes 64 MB for as long as it lasts.
_AT_ONCE = 2


class ArgonPasswords:
    """`tagtide.ports.Passwords`: the second choice of RFC 9106, 64 MB and three passes."""

    def __init__(self, *, memory_kib: int = 64 * 1024, passes: int = 3) -> None:
        self._memory_kib, self._passes = memory_kib, passes
        self._places = asyncio.Semaphore(_AT_ONCE)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=self._passes, memory_cost=self._memory_kib, parallelism=1)

    @cached_property
    def _nobodys(self) -> str:
        """A hash of the same cost that no password belongs to, as far as anyone knows."""
        salt, key = "c2FsdCBvZiBub2JvZHkuLg", "A" * 43
        return f"$argon2id$v=19$m={self._memory_kib},t={self._passes},p=1${salt}${key}"

    async def hash(self, password: str) -> str:
        """A new hash with a salt of its own."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, normal_password(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they belong together; without a hash the same work, and False."""
        async with self._places:
            known = password_hash or self._nobodys
            return await asyncio.to_thread(self._belongs, known, password)

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether it was made at another cost."""
        return self._hasher.check_needs_rehash(password_hash)

    def _belongs(self, password_hash: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            text = normal_password(password).encode()
            return len(text) <= MOST_BYTES and self._hasher.verify(password_hash, text)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
