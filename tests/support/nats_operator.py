"""An operator of NATS for one test: accounts and users as signed JWTs, with the files that `nsc` would make."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import nkeys
from docs_permissions import server_permissions


def _key(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(bytearray(nkeys.encode_seed(os.urandom(32), prefix)))


def _public(pair: nkeys.KeyPair) -> str:
    return bytes(pair.public_key).decode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt(issuer: nkeys.KeyPair, subject: str, name: str, kind: str, nats: dict[str, Any]) -> str:
    claims = {
        "iat": int(time.time()),
        "iss": _public(issuer),
        "name": name,
        "sub": subject,
        "nats": {**nats, "type": kind, "version": 2},
    }
    digest = hashlib.new("sha512_256", json.dumps(claims).encode()).digest()
    claims["jti"] = base64.b32encode(digest).rstrip(b"=").decode()
    head = _b64(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    signed = f"{head}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(issuer.sign(signed.encode()))}"


def rights_of_the_guide(bot_id: int, user: str) -> dict[str, Any]:
    """What docs/guide/many-machines.md lets a user do, as it stands in a JWT."""
    rules = server_permissions(bot_id).partition(f"user: {user},")[2].partition("user: ")[0]
    allowed = {}
    for ours, theirs in (("publish", "pub"), ("subscribe", "sub")):
        (listed,) = re.findall(rf"{ours}: \[(.*?)\]", rules, re.S)
        allowed[theirs] = {"allow": re.findall(r'"(.*?)"', listed)}
    return allowed


class Operator:
    """An operator with one account that has JetStream.

    Attributes:
        config: What a server's configuration needs to trust it.
    """

    def __init__(self) -> None:
        operator, system, self._account = (
            _key(prefix)
            for prefix in (
                nkeys.PREFIX_BYTE_OPERATOR,
                nkeys.PREFIX_BYTE_ACCOUNT,
                nkeys.PREFIX_BYTE_ACCOUNT,
            )
        )
        everything = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
        storage = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        limits = {**everything, "wildcards": True}
        accounts = {
            _public(system): _jwt(operator, _public(system), "SYS", "account", {"limits": limits}),
            _public(self._account): _jwt(
                operator, _public(self._account), "BOTS", "account", {"limits": {**limits, **storage}}
            ),
        }
        preload = "\n".join(f"  {public}: {token}" for public, token in accounts.items())
        own = _jwt(operator, _public(operator), "test", "operator", {"system_account": _public(system)})
        self.config = (
            f"operator: {own}\nsystem_account: {_public(system)}\n"
            f"resolver: MEMORY\nresolver_preload: {{\n{preload}\n}}"
        )

    def credentials(self, file: Path, name: str, rights: dict[str, Any], *, newline: str = "\n") -> Path:
        """Write the credentials file of a user."""
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        public = _public(nkeys.from_seed(bytearray(seed)))
        limits = {"subs": -1, "data": -1, "payload": -1}
        token = _jwt(self._account, public, name, "user", {**rights, **limits})
        lines = [
            "-----BEGIN NATS USER JWT-----",
            token,
            "------END NATS USER JWT------",
            "",
            "************************* IMPORTANT *************************",
            "-----BEGIN USER NKEY SEED-----",
            bytes(seed).decode(),
            "------END USER NKEY SEED------",
            "",
        ]
        file.write_text(newline.join(lines), "utf-8", newline="")
        return file
