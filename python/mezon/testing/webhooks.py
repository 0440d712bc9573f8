"""The webhooks of the local gateway: URLs of channels and clans, and what was posted to them.

The formats are in docs/protocol.md, "Webhooks". What the live service answers is not documented; this one answers 200
with ``{"ok": true}``, 404 for an unknown token and 400 for a body it cannot read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import web

from mezon.protobuf.api import api_pb2
from mezon.testing.messages import build_message, content_text
from mezon.testing.records import Request, keep
from mezon.testing.world import Channel, Clan, User

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["WebhookPost", "Webhooks"]

#: The username ``here`` of a mention stands for everybody in the channel.
_HERE: Final = 1775731111020111321


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """One accepted post to a webhook.

    Attributes:
        channel: Where the message appeared: the channel, or the direct conversation with the member.
        content: The content as a receiver gets it, by wire names.
        message_id: The id of the message that came of it.
        member: Whom a clan webhook wrote to; None for a webhook of a channel.
        body: The decoded request body.
        time: ``time.monotonic()`` of its arrival.
    """

    channel: Channel
    content: Mapping[str, Any]
    message_id: int
    member: User | None
    body: Mapping[str, Any]
    time: float

    @property
    def text(self) -> str:
        """The text of the message."""
        return str(self.content.get("t") or "")


class Webhooks:
    """The webhooks of one gateway: ``gateway.webhooks``."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway
        self._tokens: dict[str, int] = {}
        self._untaken: list[WebhookPost] = []
        #: Every accepted post; the oldest go first.
        self.posts: list[WebhookPost] = []
        #: The user in whose name the messages appear.
        self.sender: User | None = None

    def channel_url(self, channel: Channel | int | str) -> str:
        """Return the URL of a webhook of a channel, which is created when it is first asked for."""
        found = self._gateway.world.channel(channel)
        return f"{self._gateway.url}/webhooks/{found.id}/{self._token(found.id)}"

    def clan_url(self, clan: Clan | int | str | None = None, member: User | int | str | None = None) -> str:
        """Return the URL of a webhook of a clan: by default of the first clan, and without a member."""
        world = self._gateway.world
        found = world.clan(clan)
        url = f"{self._gateway.url}/clanwebhooks/{self._token(found.id)}"
        return url if member is None else f"{url}/{quote(world.user(member).username, safe='')}"

    async def next(self, *, timeout: float = 5.0) -> WebhookPost:
        """Wait for the next post that this method has not returned yet.

        Raises:
            TimeoutError: If none arrives within ``timeout`` seconds.
        """
        await self._gateway.wait_until(
            lambda: bool(self._untaken), timeout=timeout, what="a post to a webhook"
        )
        return self._untaken.pop(0)

    # ---- requests

    async def post_to_channel(self, request: web.Request, record: Request) -> web.Response:
        """Handle ``POST /webhooks/{channel}/{token}``."""
        channel_id = int(request.match_info["channel"])
        if self._tokens.get(request.match_info["token"]) != channel_id:
            raise web.HTTPNotFound(text="there is no such webhook")
        body = _parse(record)
        message = body.get("message")
        if body.get("type") != "hook" or not isinstance(message, dict):
            raise web.HTTPBadRequest(text='the body is {"type": "hook", "message": {...}}')
        content = {name: value for name, value in message.items() if name not in ("mentions", "images")}
        return self._accept(
            self._gateway.world.channels[channel_id],
            content,
            body,
            mentions=[self._mention(mention) for mention in message.get("mentions") or ()],
            attachments=[_image(image) for image in message.get("images") or ()],
        )

    async def post_to_member(self, request: web.Request, record: Request) -> web.Response:
        """Handle ``POST /clanwebhooks/{token}/{user}``."""
        clan_id = self._tokens.get(request.match_info["token"])
        world = self._gateway.world
        if clan_id not in world.clans:
            raise web.HTTPNotFound(text="there is no such webhook")
        name = request.match_info["user"]
        try:
            member = world.user(int(name) if name.isdecimal() else name)
        except LookupError:
            raise web.HTTPNotFound(text="there is no such member") from None
        body = _parse(record)
        try:
            content = json.loads(body["content"])
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest(text='`content` is the JSON text of {"t": ..., "mk": [...]}') from None
        attachments = [
            api_pb2.MessageAttachment(url=str(one.get("url", "")), filetype=str(one.get("filetype", "")))
            for one in body.get("attachments") or ()
        ]
        return self._accept(world.dm(member), content, body, member=member, attachments=attachments)

    def _accept(
        self,
        channel: Channel,
        content: Any,
        body: dict[str, Any],
        *,
        member: User | None = None,
        mentions: list[api_pb2.MessageMention] | None = None,
        attachments: list[api_pb2.MessageAttachment] | None = None,
    ) -> web.Response:
        if not isinstance(content, dict) or not (content.get("t") or attachments):
            raise web.HTTPBadRequest(text="the message has neither a text nor an image")
        gateway, world = self._gateway, self._gateway.world
        if self.sender is None:
            self.sender = world.add_user("webhook", display_name="Webhook")
        message = build_message(
            world,
            channel,
            self.sender,
            content_text(content),
            message_id=world.next_message_id(),
            mentions=mentions or (),
            attachments=attachments or (),
        )
        world.remember(message)
        post = WebhookPost(channel, content, message.message_id, member, body, time.monotonic())
        keep(self.posts, post, gateway.max_records)
        keep(self._untaken, post, gateway.max_records)
        gateway.broadcast(channel_message=message)
        gateway.notify()
        return web.json_response({"ok": True})

    # ---- parts

    def _token(self, target_id: int) -> str:
        """Return the token of a channel's or clan's webhook, made when it is first asked for."""
        for token, known in self._tokens.items():
            if known == target_id:
                return token
        token = f"local-webhook-token-{target_id}"
        self._tokens[token] = target_id
        return token

    def _mention(self, mention: Any) -> api_pb2.MessageMention:
        if not isinstance(mention, dict):
            raise web.HTTPBadRequest(text="a mention is an object")
        user_id, username = int(mention.get("user_id") or 0), str(mention.get("username") or "")
        if username == "here":
            user_id = _HERE
        elif not user_id and username:
            try:
                user_id = self._gateway.world.user(username).id
            except LookupError:
                raise web.HTTPBadRequest(text=f"there is no user {username!r}") from None
        start, end = int(mention.get("s") or 0), int(mention.get("e") or 0)
        return api_pb2.MessageMention(user_id=user_id, username=username, s=start, e=end)


def _parse(record: Request) -> dict[str, Any]:
    try:
        record.message = json.loads(record.body)
    except ValueError:
        raise web.HTTPBadRequest(text="the body is no JSON") from None
    if not isinstance(record.message, dict):
        raise web.HTTPBadRequest(text="the body is no JSON object")
    return record.message


def _image(image: Any) -> api_pb2.MessageAttachment:
    if not isinstance(image, dict):
        raise web.HTTPBadRequest(text="an image is an object")
    return api_pb2.MessageAttachment(
        filename=str(image.get("fn") or ""),
        size=int(image.get("sz") or 0),
        url=str(image.get("url") or ""),
        filetype=str(image.get("ft") or ""),
        width=int(image.get("w") or 0),
        height=int(image.get("h") or 0),
    )
