"""Keys and signatures."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from capsules import capsule, judged, states, with_history

from tagtide.core.proof.chain import SIGNED, take_apart
from tagtide.errors import Conflict, InvalidInput
from tagtide.signing import new_key, read_key, signature_holds


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    made = new_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key(file).public == made.public
    assert len(made.public) == 64
    with pytest.raises(Conflict, match="exists already"):
        new_key(file)
    assert read_key(file).public == made.public


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-" * 100_000])
def test_what_is_no_key_is_said_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="no Ed25519 key") as caught:
        read_key(file)
    assert "nonsense" not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    file = tmp_path / "key.pem"
    key = generate_private_key(SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(InvalidInput):
        read_key(file)


def test_a_signature_holds_for_its_key_and_its_head_alone(tmp_path: Path) -> None:
    signer, other = new_key(tmp_path / "a"), new_key(tmp_path / "b")
    file = capsule(signer=signer)
    assert file == capsule(signer=signer), "the same data and key give the same bytes"
    assert judged(file).good
    assert judged(file, signer.public).good
    assert judged(file, signer.public).is_signed_by_given
    assert not judged(file).is_signed_by_given
    assert states(judged(file, other.public))["signature"] == "broken"
    seal = take_apart(file).seal
    assert signature_holds(signer.public, str(seal.signature), f"{SIGNED}{seal.head}".encode())
    forged = file.replace(str(seal.signature).encode(), other.sign(b"x").encode())
    assert states(judged(forged))["signature"] == "broken"


def test_a_signature_cannot_be_taken_away_or_put_in(tmp_path: Path) -> None:
    signer = new_key(tmp_path / "a")
    file, plain = capsule(signer=signer), capsule()
    signature = f'"signature":"{take_apart(file).seal.signature}"'.encode()
    assert states(judged(file.replace(signature, b'"signature":null')))["signature"] == "broken"
    put_in = plain.replace(b'"signature":null', signature)
    assert states(judged(put_in))["signature"] == "broken"
    assert not judged(plain, signer.public).good, "a key was given, and nothing is signed"


def test_whoever_makes_it_anew_has_another_key(tmp_path: Path) -> None:
    """All of it can be made again, but for the key."""
    signer, thief = new_key(tmp_path / "a"), new_key(tmp_path / "b")
    file = capsule(with_history(), thief)
    assert judged(file).good
    assert not judged(file, signer.public).good


def test_a_signature_vouches_for_a_page_of_another_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = new_key(tmp_path / "a")
    monkeypatch.setattr("tagtide.core.proof.entries.FORM", 99)
    file = capsule(signer=signer)
    assert states(judged(file))["page"] == "unproven"
    assert not judged(file).good
    assert judged(file, signer.public).good
