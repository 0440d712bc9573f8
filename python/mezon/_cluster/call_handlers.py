"""What the relay does for each kind of call.

A call may come from a compromised process: every value is validated before it is used, and no answer contains a secret
of the relay.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from mezon._cluster.directory import Listing
from mezon._cluster.membership import Member
from mezon._cluster.protocol import PROTOCOL, NotInChargeError, Packet, encode_answer
from mezon._gateway.codec import MESSAGES, dict_plan
from mezon._http.limiter import Priority
from mezon._http.retry import Refusal, RetryPolicy, read_refusal, retry_after_seconds
from mezon.errors import InvalidArgumentError, MezonError
from mezon.ports import MAX_ANSWER, HttpAnswer, HttpLane, HttpRequest
from mezon.protobuf._rpc_table import RPCS
from mezon.protobuf.api import api_pb2
from mezon.utils.logger import get_logger
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._cluster.directory import Directory
    from mezon._cluster.event_forwarder import RelayConnection
    from mezon.client import MezonClient
    from mezon.ports import HttpTransport, MessageStore
    from mezon.session import Session

logger = get_logger("mezon.cluster")

#: Calls that the relay answers from its cache, because every worker makes them at its login.
_JOINS: Final = frozenset({"clan_join", "channel_join"})

#: The envelope field of an API call over the socket.
_API_REQUEST: Final = "api_request_event"

#: Envelope fields about the relay's session.
_SESSION_FIELDS: Final = frozenset({"refresh_session_event"})

#: Matches a path or an RPC about sessions, which would return the token or end the session.
_SESSION_CALL: Final = re.compile(r"session|authenticate", re.IGNORECASE)

#: Matches a path of the API with an optional query.
_API_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9_.~:@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)+/?(?:\?[!-~]*)?")

#: Headers and methods that a worker may use.
_ALLOWED_HEADERS: Final = frozenset({"accept", "content-type"})
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})

#: The maximum length of a text in a call, and the maximum timeout in seconds.
_MAX_TEXT: Final = 1000
_MAX_TIMEOUT: Final = 86_400.0

#: Matches an event's id, which is a header's value.
_EVENT_ID: Final = re.compile(r"[!-~]{1,256}")

#: Bytes of an error's body that are searched for a reason about rate limits.
_MAX_REASON: Final = 4096


class CallHandlers:
    """Makes the calls of workers.

    Args:
        client: The relay's client, which has the session.
        connection: The connection to Mezon.
        http: The transport, which has the bot's rate limits.
        directory: What the relay knows of clans, channels and users.
        store: The message store; None if it is turned off.
        replay: Publishes an event again: partition, name, body, id.
        register: Adds a worker and its subscriptions to the members.
        in_charge: Returns whether certainly no other relay is in charge.
        token_transfers: Whether workers get the identity token, which token transfers need.
    """

    def __init__(
        self,
        client: MezonClient,
        connection: RelayConnection,
        http: HttpTransport,
        directory: Directory,
        store: MessageStore | None,
        replay: Callable[[int, str, bytes, str], None],
        register: Callable[[Member], None],
        in_charge: Callable[[], bool],
        token_transfers: bool = True,
    ) -> None:
        self._client = client
        self._connection = connection
        self._http = http
        self._directory = directory
        self._store = store
        self._replay = replay
        self._register = register
        self._in_charge = in_charge
        self._token_transfers = token_transfers
        self._retry = RetryPolicy()
        self._rate_refusals = 0
        #: The answers to joins, by generation, name and body.
        self._joined: dict[tuple[int, str, bytes], tuple[str, bytes]] = {}

    def by_kind(self) -> dict[str, Callable[[Packet, float], Awaitable[Packet]]]:
        """Return the handlers by kind of call."""
        return {
            "socket": self.socket,
            "http": self.http,
            "store": self.store,
            "session": self.session,
            "directory": self.directory,
            "replay": self.replay,
            "interest": self.interest,
        }

    # ---- socket

    async def socket(self, packet: Packet, left: float) -> Packet:
        """Make a call over the connection to Mezon. The mode is call, raw or post, as the methods of `Connection`."""
        name = _event_name(packet.values)
        if name in _SESSION_FIELDS:
            raise InvalidArgumentError(f"{name} belongs to the relay: no worker may send it")
        body = _allowed_rpc(packet.body) if name == _API_REQUEST else packet.body
        timeout = min(_seconds(packet.values, "timeout"), left)
        match packet.values.get("mode"):
            case "post":
                self._connection.post(name, body, timeout)
                return Packet()
            case "raw":
                return Packet({}, self._without_token(await self._connection.call_raw(name, body, timeout)))
            case "call":
                field, answer = await self._call(name, body, timeout)
                return Packet({"field": field}, self._without_token(answer))
            case other:
                raise InvalidArgumentError(f"there is no mode {other!r} of calls over the socket")

    async def _call(self, name: str, body: bytes, timeout: float) -> tuple[str, bytes]:
        if name not in _JOINS:
            return await self._connection.call_encoded(name, body, timeout)
        key = (self._connection.generation, name, body)
        known = self._joined.get(key)
        if known is None:
            known = await self._connection.call_encoded(name, body, timeout)
            if self._joined and next(iter(self._joined))[0] != key[0]:
                self._joined.clear()
            self._joined[key] = known
        return known

    # ---- HTTP

    async def http(self, packet: Packet, left: float) -> Packet:
        """Make a request to Mezon's API with the relay's token, within the bot's rate limit."""
        values, path = packet.values, _path(packet.values)
        listing = Listing.of(path, packet.body)
        if listing is None:
            return encode_answer(await self._make(values, path, packet.body))
        answer = await self._directory.get_or_request(
            listing, _priority(values), lambda: self._make(values, path, packet.body)
        )
        return encode_answer(answer)

    async def _make(self, values: dict[str, Any], path: str, body: bytes) -> HttpAnswer:
        answer = await self._request(values, path, body)
        if answer.status == 401:
            # The token has expired; only the relay can renew it.
            renew = self._client.api_client.reauthenticate
            if renew is not None:
                await renew(self._client.session_manager.get_session().token)
            answer = await self._request(values, path, body)
        self._apply_rate_limit(answer)
        return replace(answer, body=self._without_token(answer.body))

    def _apply_rate_limit(self, answer: HttpAnswer) -> None:
        """Pause every call when the server reports a rate limit, for as long as a retry would wait."""
        if answer.status < 400:
            self._rate_refusals = 0
            return
        text = answer.body[:_MAX_REASON].decode("utf-8", "replace")
        if read_refusal(answer.status, answer.headers, text) is Refusal.RATE:
            pause = self._retry.wait(self._rate_refusals, retry_after_seconds(answer.headers))
            self._rate_refusals += 1
            if pause is not None:
                self._http.hold(HttpLane.API, pause)

    def _without_token(self, body: bytes) -> bytes:
        """Return an answer without the session's token, in case the server repeats it."""
        token = self._client.session_manager.get_session().token.encode()
        return body.replace(token, b"*" * len(token)) if token in body else body

    def _url(self, path: str) -> str:
        """Return the URL of a path: a worker names no host, because the request carries the relay's token."""
        api = self._client.api_client
        if path == urlsplit(api.playmedia_url).path:
            return api.playmedia_url
        return f"{api.base_url.rstrip('/')}{path}"

    async def _request(self, values: dict[str, Any], path: str, body: bytes) -> HttpAnswer:
        token = self._client.session_manager.get_session().token
        request = HttpRequest(
            name=_text(values, "name"),
            method=_method(values),
            url=self._url(path),
            headers={**_headers(values), "Authorization": masked(f"Bearer {token}")},
            params=_params(values),
            body=body or None,
            timeout=None if values.get("timeout") is None else _seconds(values, "timeout"),
            max_answer=_integer(values, "max_answer", MAX_ANSWER),
            lane=HttpLane.API,
            priority=_priority(values),
            on_turn=self._check_in_charge,
        )
        return await self._http.send(request)

    def _check_in_charge(self) -> None:
        """Cancel a request during whose wait another relay took over, because that relay makes it too."""
        if not self._in_charge():
            raise NotInChargeError

    # ---- session

    async def session(self, packet: Packet, left: float) -> Packet:
        """Return the relay's session in the form of a login, without its secrets.

        The token is replaced by a text of the same form, with the bot's id and the expiry but no signature. The server
        does not accept it; the relay makes the worker's calls with the real token. The identity token is only valid for
        the proof service, which requires it for token transfers.
        """
        session = self._client.session_manager.get_session() if self._client.session_manager else None
        if session is None:
            raise MezonError("the relay is not logged in yet; try again later")
        answer = api_pb2.Session(
            token=_placeholder_token(session),
            id_token=session.id_token if self._token_transfers else "",
            user_id=int(session.user_id or 0),
            api_url=session.api_url,
            ws_url=session.ws_url,
        )
        headers = {"content-type": "application/x-protobuf"}
        return encode_answer(HttpAnswer(200, "OK", headers, answer.SerializeToString()))

    async def directory(self, packet: Packet, left: float) -> Packet:
        """Return what messages have shown of channels and users, for the caches of a new worker."""
        return Packet({}, self._directory.snapshot())

    # ---- workers

    async def interest(self, packet: Packet, left: float) -> Packet:
        """Register a worker and its subscriptions. The answer means that such events are published."""
        announcement = packet.values.get("member")
        if not isinstance(announcement, str):
            raise InvalidArgumentError("the call has no announcement of a worker")
        try:
            member = Member.decode(str(packet.values["caller"]), announcement.encode())
        except ValueError as error:
            raise InvalidArgumentError(f"the announcement of a worker cannot be read: {error}") from None
        self._register(member)
        return Packet({"protocol": PROTOCOL})

    # ---- dead events

    async def replay(self, packet: Packet, left: float) -> Packet:
        """Publish a dead event again for the operator, because only the relay publishes to the stream."""
        values, name = packet.values, _event_name(packet.values)
        event_id = values.get("event_id")
        if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
            raise InvalidArgumentError(
                "the id of a dead event is invalid: it must be 1 to 256 visible ASCII characters"
            )
        self._replay(_integer(values, "partition"), name, packet.body, event_id)
        return Packet()

    # ---- message store

    async def store(self, packet: Packet, left: float) -> Packet:
        """Call the method of the message store that the values name."""
        store, values = self._store, packet.values
        if store is None:
            raise MezonError("the relay was started without a message store")
        message, channel = values.get("message_id"), values.get("channel_id")
        channel = None if channel is None else str(channel)
        match values.get("method"):
            case "save":
                await store.save_message(_json(packet.body))
                return Packet()
            case "update":
                change = _json(packet.body)
                await store.update_message(
                    _required_id(message),
                    _required_id(channel),
                    change.get("content"),
                    change.get("mentions"),
                    change.get("attachments"),
                )
                return Packet()
            case "get":
                found = await store.get_message_by_id(_required_id(message), _required_id(channel))
                return Packet({}, b"" if found is None else found.model_dump_json(by_alias=False).encode())
            case "list":
                limit, offset = _integer(values, "limit"), _integer(values, "offset")
                rows = await store.get_messages_by_channel(_required_id(channel), limit, offset)
                return Packet({"found": rows})
            case "search":
                text, limit = _text(values, "text"), _integer(values, "limit")
                return Packet({"found": await store.search_messages(text, channel, limit)})
            case "delete":
                return Packet(
                    {"found": await store.delete_message(_required_id(message), _required_id(channel))}
                )
            case "clear":
                return Packet({"found": await store.clear_channel_messages(_required_id(channel))})
            case "count":
                return Packet({"found": await store.get_message_count(channel)})
            case "flush":
                return Packet({"found": await store.flush()})
            case other:
                raise InvalidArgumentError(
                    f"the message store has no method {other}: relay and worker differ in version"
                )


def _required_id(value: Any) -> str:
    if value is None:
        raise InvalidArgumentError("a call of the message store has no id")
    return str(value)


# ---- validation of the values


def _event_name(values: dict[str, Any]) -> str:
    name = values.get("name")
    if not isinstance(name, str) or name not in MESSAGES:
        shown = repr(name)[:_MAX_TEXT]
        raise InvalidArgumentError(f"the envelope has no field {shown}: relay and worker differ in version")
    return name


def _text(values: dict[str, Any], key: str) -> str:
    text = values.get(key)
    if not isinstance(text, str) or len(text) > _MAX_TEXT or not text.isprintable():
        raise InvalidArgumentError(
            f"{key} of a call must be a text of at most {_MAX_TEXT} printable characters"
        )
    return text


def _seconds(values: dict[str, Any], key: str) -> float:
    seconds = values.get(key)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidArgumentError(f"{key} of a call must be a number of seconds")
    if not math.isfinite(seconds) or not 0 <= seconds <= _MAX_TIMEOUT:
        raise InvalidArgumentError(f"{key} of a call must be 0 to {_MAX_TIMEOUT:g} seconds")
    return float(seconds)


def _integer(values: dict[str, Any], key: str, maximum: int = 2**31 - 1) -> int:
    number = values.get(key)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= maximum:
        raise InvalidArgumentError(f"{key} of a call must be an integer from 0 to {maximum}")
    return number


def _path(values: dict[str, Any]) -> str:
    path = values.get("path")
    if not isinstance(path, str) or len(path) > 8 * _MAX_TEXT or not _API_PATH.fullmatch(path):
        raise InvalidArgumentError("the path of a call is no path of Mezon's API")
    # The server may unquote it once or twice.
    plain = unquote(unquote(path.partition("?")[0])).strip("/")
    if not plain.isprintable() or any(part in ("", ".", "..") for part in re.split(r"[/\\]", plain)):
        raise InvalidArgumentError("the path of a call is no path of Mezon's API")
    if _SESSION_CALL.search(plain):
        raise _session_error(plain)
    _check_rpc(plain.rpartition("/")[2])
    return path


def _method(values: dict[str, Any]) -> str:
    method = values.get("method")
    if method not in _METHODS:
        raise InvalidArgumentError("the method of a call is not an HTTP method")
    return str(method)


def _headers(values: dict[str, Any]) -> dict[str, str]:
    given = values.get("headers")
    if not isinstance(given, dict):
        raise InvalidArgumentError("the headers of a call must be an object")
    kept = {name: value for name, value in given.items() if name.lower() in _ALLOWED_HEADERS}
    return {name: _text(kept, name) for name in kept}


def _params(values: dict[str, Any]) -> dict[str, Any] | None:
    params = values.get("params")
    if params is None:
        return None
    if not isinstance(params, dict):
        raise InvalidArgumentError("the parameters of a call must be an object")
    return params


def _priority(values: dict[str, Any]) -> int | None:
    priority = values.get("priority")
    if priority is None:
        return None
    try:
        return Priority(priority)
    except ValueError:
        raise InvalidArgumentError("the priority of a call is unknown") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidArgumentError("a message for the message store must be a JSON object")
    return found


# ---- protection of the session


def _allowed_rpc(body: bytes) -> bytes:
    """Return an API call, encoded again so that the server reads exactly what was checked.

    Raises:
        InvalidArgumentError: The call is about sessions, or cannot be decoded.
    """
    plan = dict_plan(MESSAGES[_API_REQUEST])
    try:
        request: dict[str, Any] = plan.decode(body)
    except ValueError:
        raise InvalidArgumentError("an API call over the socket cannot be decoded") from None

    if _SESSION_CALL.search(request["api_name"]):
        raise _session_error(request["api_name"])
    _check_rpc(request["api_name"])
    # The server may use the index and ignore the name.
    for rpc in RPCS.values():
        if rpc.index == request["api_index"]:
            _check_rpc(rpc.name)
    return plan.encode(request)


def _check_rpc(name: str) -> None:
    """Raise for an RPC that returns a session or ends one."""
    rpc = next((one for one in RPCS.values() if one.name.lower() == name.lower()), None)
    if rpc is not None and (rpc.response == "mezon.api.Session" or _SESSION_CALL.search(rpc.name)):
        raise _session_error(name)


def _session_error(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name[:_MAX_TEXT]} is about the relay's session, which no worker may use")


def _placeholder_token(session: Session) -> str:
    """Return the unsigned token that workers get in place of the real one."""
    claims = {"uid": session.user_id, "usn": session.username, "exp": session.expires_at}

    def part(values: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.held-by-the-relay"
