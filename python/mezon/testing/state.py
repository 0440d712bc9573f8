"""The state of the server behind all transports: settings, world, sessions, uploads and messages."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote

from google.protobuf import wrappers_pb2

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.address import Address
from mezon.testing.limits import Limits
from mezon.testing.messages import message_from_send
from mezon.testing.records import Sent, Upload
from mezon.testing.sessions import Sessions
from mezon.testing.wire import WireForm
from mezon.testing.world import Channel, User, World

__all__ = ["API_KEY", "MessageLike", "ServerSettings", "ServerState", "UserLike"]

API_KEY = "local-gateway-api-key"
"""The default API key of the bot."""

_MAX_EPHEMERALS = 1000

CDN_LIFETIME = 5 * 3600
"""Seconds for which the signature of a channel is valid."""

UserLike = User | int | str
"""A user, an id, or a username."""

MessageLike = Sent | int | api_pb2.ChannelMessage
"""A message: the envelope that created it, its id, or the message itself."""


@dataclass(slots=True)
class ServerSettings:
    """How the server behaves. The parts read the settings at each use, so that a test can change them.

    The fields are attributes of ``LocalGateway``, which documents them.
    """

    websocket: bool = True
    tcp: bool = True
    tcp_refusal: Literal["http", "silent"] = "http"
    frame_limit: int = 64 * 1024 * 1024
    silence_limit: float | None = 60.0
    wire: WireForm = field(default_factory=WireForm)
    limits: Limits = field(default_factory=Limits)
    require_join: bool = False
    joined_only: bool = False
    echo_own_messages: bool = True
    chunk_size: int | None = None
    chunk_count: int | None = None
    max_uploads: int = 100
    content_type: str = "application/proto"
    json_answers: set[str] = field(default_factory=set)
    session_fields: dict[str, Any] = field(default_factory=dict)


class ServerState:
    """Everything the server knows, without connections.

    Attributes:
        ephemerals: The last ephemeral messages by id; they are not in the history, but users can click them.
        uploads: Uploaded files by URL.
        expected_uploads: Uploads that a client has announced, by key.
        cdn_files: Files that require a signature, by the folder of their channel and their name.
        cdn_signatures: The valid signature of each channel.
    """

    def __init__(
        self,
        world: World,
        *,
        address: Address | None = None,
        settings: ServerSettings | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self.world = world
        self.address: Address = address or Address()
        self.settings: ServerSettings = settings or ServerSettings()
        self.sessions: Sessions = sessions or Sessions()
        self.ephemerals: dict[int, api_pb2.ChannelMessage] = {}
        self.uploads: dict[str, Upload] = {}
        self.expected_uploads: dict[str, Upload] = {}
        self.cdn_files: dict[tuple[str, str], Upload] = {}
        self.cdn_signatures: dict[int, str] = {}
        self._upload_keys = itertools.count(1)

    # Bots

    def add_bot(self, bot_id: int, api_key: str, username: str) -> User:
        """Allow another bot to log in."""
        self.sessions.accounts[bot_id] = api_key
        return self.world.add_user(username, id=bot_id, display_name=username.capitalize(), is_bot=True)

    def new_session(self, bot_id: int) -> api_pb2.Session:
        """Create the response to a login."""
        fields: dict[str, Any] = {
            "created": False,
            "token": self.sessions.issue(bot_id),
            "refresh_token": self.sessions.issue(bot_id, use="refresh"),
            "id_token": self.sessions.issue(bot_id, use="id"),
            "user_id": bot_id,
            "api_url": self.address.url,
            "ws_url": self.address.announced_ws_url,
            "session_id": self.sessions.issue_session_id(bot_id),
            "tcp_url": self.address.announced_tcp_url,
            **self.settings.session_fields,
        }
        return api_pb2.Session(**fields)

    # Messages

    def accept_message(
        self, user_id: int, request: realtime_pb2.ChannelMessageSend, *, remember: bool = True
    ) -> tuple[realtime_pb2.ChannelMessageAck, api_pb2.ChannelMessage]:
        """Create the ack and the event of a message that a bot sends. ``remember=False`` for an ephemeral message."""
        world = self.world
        channel, sender = world.channels[request.channel_id], world.users[user_id]
        message = message_from_send(world, channel, sender, request, message_id=world.next_message_id())
        if remember:
            world.remember(message)
        else:
            while len(self.ephemerals) >= _MAX_EPHEMERALS:
                del self.ephemerals[next(iter(self.ephemerals))]
            self.ephemerals[message.message_id] = message
        ack = realtime_pb2.ChannelMessageAck(
            channel_id=channel.id,
            message_id=message.message_id,
            code=message.code,
            username=sender.username,
            create_time_seconds=message.create_time_seconds,
            update_time_seconds=message.update_time_seconds,
            persistent=wrappers_pb2.BoolValue(value=remember),
            clan_logo=message.clan_logo,
            category_name=channel.category_name,
        )
        return ack, message

    def apply_update(
        self,
        message: api_pb2.ChannelMessage,
        content: str,
        mentions: Iterable[api_pb2.MessageMention] = (),
        attachments: Iterable[api_pb2.MessageAttachment] = (),
        hide_edited: bool = False,
    ) -> None:
        """Change a message of the history."""
        message.content = content
        message.mentions = api_pb2.MessageMentionList(mentions=mentions).SerializeToString()
        message.attachments = api_pb2.MessageAttachmentList(attachments=attachments).SerializeToString()
        message.hide_editted = hide_edited
        message.update_time_seconds = int(time.time())

    def find_message(self, message: MessageLike) -> api_pb2.ChannelMessage:
        """Return a message of the history or an ephemeral one. Raises LookupError."""
        if isinstance(message, api_pb2.ChannelMessage):
            return message
        message_id = message.message_id if isinstance(message, Sent) else message
        found = self.world.message(message_id) or self.ephemerals.get(message_id)
        if found is None:
            raise LookupError(f"there is no message {message_id} in the world")
        return found

    # Files of the CDN

    def add_cdn_file(self, channel: Channel, filename: str, body: bytes, filetype: str) -> str:
        """Store a file of a channel. Return its URL, which must be signed."""
        url = f"{self.address.url}/cdn/{channel.id:016x}/{quote(filename, safe='')}"
        self.cdn_files[f"{channel.id:016x}", filename] = Upload(filename, filetype, url, body)
        return url

    def sign_cdn(self, channel_id: int) -> str:
        """Return the query that signs the URLs of a channel's files."""
        text = f"{int(time.time() + CDN_LIFETIME)}-{next(self._upload_keys):08x}%3D"
        self.cdn_signatures[channel_id] = text
        return text

    # Uploads

    def expect_upload(self, filename: str, filetype: str) -> str:
        """Return a URL that accepts one PUT of a file."""
        key = f"{next(self._upload_keys):x}"
        url = f"{self.address.url}/upload/{key}/{quote(filename, safe='')}"
        while len(self.expected_uploads) >= self.settings.max_uploads:
            del self.expected_uploads[next(iter(self.expected_uploads))]
        self.expected_uploads[key] = Upload(filename, filetype, url, b"")
        return url

    def receive_upload(self, key: str, body: bytes) -> Upload | None:
        """Store an expected upload. None if nothing announced it."""
        expected = self.expected_uploads.pop(key, None)
        if expected is None:
            return None
        while len(self.uploads) >= self.settings.max_uploads:
            del self.uploads[next(iter(self.uploads))]
        upload = self.uploads[expected.url] = replace(expected, body=body)
        return upload

    def add_upload(self, filename: str, filetype: str, body: bytes) -> Upload:
        """Store a file as if a client had uploaded it."""
        url = self.expect_upload(filename, filetype)
        key = next(key for key, expected in self.expected_uploads.items() if expected.url == url)
        upload = self.receive_upload(key, body)
        assert upload is not None
        return upload
