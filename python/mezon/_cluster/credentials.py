"""What a client of NATS shows the server: a credentials file or the seed of an nkey, read and looked at by us.

The Python client reads a credentials file too, but a file that is none keeps it busy for ever, and a seed that is none
ends in a traceback. Here both are an error that names the file, before anybody is connected.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from mezon._cluster.settings import Broker

logger = get_logger("mezon.cluster")

_JWT: Final = "BEGIN NATS USER JWT"
_SEED: Final = "BEGIN USER NKEY SEED"


class CredentialsError(MezonError):
    """A file with credentials for NATS cannot be used."""


def credentials_of(broker: Broker) -> dict[str, Any]:
    """Give the client's options for what the broker's settings name; empty when they name nothing.

    Raises:
        CredentialsError: If a file cannot be read, or is not what it should be.
    """
    if broker.credentials is not None:
        return _of_credentials(broker.credentials)
    if broker.nkey_seed is not None:
        _sign(broker.nkey_seed, _text(broker.nkey_seed), "")
        return {"nkeys_seed": str(broker.nkey_seed)}
    return {}


def _of_credentials(file: Path) -> dict[str, Any]:
    def read() -> tuple[str, str]:
        text = _text(file)
        token, seed = _block(file, text, _JWT), _block(file, text, _SEED)
        _sign(file, seed, "")
        return token, seed

    known = read()

    # The client asks for the signature first, then for the token. The file is read anew at each connection: who renews
    # it need not start the bot again. One that is being written at that moment changes nothing yet.
    def signature(nonce: str) -> bytes:
        nonlocal known
        try:
            known = read()
        except CredentialsError as error:
            logger.warning("What was read before is shown to NATS once more: %s", error)
        return _sign(file, known[1], nonce)

    def token() -> bytes:
        return known[0].encode()

    return {"user_jwt_cb": token, "signature_cb": signature}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise CredentialsError(f"the credentials {file} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise CredentialsError(f"{file} holds no credentials for NATS: it is no text") from None


def _block(file: Path, text: str, mark: str) -> str:
    """Give the line behind a mark."""
    lines = iter(text.splitlines())
    for line in lines:
        if mark in line:
            return next(lines, "").strip()
    raise CredentialsError(
        f"{file} is no credentials file of NATS: it has no line with {mark}; nsc makes one, and a seed alone is for "
        "--nats-nkey"
    )


def _sign(file: Path, seed: str, nonce: str) -> bytes:
    try:
        import nkeys  # type: ignore[import-untyped]
    except ImportError:
        raise CredentialsError('nkeys need a package more: pip install "mezon-rs[nats]"') from None
    try:
        pair = nkeys.from_seed(bytearray(seed.strip().encode()))
        signed = pair.sign(nonce.encode())
        pair.wipe()
    except Exception:
        # Whatever it says might show the seed.
        raise CredentialsError(f"{file} holds no seed of an nkey: one begins with SU") from None
    return base64.b64encode(signed)
