"""Keys and tokens in the local variables of frames, which rich's ``show_locals`` and Sentry report."""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import pickle
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import mezon
import pytest
from bot_process import quiet_options
from mezon import MezonClient
from mezon.errors import AuthenticationError
from mezon.testing import LocalGateway
from mezon.utils.secrets import Secret, masked
from rich.console import Console
from rich.traceback import Traceback
from waiting import until

KEY = "k3y-of-this-bot-and-no-other"
JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+")
PACKAGE = os.path.dirname(mezon.__file__) + os.sep
TESTING = os.path.join(PACKAGE, "testing", "")

#: These hold the answer to a login as a protobuf message, or its values, whose repr cannot be changed. They read
#: attributes only, so they do not raise with them; what `read_answer` raises is caught by its caller.
OF_THE_ANSWER = {
    "MezonBaseModel.from_protobuf",
    "_getter.<locals>.<lambda>",
    "build",
    "decode_binary",
    "decode_message",
    "raw_instance",
    "read_answer",
}


def shows_secret(text: str, bot_id: int) -> bool:
    basic = base64.b64encode(f"{bot_id}:{KEY}".encode()).decode()
    return KEY in text or basic in text or JWT.search(text) is not None


@contextmanager
def every_frame_of_the_package(found: set[str], bot_id: int) -> Iterator[set[str]]:
    """Check the local variables of each function when it returns or is suspended, where an error could be raised."""
    seen: set[str] = set()

    def look(frame: FrameType, event: str, argument: object) -> None:
        file = frame.f_code.co_filename
        if event != "return" or not file.startswith(PACKAGE) or file.startswith(TESTING):
            return
        where = frame.f_code.co_qualname
        seen.add(where)
        for name, value in frame.f_locals.items():
            try:
                shown = repr(value)
            except Exception:
                continue  # an object under construction
            if shows_secret(shown, bot_id):
                found.add(f"{where}: {name}")

    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(None)


async def test_no_local_of_the_package_shows_a_key_or_a_token(gateway: LocalGateway) -> None:
    gateway.add_bot(900, KEY, "masked")
    found: set[str] = set()
    with every_frame_of_the_package(found, 900) as seen:
        client = MezonClient(**{**quiet_options(gateway), "client_id": 900, "api_key": KEY})
        await client.login()
        await client.get_list_friends()
        clan = await client.clans.fetch(next(iter(gateway.world.clans)))
        await clan.list_roles()
        gateway.http_status("ListClanDescs", 401)
        await client.rpc("ListClanDescs")
        await gateway.drop()
        await until(lambda: client.state != "ready")
        await until(lambda: client.state == "ready")
        await client.disconnect()
        gateway.http_status("/v2/apps/authenticate/token", 401, times=None)
        with pytest.raises(AuthenticationError):
            await client.login()
    for expected in (
        "SessionManager.authenticate",
        "socket_urls",
        "Sessions.reauthenticate",
        "CoreConnection._provide_session",
    ):
        assert expected in seen
    assert {one for one in found if one.partition(":")[0] not in OF_THE_ANSWER} == set()


@pytest.mark.parametrize("where", ["send", "perform", "mezon_authenticate"])
async def test_a_traceback_with_locals_shows_no_key(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """As rendered by rich and by ``traceback``, whichever layer of a login raised."""
    from mezon._http.transport import AiohttpTransport
    from mezon.api import MezonApi

    gateway.add_bot(900, KEY, "masked")

    async def broken(self: Any, *arguments: Any, **named: Any) -> None:
        raise ZeroDivisionError(where)

    monkeypatch.setattr(AiohttpTransport if where == "send" else MezonApi, where, broken)
    client = MezonClient(**{**quiet_options(gateway), "client_id": 900, "api_key": KEY})
    with pytest.raises(ZeroDivisionError) as caught:
        await client.login()
    error = caught.value
    # From the package's first frame on: the frame before is this function, which holds the key in plain text.
    trace = error.__traceback__
    assert trace is not None
    trace = trace.tb_next
    rendered = io.StringIO()
    rich = Traceback.from_exception(type(error), error, trace, show_locals=True, width=200)
    Console(file=rendered, width=200).print(rich)
    plain = "".join(traceback.TracebackException(type(error), error, trace, capture_locals=True).format())
    for text in (rendered.getvalue(), plain):
        assert "basic_auth_password" in text or where == "mezon_authenticate"
        assert "client_secret" in text
        assert "[hidden]" in text
        assert not shows_secret(text, 900)
    await client.disconnect()


def test_a_secret_equals_its_text() -> None:
    secret = masked("the key")
    assert secret == "the key"
    assert f"{secret}" == str(secret) == "the key"
    assert hash(secret) == hash("the key")
    assert json.dumps({"key": secret}) == '{"key": "the key"}'
    for twin in (copy.deepcopy(secret), pickle.loads(pickle.dumps(secret)), masked(secret), secret[:100]):
        assert twin == "the key"
        assert type(twin) is Secret
        assert "key" not in repr([twin])
    body = masked(b"the key")
    assert body == b"the key"
    assert body[0] == ord("t")
    assert "key" not in repr((body, body[1:]))
    assert masked(None) is None
