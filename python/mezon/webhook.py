"""Post messages through a webhook URL, without a bot: to a channel, or to a member of a clan.

The formats are those of docs/protocol.md, "Webhooks". Every 2xx answer counts as delivered.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

from mezon._http.address import check_address
from mezon._http.call import Call, Caller
from mezon._http.limiter import Limiter
from mezon._http.retry import RetryPolicy
from mezon._http.transport import AiohttpTransport
from mezon.errors import InvalidArgumentError
from mezon.models.parts import ApiMessageAttachment
from mezon.text import Text

__all__ = ["Webhook"]

#: Fields of the content that a channel's webhook accepts in addition to the text.
_CHANNEL_FIELDS: Final = ("mk", "hg")
_HINTS: Final = {
    400: "The server did not accept the message; check the content, and the member of a clan webhook",
    401: "The webhook's token is not valid; copy the URL again from the channel's or clan's settings",
    403: "The webhook's token is not valid, or the webhook was disabled; copy the URL again",
    404: "There is no such webhook; it may have been deleted. Copy the URL again",
    429: "Messages follow too fast; send fewer",
}


class Webhook:
    """The webhook of a channel or of a clan.

    ```python
    from mezon import Text, Webhook

    async def deployed(url: str) -> None:
        await Webhook(url).send(Text("Deployed ").bold("v1.4"))
    ```

    Each ``send`` opens its own connection, unless it is called inside ``async with Webhook(url) as webhook: ...``.

    Args:
        url: The URL that Mezon shows in the settings: ``.../webhooks/<channel>/<token>`` posts to a channel,
            ``.../clanwebhooks/<token>/<user>`` sends a direct message to a member of the clan; the user may be left
            out and named in ``send`` instead. The token in it is a secret.
        timeout: Seconds one delivery may take, retries included.

    Raises:
        InvalidArgumentError: If the URL is not that of a webhook.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.channel_id: int
        self._base, self.channel_id, self._token, self._member = _parse(url)
        self._timeout = timeout
        self._caller: Caller | None = None

    def __repr__(self) -> str:
        target = (
            f"channel {self.channel_id}" if self.channel_id else f"member {self._member or '(named by send)'}"
        )
        return f"<Webhook of {target}, token hidden>"

    async def __aenter__(self) -> Self:
        self._caller = _caller()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection that ``async with`` holds. Can be called at any time, and more than once."""
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()

    async def send(
        self,
        content: str | Text | Mapping[str, Any] = "",
        *,
        to: str | int | None = None,
        images: Sequence[str | ApiMessageAttachment] = (),
    ) -> None:
        """Send a message.

        A 429 answer is retried until the timeout expires. A message that may have been delivered is not sent again.

        Args:
            content: The text. ``Text`` adds mentions, channels and marks; a clan webhook takes text and marks only.
            to: The member a clan webhook writes to, as a username or a user id. Defaults to the one in the URL.
            images: URLs of images, or attachments with their sizes.

        Raises:
            InvalidArgumentError: If there is nothing to send, or ``to`` is missing or not possible.
            ApiError: If the server refuses the message.
            MezonTimeoutError: If it does not answer in time.
            MezonConnectionError: If it cannot be reached.
            DeliveryUnknownError: If the connection was lost before the answer.
        """
        attachments = [_attachment(image) for image in images]
        text = content if isinstance(content, Text) else _plain(content)
        if not text and not attachments:
            raise InvalidArgumentError("there is nothing to send: pass a text, or images=[...]")
        if self.channel_id:
            if to is not None:
                raise InvalidArgumentError("a webhook of a channel has no addressee; leave `to` out")
            path, body = (
                f"webhooks/{self.channel_id}/{quote(self._token, safe='')}",
                _channel_body(text, attachments),
            )
        else:
            member = str(to if to is not None else self._member)
            if not member:
                raise InvalidArgumentError(
                    "a clan webhook writes to a member: send(..., to='username or user id')"
                )
            path = f"clanwebhooks/{quote(self._token, safe='')}/{quote(member, safe='')}"
            body = _clan_body(text, attachments)
        call = Call(
            "webhook",
            "POST",
            f"{self._base}/{path}",
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
            timeout=self._timeout,
            secrets=(self._token,),
            hints=_HINTS,
        )
        if self._caller is not None:
            await self._caller.perform(call)
            return
        caller = _caller()
        try:
            await caller.perform(call)
        finally:
            await caller.close()

    def send_sync(
        self,
        content: str | Text | Mapping[str, Any] = "",
        *,
        to: str | int | None = None,
        images: Sequence[str | ApiMessageAttachment] = (),
    ) -> None:
        """Send a message from code without an event loop, such as a script. See ``send``.

        Raises:
            RuntimeError: If an event loop is running in this thread; use ``await webhook.send(...)`` there.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self.send(content, to=to, images=images))
            return
        raise RuntimeError("an event loop runs in this thread: write await webhook.send(...) instead")


def _caller() -> Caller:
    # A limiter without a limit: only its clock is used, for the retries.
    return Caller(AiohttpTransport(), RetryPolicy(), clock=Limiter(0, 0).clock, owned=True)


def _parse(url: str) -> tuple[str, int, str, str]:
    """Split the URL of a webhook into its base, channel id, token and member; 0 or "" for missing parts."""
    try:
        check_address(url, ("https", "http"))
    except ValueError as error:
        raise InvalidArgumentError(f"this is not the URL of a webhook: {error}") from None
    parts = urlsplit(url)
    segments = [unquote(segment) for segment in parts.path.strip("/").split("/")]
    kind = next((name for name in ("webhooks", "clanwebhooks") if name in segments), "")
    place = segments.index(kind) if kind else 0
    base = "/".join([f"{parts.scheme}://{parts.netloc}", *(quote(segment) for segment in segments[:place])])
    rest = segments[place + 1 :]
    if kind == "webhooks" and len(rest) == 2 and rest[0].isdecimal() and rest[0].isascii() and rest[1]:
        return base, int(rest[0][:20]), rest[1], ""
    if kind == "clanwebhooks" and len(rest) in (1, 2) and rest[0]:
        return base, 0, rest[0], rest[1] if len(rest) == 2 else ""
    # The path may hold a token, so it is not repeated.
    raise InvalidArgumentError(
        "this is not the URL of a webhook: it ends in /webhooks/<channel id>/<token> or /clanwebhooks/<token>/<user>"
    )


def _plain(content: str | Mapping[str, Any]) -> Text | dict[str, Any]:
    if isinstance(content, str):
        return Text().raw(content)
    if isinstance(content, Mapping):
        return dict(content)
    raise InvalidArgumentError(f"the content is a str, a Text or a dict, not {type(content).__name__}")


def _channel_body(text: Text | dict[str, Any], images: Sequence[ApiMessageAttachment]) -> dict[str, Any]:
    content = text.content if isinstance(text, Text) else text
    message: dict[str, Any] = {"t": content.get("t", "")}
    message.update({name: content[name] for name in _CHANNEL_FIELDS if content.get(name)})
    for tag in message.get("hg", ()):
        if (channel_id := tag.pop("channelid", None)) is not None:
            tag.setdefault("channelId", str(channel_id))
    mentions = text.mentions if isinstance(text, Text) else content.get("mentions") or ()
    if mentions:
        message["mentions"] = [_mention(mention) for mention in mentions]
    if images:
        message["images"] = [
            _without_none(fn=i.filename, sz=i.size, url=i.url, ft=i.filetype, w=i.width, h=i.height)
            for i in images
        ]
    return {"type": "hook", "message": message}


def _clan_body(text: Text | dict[str, Any], images: Sequence[ApiMessageAttachment]) -> dict[str, Any]:
    content = text.content if isinstance(text, Text) else text
    kept = {name: content[name] for name in ("t", "mk") if content.get(name)}
    body: dict[str, Any] = {"content": json.dumps(kept, ensure_ascii=False)}
    if images:
        body["attachments"] = [_without_none(url=image.url, filetype=image.filetype) for image in images]
    return body


def _mention(mention: Any) -> dict[str, Any]:
    """Return a mention by the names of the documentation; ids are text, because JavaScript rounds large numbers."""
    fields = dict(mention) if isinstance(mention, Mapping) else mention.model_dump(exclude_none=True)
    said = _without_none(username=fields.get("username"), s=fields.get("s", 0), e=fields.get("e", 0))
    return {"user_id": str(fields["user_id"]), **said} if fields.get("user_id") else said


def _attachment(image: str | ApiMessageAttachment) -> ApiMessageAttachment:
    if isinstance(image, ApiMessageAttachment):
        return image
    name = urlsplit(image).path.rpartition("/")[2] or "image"
    return ApiMessageAttachment(
        url=image, filename=name, filetype=mimetypes.guess_type(name)[0] or "image/png"
    )


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
