"""Ed25519 keys in PEM files, and signatures by them."""

from __future__ import annotations

import os
from pathlib import Path

from tagtide.errors import Conflict, InvalidInput

#: A key is some 120 bytes; a larger file is not one.
_LARGEST = 16 * 1024


class Signer:
    """The private half of a key."""

    def __init__(self, pem: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("not an Ed25519 key")
        self._key = key

    @property
    def public(self) -> str:
        """The public half, in hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """A signature, in hexadecimal; the same message always has the same."""
        return self._key.sign(message).hex()


def signature_holds(public: str, signature: str, message: bytes) -> bool:
    """Whether a signature over a message was made with the private half of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key(file: Path) -> Signer:
    """Make a key and write it where only its owner can read it. Raises `Conflict` if it exists."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(
            f"{file} exists already.",
            hint="A key that was lost cannot be made again; choose another name.",
        ) from error
    with os.fdopen(opened, "wb") as out:
        out.write(pem)
        out.flush()
        os.fsync(out.fileno())
    return Signer(pem)


def read_key(file: Path) -> Signer:
    """The key of a file. Raises `InvalidInput`; what the file holds is never repeated."""
    with file.open("rb") as opened:
        pem = opened.read(_LARGEST + 1)
    try:
        return Signer(pem)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"{file} is no Ed25519 key in PEM form without a password.",
            hint="`tagtide keys new FILE` makes one.",
        ) from error
