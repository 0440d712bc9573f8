"""What the relay knows of clans, channels, roles and users, so that workers need not ask Mezon for it.

Two parts: the answers to listings, which every worker needs at its login, and the channels and users that messages have
shown. Workers get the latter as messages without a content, and apply the default effects of the SDK to them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.codec import MESSAGES, dict_plan
from mezon._http.forwarding import ForwardingTransport
from mezon._http.limiter import Priority
from mezon.ports import HttpAnswer, HttpLane, HttpRequest
from mezon.protobuf.api import api_pb2
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from mezon.ports import HttpTransport

_MESSAGE: Final = "channel_message"

#: Events whose default effects every worker applies, although one of them handles the event.
SHARED_EVENTS: Final = frozenset(
    {
        "channel_created_event",
        "channel_updated_event",
        "channel_deleted_event",
        "clan_updated_event",
        "user_clan_removed_event",
        "user_channel_added_event",
        "add_clan_user_event",
    }
)

#: Events of which workers that wait for a user get a copy, if they have no clan: direct messages, reactions and clicks.
DIRECT_EVENTS: Final = frozenset(
    {"channel_message", "message_reaction_event", "message_button_clicked", "dropdown_box_selected"}
)

#: Events that concern a listing only if they are about the bot.
_ABOUT_USERS: Final = frozenset(
    {
        "add_clan_user_event",
        "user_clan_removed_event",
        "user_channel_added_event",
        "user_channel_removed_event",
        "role_assign_event",
    }
)

#: By RPC, the class of its request, and the events after which its answer is out of date.
_LISTINGS: Final[dict[str, tuple[Any, frozenset[str]]]] = {
    "ListClanDescs": (
        api_pb2.ListClanDescRequest,
        frozenset(
            {
                "clan_created_event",
                "clan_updated_event",
                "clan_deleted_event",
                "add_clan_user_event",
                "user_clan_removed_event",
            }
        ),
    ),
    "ListChannelDescs": (
        api_pb2.ListChannelDescsRequest,
        frozenset(
            {
                "channel_created_event",
                "channel_updated_event",
                "channel_deleted_event",
                "channel_archive_event",
                "category_event",
                "permission_set_event",
                "permission_changed_event",
                "role_event",
                "role_assign_event",
                "add_clan_user_event",
                "user_channel_added_event",
                "user_channel_removed_event",
            }
        ),
    ),
    "ListRoles": (api_pb2.RoleListEventRequest, frozenset({"role_event", "role_assign_event"})),
}

#: Events that the relay receives even if no worker listens to them.
DIRECTORY_EVENTS: Final = SHARED_EVENTS.union(*(events for _, events in _LISTINGS.values()))

#: Bytes of all answers, and of what messages have shown. The oldest are forgotten.
_MAX_ANSWERS: Final = 16 * 1024 * 1024
_MAX_SHOWN: Final = 4 * 1024 * 1024

#: Seconds after which an answer is out of date, because some changes send no event.
_MAX_AGE: Final = 600.0

#: The fields of a sender's profile, and the fields of a message that show its channel and its sender.
_PROFILE: Final = ("username", "display_name", "clan_nick", "avatar", "clan_avatar")
_SHOWN: Final = (
    "clan_id",
    "channel_id",
    "channel_label",
    "category_name",
    "mode",
    "is_public",
    "sender_id",
    *_PROFILE,
)

_LENGTH: Final = 4

#: Returns the profile of a message's sender from the fields of the message.
profile_of: Final = itemgetter(*_PROFILE)


@dataclass(frozen=True, slots=True)
class Listing:
    """A request for a listing.

    Attributes:
        rpc: The name of the RPC.
        clan: The clan it is about; 0 for all of them, and for direct messages.
        body: The encoded request.
    """

    rpc: str
    clan: int
    body: bytes

    @classmethod
    def of(cls, path: str, body: bytes) -> Listing | None:
        """Return the listing that a request to a path of the API asks for; None if it asks for something else."""
        rpc = path.rpartition("/")[2]
        known = _LISTINGS.get(rpc)
        if known is None:
            return None
        try:
            return cls(rpc, int(getattr(known[0].FromString(body), "clan_id", 0)), body)
        except ValueError:
            return None


class Directory:
    """The directory of one bot at its relay.

    Args:
        bot: The bot's id.
        share: Publishes the encoded body of an event to every worker.
    """

    def __init__(self, bot: int, share: Callable[[str, bytes], object]) -> None:
        self._bot = bot
        self._share = share
        self._answers: OrderedDict[Listing, tuple[float, HttpAnswer]] = OrderedDict()
        self._answers_size = 0
        self._requests: SingleFlight[Listing, HttpAnswer] = SingleFlight()
        #: By listing, how often it has become out of date; an answer to an earlier request is not kept.
        self._version = 0
        #: By channel and by sender, the last message that has shown something new of it.
        self._shown: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._shown_size = 0
        self._profiles: dict[int, tuple[object, ...]] = {}
        #: Listings that were answered without asking Mezon.
        self.hits = 0

    # ---- listings

    async def get_or_request(
        self, listing: Listing, priority: int | None, request: Callable[[], Awaitable[HttpAnswer]]
    ) -> HttpAnswer:
        """Return the answer to a listing.

        The calls that the SDK makes by itself, at a login or in the background, get a known answer, and concurrent ones
        share a request. Those of handlers are always made.
        """
        if priority in (None, Priority.INTERACTIVE):
            return await self._request(listing, request)
        known = self._answers.get(listing)
        if known is not None and time.monotonic() - known[0] < _MAX_AGE:
            self.hits += 1
            return known[1]
        return await self._requests.run(listing, lambda: self._request(listing, request))

    async def _request(self, listing: Listing, request: Callable[[], Awaitable[HttpAnswer]]) -> HttpAnswer:
        version = self._version
        answer = await request()
        if answer.status == 200 and version == self._version:
            self.keep(listing, answer)
        return answer

    def keep(self, listing: Listing, answer: HttpAnswer) -> None:
        """Keep the answer to a listing."""
        self._forget_listing(listing)
        self._answers[listing] = (time.monotonic(), answer)
        self._answers_size += len(answer.body)
        while self._answers_size > _MAX_ANSWERS:
            self._forget_listing(next(iter(self._answers)))

    def _forget_listing(self, listing: Listing) -> None:
        known = self._answers.pop(listing, None)
        if known is not None:
            self._answers_size -= len(known[1].body)

    def forget_listings(self) -> None:
        """Forget every answer, because events may have been missed."""
        self._version += 1
        self._answers.clear()
        self._answers_size = 0

    @property
    def version(self) -> int:
        """Changes whenever a listing has become out of date."""
        return self._version

    # ---- events

    def on_event(self, name: str, body: bytes) -> None:
        """Apply one of ``DIRECTORY_EVENTS``."""
        if name in SHARED_EVENTS:
            self._share(name, body)
        try:
            values: dict[str, Any] = dict_plan(MESSAGES[name]).decode(body)
        except ValueError:
            self.forget_listings()
            return
        if name in _ABOUT_USERS and self._bot not in _user_ids(values):
            return
        clan = values.get("clan_id") or 0
        self._version += 1
        for listing in list(self._answers):
            if name in _LISTINGS[listing.rpc][1] and (not clan or listing.clan in (0, clan)):
                self._forget_listing(listing)

    def on_message(self, body: bytes, values: Mapping[str, Any]) -> None:
        """Note and share what a message shows of its channel and its sender, if that is new.

        Args:
            body: The encoded message.
            values: Its fields.
        """
        channel, sender = values["channel_id"], values["sender_id"]
        profile = profile_of(values)
        if ("channel", channel) in self._shown and self._profiles.get(sender) == profile:
            return
        plan = dict_plan(MESSAGES[_MESSAGE])
        fields: dict[str, Any] = plan.decode(body)
        shown = plan.encode({name: fields[name] for name in _SHOWN if name in fields})
        if not fields.get("clan_id") and ("channel", channel) not in self._shown:
            # A direct message that the listing may lack.
            for listing in [one for one in self._answers if one.rpc == "ListChannelDescs" and not one.clan]:
                self._forget_listing(listing)
        self._profiles[sender] = profile
        for key in (("channel", channel), ("user", sender)):
            self._shown_size += len(shown) - len(self._shown.pop(key, b""))
            self._shown[key] = shown
        while self._shown_size > _MAX_SHOWN:
            (kind, number), oldest = self._shown.popitem(last=False)
            self._shown_size -= len(oldest)
            if kind == "user":
                self._profiles.pop(number, None)
        self._share(_MESSAGE, shown)

    def snapshot(self) -> bytes:
        """Return what messages have shown, for a new worker."""
        return pack(dict.fromkeys(self._shown.values()))


class ListingTransport(ForwardingTransport):
    """The relay's own HTTP transport: keeps the answers to the listings of the relay's own client.

    Args:
        inner: The transport.
        directory: Receives the answers.
    """

    def __init__(self, inner: HttpTransport, directory: Directory) -> None:
        super().__init__(inner)
        self._directory = directory

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Implement `HttpTransport.send`."""
        body = request.body if isinstance(request.body, bytes) else b""
        listing = Listing.of(request.url.partition("?")[0], body) if request.lane is HttpLane.API else None
        if listing is None:
            return await self._inner.send(request)
        return await self._directory.get_or_request(listing, None, lambda: self._inner.send(request))


def _user_ids(values: Any) -> Iterator[int]:
    """Yield the ids of the users in an event, however deep."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name == "user_id" and isinstance(value, int):
                yield value
            elif name in ("user_ids", "user_ids_assigned", "user_ids_removed") and isinstance(value, list):
                yield from value
            else:
                yield from _user_ids(value)
    elif isinstance(values, list):
        for value in values:
            yield from _user_ids(value)


def pack(bodies: Iterable[bytes]) -> bytes:
    """Return several bodies as one, each after its length."""
    return b"".join(len(body).to_bytes(_LENGTH, "big") + body for body in bodies)


def unpack(data: bytes) -> Iterator[bytes]:
    """Yield the bodies of `pack`."""
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
        yield data[at + _LENGTH : end]
        at = end
