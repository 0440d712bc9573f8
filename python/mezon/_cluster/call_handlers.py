"""What a relay does for each kind of call.

A call comes from a process that may be in somebody else's hands: every value is checked before it is used, and nothing
that is a secret of the relay's is in an answer.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mezon._cluster.membership import Member
from mezon._cluster.packets import Packet, packed_answer
from mezon._gateway.codec import MESSAGES, dict_plan
from mezon._http.limiter import Priority
from mezon._http.retry import Refusal, RetryPolicy, read_refusal, retry_after_seconds
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError
from mezon.ports import MAX_ANSWER, HttpAnswer, HttpLane, HttpRequest
from mezon.utils.logger import get_logger
from mezon.utils.masked import masked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._cluster.event_forwarder import RelayConnection
    from mezon.client import MezonClient
    from mezon.ports import HttpTransport, MessageStore
    from mezon.session import Session

logger = get_logger("mezon.cluster")

#: Joins that a relay answers from what it knows: every worker asks for them at its login.
_JOINS: Final = frozenset({"clan_join", "channel_join"})

#: What a bot calls of the API, over the socket.
_API_REQUEST: Final = "api_request_event"

#: Envelope fields that are about the relay's session.
_SESSION_FIELDS: Final = frozenset({"refresh_session_event"})

#: Words in a path that is about sessions: such a call would show the token, or end the session.
_ABOUT_SESSIONS: Final = re.compile(r"session|authenticate", re.IGNORECASE)

#: A path of the API, with a query.
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9_.~:@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)+/?(?:\?[!-~]*)?")

#: Headers that a worker may set.
_HEADERS: Final = frozenset({"accept", "content-type"})
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})

#: The longest text in the values of a call, and the longest time in seconds.
_LONGEST: Final = 1000
_LONGEST_TIME: Final = 86_400.0

#: What an event's id may be: a header's value.
_EVENT_ID: Final = re.compile(r"[!-~]{1,256}")

#: Characters of a refusal in which a reason about rates is looked for.
_REASON: Final = 4096


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
        token_transfers: Workers get the identity token that paying needs.
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
        token_transfers: bool = True,
    ) -> None:
        self._client = client
        self._connection = connection
        self._http = http
        self._store = store
        self._again = again
        self._meet = meet
        self._in_charge = in_charge
        self._token_transfers = token_transfers
        self._retry = RetryPolicy()
        self._rate_refusals = 0
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
        name = _event_name(packet.values)
        if name in _SESSION_FIELDS:
            raise InvalidArgumentError(f"{name} is the relay's own: no worker may send it")
        body = _allowed_rpc(packet.body) if name == _API_REQUEST else packet.body
        timeout = min(_seconds(packet.values, "timeout"), left)
        match packet.values.get("way"):
            case "post":
                self._connection.post(name, body, timeout)
                return Packet()
            case "raw":
                return Packet({}, self._without_token(await self._connection.call_raw(name, body, timeout)))
            case "call":
                field, answer = await self._call(name, body, timeout)
                return Packet({"field": field}, self._without_token(answer))
            case other:
                raise InvalidArgumentError(f"there is no way {other!r} over the socket")

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
        values, path = packet.values, _path(packet.values)
        answer = await self._request(values, path, packet.body)
        if answer.status == 401:
            # The token's end is the relay's to see to.
            renew = self._client.api_client.reauthenticate
            if renew is not None:
                await renew(self._client.session_manager.get_session().token)
            answer = await self._request(values, path, packet.body)
        self._heed(answer)
        return packed_answer(replace(answer, body=self._without_token(answer.body)))

    def _heed(self, answer: HttpAnswer) -> None:
        """Let every call wait when the server says that calls follow too fast, as long as a retry would wait."""
        if answer.status < 400:
            self._rate_refusals = 0
            return
        text = answer.body[:_REASON].decode("utf-8", "replace")
        if read_refusal(answer.status, answer.headers, text) is Refusal.RATE:
            pause = self._retry.wait(self._rate_refusals, retry_after_seconds(answer.headers))
            self._rate_refusals += 1
            if pause is not None:
                self._http.hold(HttpLane.API, pause)

    def _without_token(self, body: bytes) -> bytes:
        """Return an answer in which the session's token does not stand, should the server repeat it."""
        token = self._client.session_manager.get_session().token.encode()
        return body.replace(token, b"*" * len(token)) if token in body else body

    async def _request(self, values: dict[str, Any], path: str, body: bytes) -> HttpAnswer:
        base = self._client.api_client.base_url.rstrip("/")
        token = self._client.session_manager.get_session().token
        request = HttpRequest(
            name=_text(values, "name"),
            method=_method(values),
            url=f"{base}{path}",
            headers={**_headers(values), "Authorization": masked(f"Bearer {token}")},
            params=_params(values),
            body=body or None,
            timeout=None if values.get("timeout") is None else _seconds(values, "timeout"),
            max_answer=_whole(values, "max_answer", MAX_ANSWER),
            lane=HttpLane.API,
            priority=_priority(values),
            on_turn=self._still_in_charge,
        )
        return await self._http.send(request)

    def _still_in_charge(self) -> None:
        """Stop a request that has waited for its turn while another relay took over, which was asked for it too."""
        if not self._in_charge():
            raise MezonConnectionError("not sent: this relay is no longer in charge")

    # ---- the session

    async def session(self, packet: Packet, left: float) -> Packet:
        """Give the relay's session, as a login answers it, without what the relay alone needs.

        In place of the token stands a text of the same form: who the bot is and until when the session lasts, without a
        signature. The server takes it for nothing; a worker's calls are made by the relay, with the token. The identity
        token is only good for the proof service, which asks for it when the bot pays.
        """
        from mezon.protobuf.api import api_pb2

        session = self._client.session_manager.get_session() if self._client.session_manager else None
        if session is None:
            raise MezonError("the relay is not logged in yet; the call comes too early")
        answer = api_pb2.Session(
            token=_stand_in(session),
            id_token=session.id_token if self._token_transfers else "",
            user_id=int(session.user_id or 0),
            api_url=session.api_url,
            ws_url=session.ws_url,
        )
        headers = {"content-type": "application/x-protobuf"}
        return packed_answer(HttpAnswer(200, "OK", headers, answer.SerializeToString()))

    # ---- workers

    async def interest(self, packet: Packet, left: float) -> Packet:
        """Note what a worker listens to: when it has the answer, such events are published."""
        said = packet.values.get("said")
        if not isinstance(said, str):
            raise InvalidArgumentError("a worker says nothing of itself")
        try:
            member = Member.decode(str(packet.values["caller"]), said.encode())
        except ValueError as error:
            raise InvalidArgumentError(f"what a worker says of itself cannot be read: {error}") from None
        self._meet(member)
        return Packet()

    # ---- dead events

    async def replay(self, packet: Packet, left: float) -> Packet:
        """Bring a dead event back, for the operator. The relay does it, for nobody else puts events into the stream."""
        values, name = packet.values, _event_name(packet.values)
        event_id = values.get("event_id")
        if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
            raise InvalidArgumentError(
                "the id of a dead event is no id: it is 1 to 256 visible ASCII characters"
            )
        self._again(_whole(values, "partition"), name, packet.body, event_id)
        return Packet()

    # ---- the store

    async def store(self, packet: Packet, left: float) -> Packet:
        """Ask the message store, or give it something to keep."""
        store, values = self._store, packet.values
        if store is None:
            raise MezonError("the relay has no message store: it was started with it turned off")
        message, channel = values.get("message_id"), values.get("channel_id")
        channel = None if channel is None else str(channel)
        match values.get("method"):
            case "save":
                await store.save_message(_json(packet.body))
                return Packet()
            case "update":
                change = _json(packet.body)
                await store.update_message(
                    _given(message),
                    _given(channel),
                    change.get("content"),
                    change.get("mentions"),
                    change.get("attachments"),
                )
                return Packet()
            case "get":
                found = await store.get_message_by_id(_given(message), _given(channel))
                return Packet({}, b"" if found is None else found.model_dump_json(by_alias=False).encode())
            case "list":
                limit, offset = _whole(values, "limit"), _whole(values, "offset")
                rows = await store.get_messages_by_channel(_given(channel), limit, offset)
                return Packet({"found": rows})
            case "search":
                text, limit = _text(values, "text"), _whole(values, "limit")
                return Packet({"found": await store.search_messages(text, channel, limit)})
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


# ---- values of a call


def _event_name(values: dict[str, Any]) -> str:
    name = values.get("name")
    if not isinstance(name, str) or name not in MESSAGES:
        shown = repr(name)[:_LONGEST]
        raise InvalidArgumentError(f"the envelope has no field {shown}: relay and worker differ in version")
    return name


def _text(values: dict[str, Any], key: str) -> str:
    text = values.get(key)
    if not isinstance(text, str) or len(text) > _LONGEST or not text.isprintable():
        raise InvalidArgumentError(f"{key} of a call is no text of at most {_LONGEST} printable characters")
    return text


def _seconds(values: dict[str, Any], key: str) -> float:
    seconds = values.get(key)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidArgumentError(f"{key} of a call is no number of seconds")
    if not math.isfinite(seconds) or not 0 <= seconds <= _LONGEST_TIME:
        raise InvalidArgumentError(f"{key} of a call is 0 to {_LONGEST_TIME:g} seconds")
    return float(seconds)


def _whole(values: dict[str, Any], key: str, most: int = 2**31 - 1) -> int:
    number = values.get(key)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        raise InvalidArgumentError(f"{key} of a call is no whole number from 0 to {most}")
    return number


def _path(values: dict[str, Any]) -> str:
    path = values.get("path")
    if not isinstance(path, str) or len(path) > 8 * _LONGEST or not _PATH.fullmatch(path):
        raise InvalidArgumentError("the path of a call is no path of Mezon's API")
    # What the server may make of it, quoted once or twice.
    plain = unquote(unquote(path.partition("?")[0])).strip("/")
    if not plain.isprintable() or any(part in ("", ".", "..") for part in re.split(r"[/\\]", plain)):
        raise InvalidArgumentError("the path of a call is no path of Mezon's API")
    if _ABOUT_SESSIONS.search(plain):
        raise _own_session(plain)
    _check_rpc(plain.rpartition("/")[2])
    return path


def _method(values: dict[str, Any]) -> str:
    method = values.get("method")
    if method not in _METHODS:
        raise InvalidArgumentError("the method of a call is none of HTTP's")
    return str(method)


def _headers(values: dict[str, Any]) -> dict[str, str]:
    given = values.get("headers")
    if not isinstance(given, dict):
        raise InvalidArgumentError("the headers of a call are none")
    kept = {name: value for name, value in given.items() if name.lower() in _HEADERS}
    return {name: _text(kept, name) for name in kept}


def _params(values: dict[str, Any]) -> dict[str, Any] | None:
    params = values.get("params")
    if params is None:
        return None
    if not isinstance(params, dict):
        raise InvalidArgumentError("the parameters of a call are no values by name")
    return params


def _priority(values: dict[str, Any]) -> int | None:
    priority = values.get("priority")
    if priority is None:
        return None
    try:
        return Priority(priority)
    except ValueError:
        raise InvalidArgumentError("the priority of a call is none") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidArgumentError("a message for the message store is no object of JSON")
    return found


# ---- the relay's session


def _allowed_rpc(body: bytes) -> bytes:
    """Return a call of the API, written anew: what is checked is what the server reads.

    Raises:
        InvalidArgumentError: If it is about sessions.
    """
    plan = dict_plan(MESSAGES[_API_REQUEST])
    try:
        request: dict[str, Any] = plan.decode(body)
    except ValueError:
        raise InvalidArgumentError("a call of the API over the socket cannot be read") from None
    from mezon.protobuf._rpc_table import RPCS

    if _ABOUT_SESSIONS.search(request["api_name"]):
        raise _own_session(request["api_name"])
    _check_rpc(request["api_name"])
    # A server may go by the number alone.
    for rpc in RPCS.values():
        if rpc.index == request["api_index"]:
            _check_rpc(rpc.name)
    return plan.encode(request)


def _check_rpc(name: str) -> None:
    """Refuse an RPC that answers with a session, or ends one."""
    from mezon.protobuf._rpc_table import RPCS

    rpc = next((one for one in RPCS.values() if one.name.lower() == name.lower()), None)
    if rpc is not None and (rpc.response == "mezon.api.Session" or _ABOUT_SESSIONS.search(rpc.name)):
        raise _own_session(name)


def _own_session(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name[:_LONGEST]} is about the relay's session, which no worker may use")


def _stand_in(session: Session) -> str:
    """Return what a worker has in place of the token."""
    claims = {"uid": session.user_id, "usn": session.username, "exp": session.expires_at}

    def part(values: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.held-by-the-relay"
