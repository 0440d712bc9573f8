"""Trace files of the flight recorder: redaction, writing and reading.

A trace is text: a header and then one JSON object per line (docs/guide/recorder.md). Envelopes are protobuf messages
in protobuf's own JSON form. By default no text survives: letters become ``x`` and digits ``0``, so that lengths and
offsets stay. A string is kept only if its field is on a list of ids and kinds; tokens, keys and passwords never are.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from mezon.ports import HttpExchange
from mezon.protobuf._rpc_table import RPCS
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi.realtime_pb2 import Envelope
from mezon.utils.secrets import hide

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message


__all__ = ["VERSION", "Record", "Trace", "TraceError", "read_trace", "write_trace"]

#: The version of the format. A reader refuses newer ones.
VERSION: Final = 1

#: Fields whose strings are kept: kinds and ids, nothing that a user has written.
_KEPT: Final = frozenset(
    {
        "api_name",
        "button_id",
        "emoji",
        "file_type",
        "filetype",
        "id",
        "key",
        "lang_tag",
        "platform",
        "selectbox_id",
        "shortname",
        "type",
    }
)
#: Names of what is never kept, whatever the options.
_SECRET: Final = re.compile(
    r"token|passw|secret|otp|auth(?!or)|session|api_?key|jwt|private|signature|_url$|^sign$|^encr$"
)
#: Paths of the API, which contain neither texts nor secrets.
_PATHS: Final = ("/mezon.api.Mezon/", "/v2/")
#: Fields with the server's own words.
_WORDS_OF_THE_SERVER: Final = frozenset({"mezon.realtime.Error.message"})
_ID: Final = re.compile(r"ids?$", re.IGNORECASE)
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")
#: Characters outside the basic plane count as two in the offsets of the protocol.
_ASTRAL: Final = re.compile(r"[\U00010000-\U0010FFFF]")

#: Bytes fields of a message that hold a list message, by name; their content is redacted field by field.
_LISTS: Final = {
    "mentions": "MessageMentionList",
    "attachments": "MessageAttachmentList",
    "reactions": "MessageReactionList",
    "references": "MessageRefList",
}


class TraceError(Exception):
    """A file is not a trace that this version can read."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a trace.

    Attributes:
        at: Seconds since the epoch.
        kind: received, sent, chunk, malformed, opened, lost or http.
        fields: The other fields of the line.
    """

    at: float
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def event(self) -> str:
        """The field of the envelope; "" for other kinds."""
        return str(self.fields.get("event", ""))

    @property
    def is_event(self) -> bool:
        """Whether it is an event from the server: an envelope that answers no call and is no heartbeat."""
        return (
            self.kind == "received" and not self.fields.get("cid") and self.event not in ("", "ping", "pong")
        )

    def envelope(self) -> Envelope:
        """Return the envelope of a received or sent frame."""

        message = {self.event: self.fields["message"]} if self.event else {}
        return ParseDict({"cid": self.fields.get("cid", 0), **message}, Envelope())


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace that was read.

    Attributes:
        header: ``mezon_trace`` (the version), ``mezon_rs``, ``bot_id``, ``reason``, ``written``, ``texts``,
            ``dropped`` and the system.
        records: In the order of their arrival.
    """

    header: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def bot_id(self) -> int:
        """The id of the recorded bot."""
        return int(self.header.get("bot_id") or 0)

    def events(self) -> Iterator[Record]:
        """Yield the events from the server."""
        return (record for record in self.records if record.is_event)


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Read a trace file.

    Raises:
        TraceError: If the file is not a trace, or of a newer version.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        header, *rest = [json.loads(line) for line in lines] or [None]
        version = header["mezon_trace"]
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError):
        raise TraceError(f"{path} is not a trace of mezon-rs") from None
    if version != VERSION:
        raise TraceError(
            f"{path} has version {version} of the format; this mezon-rs reads {VERSION}: upgrade it"
        )
    try:
        return Trace(header, [Record(line.pop("at"), line.pop("kind"), line) for line in rest])
    except (KeyError, AttributeError, TypeError):
        raise TraceError(f"{path} is damaged: a line has no time or no kind") from None


def write_trace(
    path: str | os.PathLike[str],
    rows: Iterable[tuple[float, str, bytes]],
    *,
    bot_id: int,
    reason: str,
    version: str,
    texts: bool = False,
    dropped: int = 0,
    secrets: Sequence[str] = (),
) -> int:
    """Write the records of a recorder, redacted, and return their number. An existing file is replaced at the end.

    Args:
        path: The file, readable only for this user.
        rows: Time, kind and body of each record.
        bot_id: The id of the bot.
        reason: Why it is written; must contain no text of a message.
        version: The version of mezon-rs.
        texts: Keep texts. Tokens, keys and passwords are redacted nevertheless.
        dropped: How many records the bounds have dropped.
        secrets: Further secrets to redact wherever they appear.
    """
    redaction = _Redaction(texts)
    header = {
        "mezon_trace": VERSION,
        "mezon_rs": version,
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "reason": reason,
        "bot_id": str(bot_id),
        "texts": texts,
        "dropped": dropped,
    }
    count = 0
    folder, name = os.path.split(os.path.abspath(path))
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=folder, prefix=f".{name[:64]}.", delete=False
    ) as file:
        try:
            file.write(hide(_line(header), secrets))
            for at, kind, body in rows:
                fields = {"at": round(at, 6), "kind": kind, **redaction.fields(kind, body)}
                file.write(hide(_line(fields), secrets))
                count += 1
            file.close()
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise
    return count


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


class _Redaction:
    """Turns records into what may leave the process."""

    def __init__(self, texts: bool) -> None:
        self._texts = texts

    def fields(self, kind: str, body: bytes) -> dict[str, Any]:
        """Return the fields of a record."""
        match kind:
            case "received" | "sent":
                return self._envelope(body)
            case "chunk":
                return {
                    "cid": int.from_bytes(body[1:3], "big"),
                    "code": int.from_bytes(body[3:5], "big"),
                    "last": body[5:7] == b"\x00\xff",
                    "size": max(len(body) - 7, 0),
                }
            case "opened":
                return {"transport": body.decode("utf-8", "replace")}
            case "http":
                return self._exchange(HttpExchange.decode(body))
            case _:
                return {"reason": body.decode("utf-8", "replace")}

    # ---- protobuf

    def _envelope(self, body: bytes) -> dict[str, Any]:

        try:
            envelope = Envelope.FromString(body)
        except DecodeError:
            return {"event": "", "size": len(body)}
        event = envelope.WhichOneof("message") or ""
        fields: dict[str, Any] = {"event": event}
        if envelope.cid:
            fields["cid"] = envelope.cid
        if not event:
            return {**fields, "size": len(body)}
        message = getattr(envelope, event)
        if event == "api_request_event" and message.body:
            # Redacted by the type of the request; the size shows that there was one.
            fields["request"] = self._rpc_body(message.api_name, message.body, "request")
            message.body = b""
        return {**fields, **self._message(message)}

    def _message(self, message: Message) -> dict[str, Any]:
        """Return a message as JSON, redacted, and the numbers of the fields that the schema does not know."""

        unknown = sorted(set(_unknown_fields(message)))
        message.DiscardUnknownFields()
        self._redact(message)
        shown = {"message": MessageToDict(message, preserving_proto_field_name=True)}
        return {**shown, "unknown": unknown} if unknown else shown

    def _redact(self, message: Message) -> None:
        for descriptor, value in message.ListFields():
            name = descriptor.name
            if _is_map(descriptor):
                for key in value:
                    if isinstance(value[key], str):
                        value[key] = self._text(name, value[key], mapped=True)
                    elif hasattr(value[key], "ListFields"):
                        self._redact(value[key])
            elif descriptor.message_type is not None:
                for one in value if _is_many(value) else (value,):
                    self._redact(one)
            elif descriptor.type == descriptor.TYPE_STRING:
                if descriptor.full_name in _WORDS_OF_THE_SERVER:
                    continue
                if _is_many(value):
                    value[:] = [self._text(name, one) for one in value]
                else:
                    setattr(message, name, self._text(name, value))
            elif descriptor.type == descriptor.TYPE_BYTES:
                if _is_many(value):
                    value[:] = [self._bytes(name, one) for one in value]
                else:
                    setattr(message, name, self._bytes(name, value))

    def _bytes(self, name: str, value: bytes) -> bytes:
        """Redact a bytes field: a list of parts, JSON, or unknown content, of which only the size stays."""
        if (parts := _LISTS.get(name)) is not None and value[:1] not in (b"[", b"{"):
            try:
                found = getattr(api_pb2, parts).FromString(value)
            except DecodeError:
                return bytes(len(value))
            found.DiscardUnknownFields()
            self._redact(found)
            return bytes(found.SerializeToString())
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return bytes(len(value))
        return self._text(name, text).encode()

    # ---- texts

    def _text(self, name: str, value: str, *, mapped: bool = False) -> str:
        """Redact a string of a field.

        Args:
            name: The name of the field.
            value: Its value.
            mapped: It is the value of a map, whose keys may be anything.
        """
        if _SECRET.search(name.lower()):
            return _masked(value)
        if value[:1] in ("{", "["):
            try:
                return json.dumps(
                    self._json(name, json.loads(value)), ensure_ascii=False, separators=(",", ":")
                )
            except (ValueError, RecursionError):
                return value if self._texts else _masked(value)
        if self._texts or (
            not mapped and (name.lower() in _KEPT or (_ID.search(name) and value.isdecimal()))
        ):
            return value
        return _masked(value)

    def _json(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._json(key, one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._json(name, one) for one in value]
        return self._text(name, value) if isinstance(value, str) else value

    # ---- HTTP

    def _exchange(self, exchange: HttpExchange) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "name": exchange.name,
            "method": exchange.method,
            # Paths of uploads are signed, and contain names of files.
            "path": exchange.path if exchange.path.startswith(_PATHS) else "",
            "status": exchange.status,
            "seconds": round(exchange.seconds, 6),
        }
        if exchange.error:
            fields["error"] = exchange.error
        for part in ("request", "response"):
            body = getattr(exchange, part)
            if body:
                fields[part] = self._rpc_body(exchange.name, body, part)
        return fields

    def _rpc_body(self, name: str, body: bytes, part: str) -> dict[str, Any]:
        """Return the body of an RPC, redacted by its type; of other bodies only the size."""

        rpc = RPCS.get(name)
        kind = None if rpc is None else rpc.request_class if part == "request" else rpc.response_class
        if kind is not None and body[:1] not in (b"{", b"["):
            with contextlib.suppress(DecodeError):
                return self._message(kind.FromString(body))
        try:
            return {"json": self._json("", json.loads(body))}
        except (ValueError, RecursionError):
            return {"size": len(body)}


def _unknown_fields(message: Message, path: str = "") -> Iterator[str]:

    found: Any = UnknownFieldSet(message)
    for one in found:
        yield f"{path}{one.field_number}:{one.wire_type}"
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None and not _is_map(descriptor):
            for inner in value if _is_many(value) else (value,):
                yield from _unknown_fields(inner, f"{path}{descriptor.name}.")


def _is_map(descriptor: FieldDescriptor) -> bool:
    kind = descriptor.message_type
    return kind is not None and bool(kind.GetOptions().map_entry)


def _is_many(value: Any) -> bool:
    return not isinstance(value, str | bytes) and hasattr(value, "__len__")


def _masked(value: str) -> str:
    value = _ASTRAL.sub("\U0001f7e6", value)
    return _DIGIT.sub("0", _LETTER.sub("x", value))
