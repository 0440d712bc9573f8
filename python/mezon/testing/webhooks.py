"""The webhooks of channels and clans, and the posts to them.

The formats are in docs/protocol.md, "Webhooks". The responses of the live service are not documented; this server
answers 200 with ``{"ok": true}``, 404 for an unknown token and 400 for an invalid body.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from mezon.protobuf.api import api_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.messages import build_message, content_text
from mezon.testing.records import Request, keep
from mezon.testing.world import Channel, Clan, User

__all__ = ["WebhookPost", "Webhooks"]

#: The user id of a mention with the username ``here``, which stands for everyone in the channel.
_HERE: Final = 1775731111020111321


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """One accepted post to a webhook.

    Attributes:
        channel: The channel of the message, or the direct conversation with the member.
        content: The content of the message, by wire names.
        message_id: The id of the message.
        member: The recipient of a clan webhook; None for a webhook of a channel.
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
    """The webhooks of one server.

    Attributes:
        posts: Every accepted post; the oldest are dropped first.
        sender: The user that sends the messages; created at the first post.
    """

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._world = registry.state.world
        self._recorder = registry.recorder
        self._tokens: dict[str, int] = {}
        self._untaken: list[WebhookPost] = []
        self.posts: list[WebhookPost] = []
        self.sender: User | None = None

    def channel_url(self, channel: Channel | int | str) -> str:
        """Return the webhook URL of a channel. Create the webhook at the first call."""
        found = self._world.channel(channel)
        return f"{self._registry.state.address.url}/webhooks/{found.id}/{self._token(found.id)}"

    def clan_url(self, clan: Clan | int | str | None = None, member: User | int | str | None = None) -> str:
        """Return the webhook URL of a clan (default: the first clan), for one member if ``member`` is given."""
        world = self._world
        found = world.clan(clan)
        url = f"{self._registry.state.address.url}/clanwebhooks/{self._token(found.id)}"
        return url if member is None else f"{url}/{quote(world.user(member).username, safe='')}"

    async def next(self, *, timeout: float = 5.0) -> WebhookPost:
        """Wait for the next post that this method has not returned yet.

        Raises:
            TimeoutError: If none arrives within ``timeout`` seconds.
        """
        await self._recorder.wait_until(
            lambda: bool(self._untaken), timeout=timeout, what="a post to a webhook"
        )
        return self._untaken.pop(0)

    # Requests

    async def post_to_channel(self, request: web.Request, record: Request) -> web.Response:
        """Handle ``POST /webhooks/{channel}/{token}``."""
        channel_id = int(request.match_info["channel"])
        if self._tokens.get(request.match_info["token"]) != channel_id:
            raise web.HTTPNotFound(text="no such webhook")
        body = _parse(record)
        message = body.get("message")
        if body.get("type") != "hook" or not isinstance(message, dict):
            raise web.HTTPBadRequest(text='the body must be {"type": "hook", "message": {...}}')
        content = {name: value for name, value in message.items() if name not in ("mentions", "images")}
        return self._accept(
            self._world.channels[channel_id],
            content,
            body,
            mentions=[self._mention(mention) for mention in message.get("mentions") or ()],
            attachments=[_image(image) for image in message.get("images") or ()],
        )

    async def post_to_member(self, request: web.Request, record: Request) -> web.Response:
        """Handle ``POST /clanwebhooks/{token}/{user}``."""
        clan_id = self._tokens.get(request.match_info["token"])
        world = self._world
        if clan_id not in world.clans:
            raise web.HTTPNotFound(text="no such webhook")
        name = request.match_info["user"]
        try:
            member = world.user(int(name) if name.isdecimal() else name)
        except LookupError:
            raise web.HTTPNotFound(text="no such member") from None
        body = _parse(record)
        try:
            content = json.loads(body["content"])
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest(
                text='`content` must be the JSON text of {"t": ..., "mk": [...]}'
            ) from None
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
            raise web.HTTPBadRequest(text="the message has neither text nor an image")
        world = self._world
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
        keep(self.posts, post, self._recorder.max_records)
        keep(self._untaken, post, self._recorder.max_records)
        self._registry.broadcast(channel_message=message)
        self._recorder.notify()
        return web.json_response({"ok": True})

    # Parts

    def _token(self, target_id: int) -> str:
        """Return the token of a channel's or clan's webhook. Create it at the first call."""
        for token, known in self._tokens.items():
            if known == target_id:
                return token
        token = f"local-webhook-token-{target_id}"
        self._tokens[token] = target_id
        return token

    def _mention(self, mention: Any) -> api_pb2.MessageMention:
        if not isinstance(mention, dict):
            raise web.HTTPBadRequest(text="a mention must be an object")
        user_id, username = int(mention.get("user_id") or 0), str(mention.get("username") or "")
        if username == "here":
            user_id = _HERE
        elif not user_id and username:
            try:
                user_id = self._world.user(username).id
            except LookupError:
                raise web.HTTPBadRequest(text=f"there is no user {username!r}") from None
        start, end = int(mention.get("s") or 0), int(mention.get("e") or 0)
        return api_pb2.MessageMention(user_id=user_id, username=username, s=start, e=end)


def _parse(record: Request) -> dict[str, Any]:
    try:
        record.message = json.loads(record.body)
    except ValueError:
        raise web.HTTPBadRequest(text="the body is not valid JSON") from None
    if not isinstance(record.message, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return record.message


def _image(image: Any) -> api_pb2.MessageAttachment:
    if not isinstance(image, dict):
        raise web.HTTPBadRequest(text="an image must be an object")
    return api_pb2.MessageAttachment(
        filename=str(image.get("fn") or ""),
        size=int(image.get("sz") or 0),
        url=str(image.get("url") or ""),
        filetype=str(image.get("ft") or ""),
        width=int(image.get("w") or 0),
        height=int(image.get("h") or 0),
    )
