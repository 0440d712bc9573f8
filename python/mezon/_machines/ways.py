"""What a relay does for each kind of call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.codec import MESSAGES
from mezon._machines.membership import Member
from mezon._machines.packets import Packet, packed_answer
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError
from mezon.ports import HttpAnswer, HttpLane, HttpRequest
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._machines.tap import RelayConnection
    from mezon.client import MezonClient
    from mezon.ports import HttpTransport, MessageStore

logger = get_logger("mezon.machines")

#: Joins that a relay answers from what it knows: every worker asks for them at its login.
_JOINS: Final = frozenset({"clan_join", "channel_join"})


class Ways:
    """Makes the calls of workers with what the relay has.

    Args:
        client: The relay's client: its session.
        connection: The connection.
        http: The transport, whose limits are those of the bot.
        store: The message store, if there is one.
        again: Brings an event into the stream once more: partition, name, body, id.
        meet: Gets to know a worker and what it listens to.
        in_charge: Whether it is certain that no other relay is.
    """

    def __init__(
        self,
        client: MezonClient,
        connection: RelayConnection,
        http: HttpTransport,
        store: MessageStore | None,
        again: Callable[[int, str, bytes, str], None],
        meet: Callable[[Member], None],
        in_charge: Callable[[], bool],
    ) -> None:
        self._client = client
        self._connection = connection
        self._http = http
        self._store = store
        self._again = again
        self._meet = meet
        self._in_charge = in_charge
        #: By generation, the answers to joins.
        self._joined: dict[tuple[int, str, bytes], tuple[str, bytes]] = {}

    def table(self) -> dict[str, Callable[[Packet, float], Awaitable[Packet]]]:
        """Give, by kind of call, what makes it."""
        return {
            "socket": self.socket,
            "http": self.http,
            "store": self.store,
            "session": self.session,
            "replay": self.replay,
            "interest": self.interest,
        }

    # ---- the socket

    async def socket(self, packet: Packet, left: float) -> Packet:
        """Make a call over the connection to Mezon."""
        name = str(packet.values["name"])
        if name not in MESSAGES:
            raise InvalidArgumentError(
                f"the envelope has no field {name}: relay and worker differ in version"
            )
        timeout = min(float(packet.values["timeout"]), left)
        match packet.values["way"]:
            case "post":
                self._connection.post(name, packet.body, timeout)
                return Packet()
            case "raw":
                return Packet({}, await self._connection.call_raw(name, packet.body, timeout))
            case _:
                field, body = await self._call(name, packet.body, timeout)
                return Packet({"field": field}, body)

    async def _call(self, name: str, body: bytes, timeout: float) -> tuple[str, bytes]:
        if name not in _JOINS:
            return await self._connection.call_encoded(name, body, timeout)
        place = (self._connection.generation, name, body)
        known = self._joined.get(place)
        if known is None:
            known = await self._connection.call_encoded(name, body, timeout)
            if self._joined and next(iter(self._joined))[0] != place[0]:
                self._joined.clear()
            self._joined[place] = known
        return known

    # ---- HTTP

    async def http(self, packet: Packet, left: float) -> Packet:
        """Make a request to Mezon's API, with the relay's token and in the bot's limit."""
        values = packet.values
        if "hold" in values:
            self._http.hold(HttpLane(values["hold"]), float(values["seconds"]))
            return Packet()
        path = str(values["path"])
        if not path.startswith("/") or path.startswith("//"):
            raise InvalidArgumentError(f"{path} is no path of Mezon's API")
        answer = await self._request(values, path, packet.body)
        if answer.status == 401:
            # The token's end is the relay's to see to.
            renew = self._client.api_client.reauthenticate
            if renew is not None:
                await renew(self._client.session_manager.get_session().token)
            answer = await self._request(values, path, packet.body)
        return packed_answer(answer)

    async def _request(self, values: dict[str, Any], path: str, body: bytes) -> HttpAnswer:
        base = self._client.api_client.base_url.rstrip("/")
        token = self._client.session_manager.get_session().token
        request = HttpRequest(
            name=str(values["name"]),
            method=str(values["method"]),
            url=f"{base}{path}",
            headers={**values["headers"], "Authorization": f"Bearer {token}"},
            params=values["params"],
            body=body or None,
            timeout=values["timeout"],
            max_answer=int(values["max_answer"]),
            lane=HttpLane.API,
            priority=values["priority"],
            on_turn=self._still_in_charge,
        )
        return await self._http.send(request)

    def _still_in_charge(self) -> None:
        """Stop a request that has waited for its turn while another relay took over, which was asked for it too."""
        if not self._in_charge():
            raise MezonConnectionError("not sent: this relay is no longer in charge")

    # ---- the session

    async def session(self, packet: Packet, left: float) -> Packet:
        """Give the relay's session, as a login answers it: a worker needs no key."""
        from mezon.protobuf.api import api_pb2

        session = self._client.session_manager.get_session() if self._client.session_manager else None
        if session is None:
            raise MezonError("the relay is not logged in yet; the call comes too early")
        answer = api_pb2.Session(
            token=session.token,
            id_token=session.id_token,
            user_id=int(session.user_id or 0),
            api_url=session.api_url,
            ws_url=session.ws_url,
        )
        headers = {"content-type": "application/x-protobuf"}
        return packed_answer(HttpAnswer(200, "OK", headers, answer.SerializeToString()))

    # ---- workers

    async def interest(self, packet: Packet, left: float) -> Packet:
        """Note what a worker listens to: when it has the answer, such events are published."""
        values = packet.values
        self._meet(Member.decode(str(values["worker"]), str(values["said"]).encode()))
        return Packet()

    # ---- dead events

    async def replay(self, packet: Packet, left: float) -> Packet:
        """Bring a dead event back. The relay does it, for nobody else puts events into the stream."""
        values = packet.values
        self._again(int(values["partition"]), str(values["name"]), packet.body, str(values["event_id"]))
        return Packet()

    # ---- the store

    async def store(self, packet: Packet, left: float) -> Packet:
        """Ask the message store, or give it something to keep."""
        store, values = self._store, packet.values
        if store is None:
            raise MezonError("the relay has no message store: it was started with it turned off")
        channel, message = values.get("channel_id"), values.get("message_id")
        match values["method"]:
            case "save":
                await store.save_message(json.loads(packet.body))
                return Packet()
            case "update":
                change = json.loads(packet.body)
                await store.update_message(
                    _given(message),
                    _given(channel),
                    change["content"],
                    change["mentions"],
                    change["attachments"],
                )
                return Packet()
            case "get":
                found = await store.get_message_by_id(_given(message), _given(channel))
                return Packet({}, b"" if found is None else found.model_dump_json(by_alias=False).encode())
            case "list":
                rows = await store.get_messages_by_channel(_given(channel), values["limit"], values["offset"])
                return Packet({"found": rows})
            case "search":
                return Packet(
                    {"found": await store.search_messages(values["text"], channel, values["limit"])}
                )
            case "delete":
                return Packet({"found": await store.delete_message(_given(message), _given(channel))})
            case "clear":
                return Packet({"found": await store.clear_channel_messages(_given(channel))})
            case "count":
                return Packet({"found": await store.get_message_count(channel)})
            case "flush":
                return Packet({"found": await store.flush()})
            case other:
                raise InvalidArgumentError(
                    f"the message store knows no {other}: relay and worker differ in version"
                )


def _given(value: Any) -> str:
    if value is None:
        raise InvalidArgumentError("a question to the message store lacks an id")
    return str(value)
