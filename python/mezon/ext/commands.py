"""Bots with commands, buttons, forms and tasks.

::

    bot = Bot(client_id, api_key, prefix="!")

    @bot.command("roll", aliases=["dice"])
    async def roll(ctx: Context, sides: int = 6) -> None:
        \"\"\"Roll a die.\"\"\"
        await ctx.reply(str(random.randint(1, sides)))

    bot.run()

The module reads from what a handler receives (``Context``, ``Click``) over what is registered (``Command``, ``Group``,
``Router``) to the ``Bot``, which finds the handler of each message and click and calls it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import secrets
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, Unpack, cast, overload

from pydantic import BaseModel

from mezon import (
    ChannelMessage,
    ChannelType,
    ConnectionLostError,
    Disconnect,
    Events,
    InvalidArgumentError,
    MessageHandle,
    MessageLimits,
    MezonClient,
    MezonError,
    Text,
)
from mezon.ext._arguments import Lookups, dependencies_of, parameters_of, parse_arguments
from mezon.ext._checks import (
    Check,
    Cooldown,
    Guarded,
    RoleCache,
    as_checks,
    check,
    clan_only,
    cooldown,
    count_use,
    dm_only,
    group_only,
    has_role,
    owner_only,
    run_checks,
)
from mezon.ext._first import FirstProcess
from mezon.ext._handlers import (
    Callbacks,
    ClickDeduplicator,
    FormHandler,
    Pattern,
    QuickMenuHandler,
    SelectHandler,
    choice_in,
    components_of,
    current_values,
    first_match,
    is_disabled,
    label_of,
    parse_form,
)
from mezon.ext._ids import CALLBACK, FORM, MAX_ID_LENGTH, ONLY_FOR, IdSigner, SignedId
from mezon.ext._injection import (
    Dependencies,
    Middleware,
    call_through,
    check_provided,
)
from mezon.ext._parsing import Triggers, Words, as_dict, marks_of, text_of
from mezon.ext._questions import Questions
from mezon.ext._signatures import (
    adapter_of,
    check_handler,
    check_parentheses,
    check_seconds,
    is_async,
    key_part,
)
from mezon.ext._widgets import Button, Form, button_rows
from mezon.ext.errors import (
    ArgumentError,
    CheckFailedError,
    CooldownError,
    FormError,
    NoAnswerError,
    UnknownCommandError,
    UserError,
)
from mezon.ext.flows import Flow, FlowHandler, Flows
from mezon.ext.jobs import Job, JobQueue, ScheduledCall
from mezon.ext.pagination import PAGE_BUTTONS, Content, paginate
from mezon.ext.state import Backend, ScopedState, StateStore
from mezon.ext.streaming import StreamOptions, stream_reply
from mezon.ext.tasks import Cron, Every, Task, zone_of
from mezon.ext.texts import CURRENT_TEXTS, Language, OwnTexts, Texts, sentence
from mezon.utils.content_hints import warn_of_comparison
from mezon.utils.user_code import set_origin

if TYPE_CHECKING:
    from mezon import (
        ButtonClicked,
        ChannelMessageAck,
        Clan,
        ClientOptions,
        DirectOptions,
        EditOptions,
        EphemeralOptions,
        EventStream,
        SendOptions,
        TextChannel,
        User,
    )
    from mezon.filters import Filter

__all__ = [
    "ArgumentError",
    "Bot",
    "Check",
    "CheckFailedError",
    "Click",
    "Command",
    "Content",
    "Context",
    "Cooldown",
    "CooldownError",
    "FormError",
    "Group",
    "MenuChoice",
    "NoAnswerError",
    "Router",
    "UnknownCommandError",
    "UserError",
    "check",
    "clan_only",
    "cooldown",
    "dm_only",
    "group_only",
    "has_role",
    "owner_only",
]

logger: Final = logging.getLogger("mezon.ext")

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")
FormT = TypeVar("FormT", bound=Form)
FlowT = TypeVar("FlowT", bound=Flow)
ReadyT = TypeVar("ReadyT", bound="Callable[[Any], Any] | Callable[[], Any]")

Buttons: TypeAlias = "Sequence[Button] | Sequence[Sequence[Button]]"

#: Called with the source (a context, a click or a task) and the error.
ErrorHandler: TypeAlias = "Callable[[Any, Exception], Awaitable[Any]]"


# ---- what handlers receive


def _check_not_empty(content: Content, buttons: Buttons | None, options: Mapping[str, Any]) -> None:
    """Refuse a message of which a reader would see nothing.

    Raises:
        InvalidArgumentError: If the text is empty and there are neither buttons nor files.
    """
    visible = buttons or options.get("files") or options.get("attachments")
    if isinstance(content, str | Text) and not content and not visible:
        raise InvalidArgumentError("the message is empty: pass a text, buttons or files")


class Interaction:
    """An action of a user in a channel, and the ways to respond to it. Base class of ``Context`` and ``Click``.

    Attributes:
        bot: The bot.
        user_id: The id of the user.
    """

    def __init__(self, bot: Bot, channel: TextChannel | None, user_id: int) -> None:
        self.bot = bot
        self.user_id = user_id
        self._channel = channel

    @property
    def channel(self) -> TextChannel:
        """The channel.

        Raises:
            MezonError: If the channel of a click could not be fetched; an error handler can receive such a click.
        """
        if self._channel is None:
            raise MezonError("the channel of this click could not be fetched, so nothing can be sent to it")
        return self._channel

    @property
    def clan(self) -> Clan:
        """The clan; the clan with the id 0 for direct messages and group chats."""
        return self.channel.clan

    @property
    def is_dm(self) -> bool:
        """Whether this is a direct message between one user and the bot.

        The channel's type comes from its description, or from the mode of the first message received in it.
        """
        return self.channel.channel_type == ChannelType.CHANNEL_TYPE_DM

    @property
    def is_group(self) -> bool:
        """Whether this is a group chat, which has no clan either; see ``is_dm``."""
        return self.channel.channel_type == ChannelType.CHANNEL_TYPE_GROUP

    @property
    def state(self) -> ScopedState:
        """The records of this user, channel and clan; see ``mezon.ext.state``."""
        return self.bot.records.at(clan_id=self.clan.id, channel_id=self.channel.id, user_id=self.user_id)

    async def send(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[SendOptions],
    ) -> ChannelMessageAck:
        """Send a message to the channel.

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            buttons: Buttons below the message, in one row or in several rows.
            timeout: Seconds for which buttons with a callback work.
            options: Options of ``TextChannel.send``, such as ``files``.

        Returns:
            The acknowledgement, which can ``update`` and ``delete`` the message.

        Raises:
            InvalidArgumentError: If the text is empty and there are neither buttons nor files.
            MezonError: If the message cannot be sent.
        """
        _check_not_empty(content, buttons, options)
        return await self.channel.send(self.bot.body(content, buttons, timeout), **options)

    async def reply(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[SendOptions],
    ) -> ChannelMessageAck:
        """Reply; the arguments are those of ``send``."""
        return await self.send(content, buttons=buttons, timeout=timeout, **options)

    async def whisper(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[EphemeralOptions],
    ) -> Any:
        """Send a message in the channel that only the user sees; see ``TextChannel.send_ephemeral``."""
        _check_not_empty(content, buttons, options)
        body = self.bot.body(content, buttons, timeout, private_to=self.user_id)
        return await self.channel.send_ephemeral(self.user_id, body, **options)

    @property
    def author(self) -> User:
        """The user, with the names that messages, lists of members or ``fetch_user`` have provided."""
        return self.bot.directory.user_of(self.user_id)

    async def fetch_user(self) -> User:
        """Return the user; opens a DM with a user the bot does not know.

        Raises:
            MezonError: If the user cannot be reached.
        """
        return await self.bot.users.fetch(self.user_id)

    async def dm(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[DirectOptions],
    ) -> ChannelMessageAck:
        """Send the user a direct message; see ``User.send_dm_message``."""
        _check_not_empty(content, buttons, options)
        user = await self.fetch_user()
        body = self.bot.body(content, buttons, timeout, private_to=self.user_id)
        return await user.send_dm_message(body, **options)

    def typing(self) -> Any:
        """Show the bot as typing until the block ends: ``async with ctx.typing(): ...``."""
        return self.channel.typing()

    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Wait for the next matching event; see ``client.wait_for``."""
        return await self.bot.wait_for(event, check, timeout)

    @overload
    async def ask(self, question: Content, *, timeout: float = 60.0) -> str: ...
    @overload
    async def ask(self, question: Content, kind: type[T], *, timeout: float = 60.0) -> T: ...
    async def ask(self, question: Content, kind: Any = str, *, timeout: float = 60.0) -> Any:
        """Ask the user a question and wait for the user's next message in this channel that calls no command.

        If several questions to the user are open in the channel, the newest one gets the answer.

        ```python
        from mezon.ext.commands import Context

        @bot.command()
        async def order(ctx: Context) -> None:
            count = await ctx.ask("How many?", int, timeout=60)
            await ctx.send(f"{count} it is")
        ```

        Args:
            question: The message to send.
            kind: The type of the answer, such as ``int``. The user is told why an answer is invalid and can try again.
            timeout: Seconds to wait for a valid answer.

        Raises:
            NoAnswerError: If no valid answer arrives in time (a TimeoutError). If the handler does not catch the error,
                the user is told.
            ConnectionLostError: If the client closes while waiting. If the handler does not catch the error, and
                ``disconnect`` gives it time, the user is told to start again.
            InvalidArgumentError: If no text can be converted to ``kind``.
        """
        adapter = adapter_of(kind)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout

        with self.bot.questions.ask(self.channel.id, self.user_id, adapter) as open_question:

            def is_answer(message: ChannelMessage) -> bool:
                return (
                    message.sender_id == self.user_id
                    and message.channel_id == self.channel.id
                    and not message.code
                    and not self.bot.calls_command(message)
                    and self.bot.questions.takes(open_question, message)
                )

            # The stream opens before the question is sent: an answer can arrive before the acknowledgement.
            async with self.bot.stream("channel_message", is_answer) as answers:
                await self.send(question)
                while True:
                    try:
                        message = await answers.next(max(end - loop.time(), 0))
                    except TimeoutError:
                        raise self._no_answer("no_answer", seconds=f"{timeout:g}") from None
                    try:
                        return open_question.read(message)
                    except ArgumentError as error:
                        error.translate(self.bot.texts)
                        await message.reply(str(error))

    def _no_answer(self, key: str, **values: Any) -> NoAnswerError:
        # The handler may catch the error and show it: the bot's language is applied at once.
        return NoAnswerError(self.bot.texts(key, **values))

    async def paginate(
        self,
        items: Iterable[T],
        *,
        per_page: int = 10,
        render: Callable[[Sequence[T]], Content] | None = None,
        only_for: Any = None,
        anybody: bool = False,
        ttl: float = 7 * 86_400.0,
    ) -> ChannelMessageAck:
        """Reply with a list in pages, with buttons for the previous and the next page.

        All pages are rendered at once and stored in the bot's state: the buttons keep working after a restart.

        Args:
            items: The items.
            per_page: Items on a page.
            render: Returns the content of a page with these items; one line for each item by default.
            only_for: The users who may turn the pages, or one user; by default the user of this context.
            anybody: Whether all users may turn the pages.
            ttl: Seconds for which the buttons work.

        Returns:
            The acknowledgement of the message. It has no buttons if there is only one page.

        Raises:
            InvalidArgumentError: If an argument is invalid.
            StateError: If the pages cannot be stored.
            MezonError: If the message cannot be sent.
        """
        return await paginate(
            self, items, per_page=per_page, render=render, only_for=only_for, anybody=anybody, ttl=ttl
        )

    async def start(self, flow: type[Flow], /, **fields: Any) -> None:
        """Start a flow with the user in this channel, which replaces an open one; see ``mezon.ext.flows``.

        Args:
            flow: A class registered with ``@bot.flow``.
            fields: Values of its fields.

        Raises:
            InvalidArgumentError: If the bot has no such flow, or a field is unknown.
        """
        await self.bot.flows.start(self, flow, fields)

    async def stream_reply(
        self, chunks: AsyncIterable[str], **options: Unpack[StreamOptions]
    ) -> list[ChannelMessageAck]:
        """Reply with a text while it is produced; see ``mezon.ext.streaming.stream_reply``."""
        return await stream_reply(self, chunks, **options)

    async def send_form(
        self,
        form: type[FormT],
        *,
        title: str,
        timeout: float = 600.0,
        submit: str | None = None,
        done: str = "",
        anybody: bool = False,
    ) -> FormT:
        """Send a form and wait until it is submitted.

        The user is told which values are invalid and can submit the form again.

        ```python
        from mezon.ext.commands import Context
        from mezon.ext.components import Form

        class Lunch(Form):
            dish: str
            count: int = 1

        @bot.command()
        async def lunch(ctx: Context) -> None:
            order = await ctx.send_form(Lunch, title="Lunch")
            await ctx.send(f"{order.count} x {order.dish}")
        ```

        Args:
            form: A subclass of ``Form``.
            title: The title of the form.
            timeout: Seconds to wait.
            submit: The label of the submit button; "Send" in the language of the bot by default.
            done: The text that replaces the form afterwards; the title by default.
            anybody: Whether other users may submit the form.

        Returns:
            The validated form.

        Raises:
            NoAnswerError: If the form is not submitted in time (a TimeoutError). If the handler does not catch the
                error, the user is told.
            ConnectionLostError: If the client closes while waiting. If the handler does not catch the error, and
                ``disconnect`` gives it time, the user is told to start again.
        """
        content = form.content(title=title, submit=submit, texts=self.bot.texts)
        # A unique id: this call waits for the form, not a handler registered with @bot.form.
        button_id = f"{FORM}-{secrets.token_urlsafe(9)}"
        content["components"][0]["components"][0]["id"] = button_id

        def is_submission(click: ButtonClicked) -> bool:
            return click.button_id == button_id and (anybody or click.user_id == self.user_id)

        end = asyncio.get_running_loop().time() + timeout
        with self.bot.callbacks.awaiting(button_id):
            async with self.bot.stream("message_button_clicked", is_submission) as clicks:
                sent = await self.send(content)
                try:
                    submitted = await self._next_valid(form, clicks, end)
                except TimeoutError:
                    raise self._no_answer(
                        "form_not_sent", title=repr(title), seconds=f"{timeout:g}"
                    ) from None
                await sent.update(done or title)
                return submitted

    async def _next_valid(self, form: type[FormT], clicks: EventStream[Any], end: float) -> FormT:
        loop = asyncio.get_running_loop()
        while True:
            click = await clicks.next(max(end - loop.time(), 0))
            if self.bot.click_deduplicator.is_repeat(click):
                continue
            try:
                return parse_form(form, click)
            except FormError as error:
                error.translate(self.bot.texts)
                await self.channel.send_ephemeral(click.user_id, str(error))


class Context(Interaction):
    """The call of a command.

    Attributes:
        message: The message that calls the command.
        command: The command.
        invoked_with: The name the user typed, with the prefix.
    """

    def __init__(self, bot: Bot, message: ChannelMessage, command: Command | None, invoked_with: str) -> None:
        super().__init__(bot, message.channel, message.sender_id)
        self.message = message
        self.command = command
        self.invoked_with = invoked_with

    @property
    def author(self) -> User:
        """The user who called the command."""
        return self.message.author

    async def reply(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[SendOptions],
    ) -> ChannelMessageAck:
        """Reply to the message that called the command; the arguments are those of ``send``.

        ```python
        from mezon.ext.commands import Context

        @bot.command()
        async def ping(ctx: Context) -> None:
            await ctx.reply("pong")
        ```
        """
        _check_not_empty(content, buttons, options)
        return await self.message.reply(self.bot.body(content, buttons, timeout), **options)

    async def send_help(self) -> None:
        """Reply with the help of the command, or with the list of all commands."""
        await self.bot.send_help(self, self.command)


class ClientAction(Interaction):
    """An action that contains only the id of its channel. Base class of ``Click`` and ``MenuChoice``."""

    def __init__(self, bot: Bot, channel_id: int, user_id: int) -> None:
        super().__init__(bot, bot.channels.get(channel_id), user_id)
        self._channel_id = channel_id

    @property
    def has_channel(self) -> bool:
        """Whether the channel is known. An error handler can receive an action whose channel could not be fetched."""
        return self._channel is not None

    async def find_channel(self) -> None:
        """Fetch the channel unless the client knows it.

        Raises:
            MezonError: If the channel cannot be fetched.
            CooldownError: If the user has caused too many lookups.
        """
        if self._channel is None:
            self._channel = await self.bot.lookups.run(
                self.user_id, lambda: self.bot.channels.fetch(self._channel_id)
            )


class Click(ClientAction):
    """A click on a button, or a choice in a select box.

    **The client of the user supplies** ``user_id``. The server is reported to forward it unchecked, so a modified
    client can click in the name of another user. Before a payment or an administrative action, require
    ``actor_verified``, or a message of the user, such as ``await click.ask(...)``: the server fills in the author of a
    message.

    Attributes:
        event: The event.
        id: The id of the button or the select box, without the signature of ``only_for``.
        message: The message with the component; it can be updated, answered and deleted.
        values: The values of the message's inputs, by id; ``{id: [values]}`` for a select box. Mezon's apps send each
            choice in a select box for several choices alone.
        form_state: The state in the submit button of a form; see ``Form.content``.
        only_for: The user for whom the button was made; None for other components.
    """

    def __init__(self, bot: Bot, event: Any, signed: SignedId | None = None) -> None:
        super().__init__(bot, event.channel_id, event.user_id)
        self.event = event
        self.message: MessageHandle = event.message
        self.id: str
        self.values: dict[str, str | list[str]]
        self._is_choice = not hasattr(event, "button_id")
        self._component_id: str = event.selectbox_id if self._is_choice else event.button_id
        self._component: Mapping[str, Any] | None = None
        if self._is_choice:
            self.id, self.values = self._component_id, {self._component_id: list(event.values)}
        else:
            self.id = signed.id if signed is not None else self._component_id
            self.values = event.values
        self.form_state = ""
        self.only_for: int | None = signed.user_id if signed is not None else None
        self._is_private = signed is not None and signed.private

    @property
    def actor_verified(self) -> bool:
        """Whether ``user_id`` is more than a claim of the client that sent the click.

        True for a button with ``only_for`` in a message that only this user received (``whisper`` or ``dm``): other
        clients do not know its id. Also true for the event ``dropdown_box_selected``, for which the server is reported
        to fill in the user; Mezon's apps send choices as clicks instead. False for all other clicks.
        """
        if not hasattr(self.event, "button_id"):
            return True
        return self._is_private and self.only_for == self.user_id

    async def find_component(self) -> None:
        """Find the component, and whether the click is a choice in a select box.

        The message is read from the cache or the store, never from the server. If it is unknown, the form of the click
        decides. Values of inputs that the message no longer has are dropped.
        """
        try:
            message = await self.channel.messages.fetch(self.message.id)
        except (ValueError, MezonError):
            components = None
        else:
            components = components_of(message.content)
            self._component = components.get(self._component_id)
        if self._is_choice:
            return
        chosen = choice_in(self._component, self.event)
        if chosen is not None and self.only_for is None:
            self._is_choice = True
            self.values = {self.id: [chosen]}
        elif components is not None:
            self.values = current_values(components, self.values)

    @property
    def is_choice(self) -> bool:
        """Whether this is a choice in a select box."""
        return self._is_choice

    @property
    def label(self) -> str:
        """The label of the clicked button; its id if the message is not in the cache, or for a select box."""
        return label_of(self._component) or self.id

    def check_allowed(self) -> None:
        """Refuse a click on a disabled component, which some apps allow, or on a button for another user.

        A component of an unknown message counts as enabled.

        Raises:
            CheckFailedError: With a sentence for the user.
        """
        if self.only_for is not None and self.only_for != self.user_id:
            raise CheckFailedError(sentence("button_of_another_user"))
        if self._component is not None and is_disabled(self._component):
            raise CheckFailedError(sentence("select_disabled" if self._is_choice else "button_disabled"))

    def _handle(self) -> MessageHandle:
        """Return the message, only if its channel is known: otherwise the handle would fetch it, without a limit."""
        _ = self.channel
        return self.message

    async def reply(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[SendOptions],
    ) -> ChannelMessageAck:
        """Reply to the message with the component; the arguments are those of ``send``."""
        _check_not_empty(content, buttons, options)
        return await self._handle().reply(self.bot.body(content, buttons, timeout), **options)

    async def update(
        self,
        content: Content,
        *,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        **options: Unpack[EditOptions],
    ) -> ChannelMessageAck:
        """Edit the message with the component; its buttons are removed unless ``buttons`` are given."""
        return await self._handle().update(self.bot.body(content, buttons, timeout), **options)


class MenuChoice(ClientAction):
    """A choice in the quick menu of a message.

    As with a ``Click``, the client of the user supplies ``user_id`` and the content: both can be forged.

    Attributes:
        event: The event, a ``realtime_pb2.QuickMenuDataEvent``.
        name: The name of the entry.
        message: The message on which the menu was opened.
        content: The content of this message, as the user's client sent it.
        text: The text in this content, ``""`` if there is none.
    """

    def __init__(self, bot: Bot, event: Any) -> None:
        super().__init__(bot, event.message.channel_id, event.sender_id)
        self.event = event
        self.name: str = event.menu_name
        self.message: MessageHandle = bot.directory.handle_of(
            event.message.channel_id, event.message.id, event.message_sender_id
        )
        self.content: dict[str, Any] = as_dict(event.message.content)
        text = self.content.get("t")
        self.text: str = text if isinstance(text, str) else ""


# ---- what is registered


class Command(Guarded):
    """A command.

    Attributes:
        name, aliases: The names of the command.
        callback: The function.
        help: The docstring of the function.
        parent: The group of the command.
        hidden: Whether the list of commands omits it.
    """

    def __init__(
        self,
        callback: Callable[..., Any],
        *,
        name: str | None = None,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> None:
        super().__init__(checks, cooldown)
        if isinstance(callback, Command):
            raise InvalidArgumentError(
                f"{callback.full_name} is a command already: use aliases to give it more names"
            )
        if not is_async(callback):
            called = getattr(callback, "__name__", "name")
            raise InvalidArgumentError(
                f"the command {called} must be a coroutine function: async def {called}(ctx, ...)"
            )
        self.callback = callback
        self.name: str = name if name else str(getattr(callback, "__name__", ""))
        self.aliases: tuple[str, ...] = (aliases,) if isinstance(aliases, str) else tuple(aliases)
        for one in self.names:
            if not isinstance(one, str) or not one or one != "".join(one.split()):
                raise InvalidArgumentError(f"the name of a command must be one word, not {one!r}")
        self.help: str = inspect.getdoc(callback) or ""
        self.hidden = hidden
        self.parent: Group | None = None
        #: The parameters that dependencies fill.
        self.provided: dict[str, type] = dependencies_of(callback)
        self._parameters = parameters_of(callback, self.provided)

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)

    @property
    def full_name(self) -> str:
        """The name, preceded by the names of its groups."""
        return f"{self.parent.full_name} {self.name}" if self.parent is not None else self.name

    @property
    def usage(self) -> str:
        """The usage line, such as ``poll <question> [choices...]``."""
        return " ".join([self.full_name, *(parameter.usage for parameter in self._parameters)])

    async def run(self, ctx: Context, words: Words) -> None:
        """Run the checks, parse the arguments and call the function.

        Raises:
            UserError: With a sentence for the user.
        """
        ctx.command = self
        await self.allow(ctx)
        try:
            args, kwargs = parse_arguments(self._parameters, words)
            # Counted before the lookups, which call the server. A mistake that needs no lookup is not counted.
            if (counting := self.count(ctx)) is not None:
                await counting
            args, kwargs = await ctx.bot.lookups.resolve(args, kwargs, ctx.user_id, ctx.clan)
        except ArgumentError as error:
            usage = f"{ctx.bot.prefix}{self.usage}"
            raise ArgumentError(
                sentence("usage", problem=error.args[0], usage=usage), error.parameter
            ) from error
        call = (
            partial(self._call_provided, ctx, args, kwargs)
            if self.provided
            else partial(self.callback, ctx, *args, **kwargs)
        )
        await ctx.bot.invoke(ctx, self.provided, call)

    async def _call_provided(
        self, ctx: Context, args: list[Any], kwargs: dict[str, Any], **provided: Any
    ) -> None:
        """Call the function with its dependencies, which may stand before the arguments from the message."""
        words = iter(args)
        before = [
            provided.pop(name) if name in provided else next(words)
            for name, one in list(inspect.signature(self.callback).parameters.items())[1:]
            if one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        await self.callback(ctx, *before, *words, **kwargs, **provided)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function directly."""
        return await self.callback(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name}>"


class Listener:
    """A handler of an event."""

    def __init__(self, event: str, handler: Callable[..., Any]) -> None:
        self.event = event
        self.handler = handler


Item: TypeAlias = (
    "Command | Pattern | SelectHandler | QuickMenuHandler | FormHandler | Task | Job | FlowHandler | Listener"
)


class Registry:
    """The decorators shared by bots, routers and groups."""

    def _register(self, item: Item) -> None:
        raise NotImplementedError

    def command(
        self,
        name: str | None = None,
        *,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> Callable[[Callable[..., Any]], Command]:
        """Register a command, such as ``@bot.command("poll")`` on ``async def poll(ctx, question, *choices)``.

        The words after the name become the arguments, converted by the types of the parameters: ``str``, ``int``,
        ``float``, ``bool``, ``datetime``, ``Literal``, an ``Enum``, a ``User``, a ``TextChannel``, or any type that
        pydantic can validate from a text. ``*names`` takes all remaining words, ``*, text`` the remaining text as it
        was typed. The docstring is the help of the command.

        ```python
        from mezon.ext.commands import Context

        @bot.command("poll", aliases=["vote"])
        async def poll(ctx: Context, question: str, *choices: str) -> None:
            await ctx.send(f"{question} {', '.join(choices)}?")
        ```

        Args:
            name: The name; the name of the function by default.
            aliases: Other names.
            checks: Who may use the command; see ``mezon.ext.commands.check``.
            cooldown: How often the command may be used.
            hidden: Omit the command from the list of commands.

        Raises:
            InvalidArgumentError: If the function is not a coroutine function, or a name is taken.
        """
        if name is not None:
            check_parentheses(name, '@bot.command() or @bot.command("name")')

        def add(function: Callable[..., Any]) -> Command:
            command = Command(
                function, name=name, aliases=aliases, checks=checks, cooldown=cooldown, hidden=hidden
            )
            self._register(command)
            return command

        return add

    def group(
        self,
        name: str | None = None,
        *,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> Callable[[Callable[..., Any]], Group]:
        """Register a command with subcommands: ``@admin.command()`` adds ``!admin ...``.

        The function of the group is called if the message names no subcommand.
        """
        if name is not None:
            check_parentheses(name, '@bot.group() or @bot.group("name")')

        def add(function: Callable[..., Any]) -> Group:
            group = Group(
                function, name=name, aliases=aliases, checks=checks, cooldown=cooldown, hidden=hidden
            )
            self._register(group)
            return group

        return add

    def button(self, pattern: str, *, signed: bool = False) -> Callable[[Callable[..., Any]], Pattern]:
        """Register a handler of the buttons whose ids match a pattern, such as ``vote/{poll}/{choice:int}``.

        The buttons keep working after a restart. The handler receives the ``mezon.ext.components.Click`` and the fields
        by name. The decorator returns a factory of the buttons: ``vote.button("Phở", poll="lunch", choice=1)``. Apply
        checks and cooldowns to the handler as decorators.

        Args:
            pattern: The pattern. Choices in select boxes are not passed to the handler, whatever their ids are.
            signed: Take only clicks on buttons with ``only_for``, and only by their user. Without it, a modified client
                can send any id that matches the pattern.

        Raises:
            InvalidArgumentError: If the pattern is invalid or ambiguous (two fields in one segment, two path fields),
                or the handler does not accept the arguments.
        """
        check_parentheses(pattern, '@bot.button("vote/{choice}")')

        def add(function: Callable[..., Any]) -> Pattern:
            handler = Pattern(pattern, function, signed=signed)
            self._register(handler)
            return handler

        return add

    def select(self, pattern: str) -> Callable[[Callable[..., Any]], Pattern]:
        """Register a handler of the select boxes whose ids match a pattern; ``click.values`` has the chosen values.

        Mezon's apps send each choice as a click of its own. A select box in a form also sends its choices when the form
        is submitted.

        Raises:
            InvalidArgumentError: As for ``button``.
        """
        check_parentheses(pattern, '@bot.select("size/{order}")')

        def add(function: Callable[..., Any]) -> Pattern:
            handler = Pattern(pattern, function)
            self._register(SelectHandler(handler))
            return handler

        return add

    def quick_menu(self, name: str) -> Callable[[Callable[..., Any]], QuickMenuHandler]:
        """Register a handler of an entry of the quick menu, which users open on a message.

        The handler receives a ``MenuChoice``. The decorator returns an object whose ``add_to(channel)`` adds the entry
        to a channel. Apply checks and cooldowns to the handler as decorators.

        Raises:
            InvalidArgumentError: If the handler does not accept the argument.
        """
        check_parentheses(name, '@bot.quick_menu("Report")')

        def add(function: Callable[..., Any]) -> QuickMenuHandler:
            handler = QuickMenuHandler(name, function)
            self._register(handler)
            return handler

        return add

    def form(self, form: type[Form]) -> Callable[[F], F]:
        """Register a handler that receives the click and the form on each submission, also after a restart.

        Send the form with ``ctx.send(Lunch.content(title="Lunch"))``. Apply checks and cooldowns to the handler as
        decorators.

        Raises:
            InvalidArgumentError: If the argument is not a subclass of ``Form``, or the handler does not accept the
                arguments.
        """
        if not (isinstance(form, type) and issubclass(form, Form)):
            raise InvalidArgumentError(f"write @bot.form(Lunch), with a subclass of Form, not {form!r}")

        def add(function: F) -> F:
            self._register(FormHandler(form, function))
            return function

        return add

    def every(
        self,
        bare: None = None,
        /,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        at_start: bool = False,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
        each_worker: bool = False,
    ) -> Callable[[Callable[..., Any]], Task]:
        """Run a coroutine function at a fixed interval; see ``mezon.ext.tasks``. It takes no parameters, or the bot.

        Args:
            seconds: The interval; seconds, minutes and hours are added up.
            at_start: Run also when the bot becomes ready.
            overlap: Whether to ``skip`` or ``allow`` a run while the previous run is active.
            missed: Whether to ``skip`` missed runs, or to run ``once`` for all of them.
            grace: Seconds after its time in which a run may still start.
            each_worker: Run in every process of a bot whose processes share their state, not in only one of them.

        Raises:
            InvalidArgumentError: If the interval is not positive, or the function takes other parameters.
        """
        if bare is not None:
            raise InvalidArgumentError(
                "write @bot.every(minutes=5), with parentheses and the name of the unit"
            )
        check_seconds("every()", seconds, minutes, hours, grace)

        def add(function: Callable[..., Any]) -> Task:
            schedule = Every(seconds + 60 * minutes + 3600 * hours, at_start=at_start)
            task = Task(
                function, schedule, overlap=overlap, missed=missed, grace=grace, each_worker=each_worker
            )
            self._register(task)
            return task

        return add

    def cron(
        self,
        line: str,
        *,
        tz: str | tzinfo | None = None,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
        each_worker: bool = False,
    ) -> Callable[[Callable[..., Any]], Task]:
        """Run a coroutine function at the times of a cron line; see ``mezon.ext.tasks``.

        The function takes no parameters, or the bot. The other arguments are those of ``every``.

        Args:
            line: Minute, hour, day, month and day of the week, such as ``0 9 * * 1-5``.
            tz: The time zone, such as ``Asia/Ho_Chi_Minh``; UTC by default.

        Raises:
            InvalidArgumentError: If the cron line or the time zone is invalid, or the function takes other parameters.
            ImportError: If ``cronsim`` is not installed.
        """
        check_parentheses(line, '@bot.cron("0 9 * * 1-5")')
        check_seconds("grace", grace)

        def add(function: Callable[..., Any]) -> Task:
            schedule = Cron(line, zone_of(tz))
            task = Task(
                function, schedule, overlap=overlap, missed=missed, grace=grace, each_worker=each_worker
            )
            self._register(task)
            return task

        return add

    @overload
    def job(self, function: Callable[..., Awaitable[Any]]) -> Job: ...
    @overload
    def job(
        self, *, name: str | None = None, missed: Literal["skip", "once"] = "once", grace: float = 60.0
    ) -> Callable[[Callable[..., Awaitable[Any]]], Job]: ...
    def job(
        self,
        function: Callable[..., Awaitable[Any]] | None = None,
        *,
        name: str | None = None,
        missed: Literal["skip", "once"] = "once",
        grace: float = 60.0,
    ) -> Any:
        """Register a coroutine function whose calls ``bot.later`` and ``bot.at`` schedule; see ``mezon.ext.jobs``.

        The parameter ``bot``, if there is one, receives the bot. The others receive the arguments of the call, which
        are stored as JSON and converted by the types of the parameters.

        Args:
            name: The name in stored calls; the name of the function by default. Set it when you rename the function.
            missed: Whether a missed call runs ``once``, late, or is ``skip``-ped.
            grace: Seconds after its time from which a call counts as missed.

        Raises:
            InvalidArgumentError: If the function is not a coroutine function, has parameters that cannot be stored by
                name, or the name is taken.
        """

        def add(function: Callable[..., Awaitable[Any]]) -> Job:
            job = Job(function, name=name, missed=missed, grace=grace)
            self._register(job)
            return job

        return add if function is None else add(function)

    @overload
    def flow(self, flow: type[FlowT]) -> type[FlowT]: ...
    @overload
    def flow(
        self,
        *,
        name: str | None = None,
        timeout: float = 3600.0,
        back: Sequence[str] | None = None,
        cancel: Sequence[str] | None = None,
    ) -> Callable[[type[FlowT]], type[FlowT]]: ...
    def flow(
        self,
        flow: type[FlowT] | None = None,
        *,
        name: str | None = None,
        timeout: float = 3600.0,
        back: Sequence[str] | None = None,
        cancel: Sequence[str] | None = None,
    ) -> Any:
        """Register a durable conversation, a subclass of ``mezon.ext.flows.Flow``; start it with ``ctx.start(Order)``.

        Args:
            name: The name in the state; the name of the class by default. Set it when you rename the class.
            timeout: Seconds after the last answer at which the flow ends silently.
            back: Answers that return to the previous step; "back" in the language of the bot by default.
            cancel: Answers that end the flow; "cancel" in the language of the bot by default.

        Raises:
            InvalidArgumentError: If the class has no steps, a step does not fit, or the name is taken.
        """

        def add(flow: type[FlowT]) -> type[FlowT]:
            self._register(FlowHandler(flow, name=name, timeout=timeout, back=back, cancel=cancel))
            return flow

        return add if flow is None else add(flow)


class Group(Command, Registry):
    """A command with subcommands."""

    def __init__(self, callback: Callable[..., Any], **options: Any) -> None:
        super().__init__(callback, **options)
        self.commands: dict[str, Command] = {}

    def _register(self, item: Item) -> None:
        if not isinstance(item, Command):
            raise InvalidArgumentError(
                "a group holds only commands: register other handlers on the bot or a router"
            )
        item.parent = self
        _add_command(self.commands, item)

    @property
    def shown(self) -> list[Command]:
        """The subcommands that are not hidden."""
        return [one for one in dict.fromkeys(self.commands.values()) if not one.hidden]

    async def run(self, ctx: Context, words: Words) -> None:
        """Run the subcommand that the next word names, or the group itself.

        Raises:
            UserError: With a sentence for the user.
        """
        word = words.peek()
        subcommand = self.commands.get(word.text.casefold()) if word is not None else None
        if subcommand is None:
            if word is not None and not self._parameters:
                await self.allow(ctx)
                names = ", ".join(one.name for one in self.shown)
                key = "unknown_subcommand" if names else "no_subcommands"
                raise ArgumentError(sentence(key, command=self.full_name, name=repr(word.text), names=names))
            await super().run(ctx, words)
            return
        words.next()
        await self.allow(ctx)
        await subcommand.run(ctx, words)


def _add_command(table: dict[str, Command], command: Command) -> None:
    """Add a command under all its names.

    Raises:
        InvalidArgumentError: If a name is taken.
    """
    names = [name.casefold() for name in command.names]
    for name in names:
        if name in table:
            raise InvalidArgumentError(
                f"the command {name!r} exists already ({table[name].callback.__qualname__}): choose another name"
            )
    table.update(dict.fromkeys(names, command))


class Router(Registry):
    """A part of a bot in its own file; ``bot.include(router)`` adds everything registered on the router.

    Args:
        checks: Checks of all commands, buttons, select boxes and forms. Tasks and listeners have no user to check.
    """

    def __init__(self, *, checks: Iterable[Any] = ()) -> None:
        self._items: list[Item] = []
        self._targets: list[Registry] = []
        self._checks = as_checks(checks)

    def _register(self, item: Item) -> None:
        if self._checks and isinstance(item, Guarded | SelectHandler):
            item.add_checks(self._checks)
        self._items.append(item)
        for target in self._targets:
            target._register(item)

    def on(self, event: str) -> Callable[[F], F]:
        """Register a handler of an event; see ``client.on``."""

        def add(function: F) -> F:
            self._register(Listener(event, function))
            return function

        return add

    def include(self, router: Router) -> None:
        """Add everything that is registered on another router, now and later.

        Raises:
            InvalidArgumentError: If the argument is not a router, or includes this router itself.
        """
        if not isinstance(router, Router):
            raise InvalidArgumentError(f"include() takes a Router, not {router!r}")
        if self._reaches(router):
            which = "itself" if router is self else "a router that includes it"
            raise InvalidArgumentError(f"a router cannot include {which}: registration would never end")
        router.forward_to(self)

    def _reaches(self, other: Router) -> bool:
        """Return whether items registered here are forwarded to the other router, directly or not."""
        routers = (target for target in self._targets if isinstance(target, Router))
        return other is self or any(target._reaches(other) for target in routers)

    def forward_to(self, target: Registry) -> None:
        """Register everything on the target as well, now and later."""
        self._targets.append(target)
        for item in self._items:
            target._register(item)


# ---- the bot


class Bot(Registry, MezonClient):
    """A client with commands, buttons, forms and tasks.

    Args:
        client_id: The id of the bot.
        api_key: The API key. Options that are not listed here are those of ``MezonClient``; ``limits`` defaults to
            ``MessageLimits()``.
        prefix: The prefix of commands, or several prefixes.
        mention: Whether a mention of the bot works as a prefix.
        owner_ids: The users who may use what ``owner_only`` guards.
        own_messages: Whether the bot's own messages can call commands.
        edits: Whether edited messages can call commands.
        help_command: The name of the help command; None for no help command.
        suggest: Answer an unknown command with the nearest command that exists, such as ``!hello`` for ``!helo``.
            Without a similar command there is no answer.
        language: The language of the sentences that users read, such as refusals: ``en`` or ``vi``.
        texts: Your own sentences in place of some or all of them; see ``mezon.ext.texts``.
        lookups_per_minute: Lookups of unknown users and channels that one user may cause in a minute. Each lookup is an
            HTTP call, and the lookups of one user run one at a time.
        state: Where records are kept: a path, ``":memory:"``, a URL of Redis, or a backend; see ``mezon.ext.state``.
        shared_clicks: Recognize repeated clicks across the processes of the bot, through its state. Each click then
            costs a write.
    """

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        *,
        prefix: str | Sequence[str] = "!",
        mention: bool = True,
        owner_ids: Iterable[int | str] | int | str = (),
        own_messages: bool = False,
        edits: bool = False,
        help_command: str | None = "help",
        suggest: bool = False,
        language: Language = "en",
        texts: OwnTexts | None = None,
        lookups_per_minute: int = 10,
        state: Backend | str | os.PathLike[str] | None = None,
        shared_clicks: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        options.setdefault("limits", MessageLimits())
        super().__init__(client_id, api_key, **options)
        self.triggers: Triggers = Triggers(self.client_id, prefix, mention, own_messages, edits)
        owners = [owner_ids] if isinstance(owner_ids, int | str) else owner_ids
        self.owner_ids: frozenset[int] = frozenset(int(one) for one in owners)
        self.commands: dict[str, Command] = {}
        self.suggest: bool = suggest
        self.texts: Texts = Texts(language, texts)
        self.tasks: list[Task] = []
        self.click_deduplicator: ClickDeduplicator = ClickDeduplicator()
        self.callbacks: Callbacks = Callbacks()
        self.signer: IdSigner = IdSigner(self.api_key)
        self.lookups: Lookups = Lookups(self, lookups_per_minute)
        self.questions: Questions = Questions()
        self.jobs: JobQueue = JobQueue(self, lambda: self.records, self._job_failed, self.invoke)
        self.flows: Flows = Flows(lambda: self.records)
        self._listens_for_flows = False
        self._dependencies = Dependencies(self)
        self._middleware: list[Middleware] = []
        self._records: StateStore | None = None
        self._first_process = FirstProcess(lambda: self.records)
        self._state_backend = state
        self._shared_clicks = shared_clicks
        self._patterns: list[Pattern] = [PAGE_BUTTONS]
        self._selects: list[Pattern] = []
        self._quick_menus: dict[str, QuickMenuHandler] = {}
        self._forms: list[FormHandler] = []
        self._roles: RoleCache | None = None
        self._error_handler: ErrorHandler | None = None
        self._subscriptions: set[str] = set()
        # Always subscribed: clicks on buttons from before a restart are answered as well.
        self._subscribe_to_clicks()
        if help_command:
            self.command(help_command)(_help).help = self.texts("help")
        #: Whether anything was registered, except handlers of events and the help command.
        self.has_registered: bool = False

    @property
    def records(self) -> StateStore:
        """The stored records of the bot, for tasks and event handlers; ``ctx.state`` in commands and clicks."""
        if self._records is None:
            self._records = StateStore(self.client_id, self._state_backend, client=self)
        return self._records

    def _shared_records(self) -> StateStore | None:
        return self.records if self.records.is_shared else None

    # ---- registration

    @property
    def prefix(self) -> str:
        """The prefix of commands; the first one if there are several."""
        return self.triggers.prefixes[0] if self.triggers.prefixes else ""

    def include(self, router: Router) -> None:
        """Add everything that is registered on a router, now and later.

        Raises:
            InvalidArgumentError: If the argument is not a router, or the name of a command is taken.
        """
        if not isinstance(router, Router):
            raise InvalidArgumentError(f"include() takes a Router, not {router!r}")
        router.forward_to(self)

    def provide(
        self, kind: type[T], factory: Callable[..., T | Awaitable[T] | Any], *, per_call: bool = False
    ) -> None:
        """Provide an object to the handlers that have a parameter of this type.

        Commands, buttons, select boxes, forms, tasks and jobs receive it. Call this before you register such handlers
        or include their routers.

        ```python
        from mezon.ext.commands import Context

        class Database:
            async def close(self) -> None: ...

        bot.provide(Database, Database)

        @bot.command()
        async def find(ctx: Context, name: str, db: Database) -> None:
            await ctx.reply(f"{name} is not in {db}")
        ```

        Args:
            kind: The class; parameters must be annotated with exactly this class.
            factory: Returns the object, or an awaitable of it; takes no parameters, or the bot. The object's method
                ``aclose`` or ``close``, if there is one, is called at the end. An async generator function may yield
                the object instead, and clean up afterwards.
            per_call: Make an object for each call of a handler, which is closed after the call. By default, one object
                is made at its first use, and closed with the bot.

        Raises:
            InvalidArgumentError: If the type is no class of yours, or is provided already.
        """
        self._dependencies.add(kind, factory, per_call)

    def middleware(self, function: Middleware) -> Middleware:
        """Run a function around every handler; a decorator. It is called with the source and a function that continues.

        The source is the context, the click, the task or the scheduled call. The first registered function is the
        outermost. Checks, cooldowns and arguments come before; dependencies and the handler are inside. An error of the
        handler passes through. If the function does not continue, the handler is not called.

        Raises:
            InvalidArgumentError: If it is not a coroutine function with two parameters.
        """
        check_handler(function, "middleware", ["where", "call_next"])
        self._middleware.append(function)
        return function

    async def invoke(
        self, where: Any, provided: Mapping[str, type], handler: Callable[..., Awaitable[Any]]
    ) -> None:
        """Call a handler of the layer inside the middleware, with the dependencies as keyword arguments."""
        before = CURRENT_TEXTS.set(self.texts)
        try:
            if not provided and not self._middleware:
                await handler()
            else:
                await call_through(self._middleware, where, self._dependencies, provided, handler)
        finally:
            CURRENT_TEXTS.reset(before)

    def error_handler(self, handler: ErrorHandler) -> ErrorHandler:
        """Call ``await handler(where, error)`` for each error of a command, button, form, task or job; a decorator.

        ``where`` is the context, the click, the task or the scheduled call. The default handler tells users what they
        did wrong, or that something went wrong. Errors other than ``UserError`` are logged and reported to ``on_error``
        in any case.

        Raises:
            InvalidArgumentError: If the handler is not a coroutine function with two parameters.
        """
        check_handler(handler, "the error handler", ["where", "error"])
        self._error_handler = handler
        return handler

    def _register(self, item: Item) -> None:
        self.has_registered = True
        if isinstance(item, SelectHandler):
            check_provided(item.pattern.callback, item.pattern.provided, self._dependencies)
        elif isinstance(item, FlowHandler):
            for name, provided in item.provided.items():
                check_provided(item.flow.flow_steps[name].method, provided, self._dependencies)
        elif not isinstance(item, Listener):
            check_provided(item.callback, item.provided, self._dependencies)
        if isinstance(item, Command):
            if not self.content_as_json:
                warn_of_comparison(item.callback)
            self.triggers.check_names(item.names)
            _add_command(self.commands, item)
            self._subscribe(Events.CHANNEL_MESSAGE, self._on_message, self.triggers.filter())
        elif isinstance(item, Pattern):
            self._patterns.append(item)
            self._subscribe_to_clicks()
        elif isinstance(item, FormHandler):
            self._forms.append(item)
            self._subscribe_to_clicks()
        elif isinstance(item, QuickMenuHandler):
            if item.name in self._quick_menus:
                raise InvalidArgumentError(f"the quick menu {item.name!r} has a handler already")
            self._quick_menus[item.name] = item
            self._subscribe(Events.QUICK_MENU, self._on_quick_menu)
        elif isinstance(item, SelectHandler):
            self._selects.append(item.pattern)
            self._subscribe_to_clicks()
            self._subscribe(Events.DROPDOWN_BOX_SELECTED, self._on_select)
        elif isinstance(item, Task):
            item = item.bind(self, self._task_failed, self._shared_records, self.invoke)
            same = sum(one.name == item.name for one in self.tasks)
            item.key = key_part(f"{item.name}_{same + 1}" if same else item.name)
            self.tasks.append(item)
            self._subscribe(Events.READY, self._on_ready)
            self._subscribe(Events.DISCONNECT, self._on_disconnect)
            if self.state == "ready":
                item.start(self)
        elif isinstance(item, Job):
            self.jobs.add(item)
            self._subscribe(Events.READY, self._on_ready)
            self._subscribe(Events.DISCONNECT, self._on_disconnect)
            if self.state == "ready":
                self.jobs.start()
        elif isinstance(item, FlowHandler):
            self.flows.add(item)
            if not self._listens_for_flows:
                self._listens_for_flows = True
                self.on(Events.CHANNEL_MESSAGE, self._on_flow_message)
        else:
            self.on(item.event, item.handler)

    def _subscribe(self, event: Events, handler: Callable[[Any], Any], filter: Filter | None = None) -> None:
        if event.value not in self._subscriptions:
            self._subscriptions.add(event.value)
            self.on(event, handler, filter=filter)

    def _subscribe_to_clicks(self) -> None:
        self._subscribe(Events.MESSAGE_BUTTON_CLICKED, self._on_click)

    # ---- commands

    def _on_message(self, message: ChannelMessage) -> Awaitable[None] | None:
        # Not a coroutine function: a message that calls no command needs no task.
        text = text_of(message)
        start = self.triggers.start_of(message, text)
        return None if start is None else self._run_command(message, text, start)

    def _on_flow_message(self, message: ChannelMessage) -> Awaitable[None] | None:
        """Pass a message to the flow of its user, unless it is of the bot, calls a command or answers a question."""
        if message.code or message.sender_id == self.client_id:
            return None
        if self.calls_command(message) or self.questions.concerns(message):
            return None
        return self._answer_flow(message)

    async def _answer_flow(self, message: ChannelMessage) -> None:
        ctx = Context(self, message, None, "")
        try:
            await self.flows.answer(ctx, text_of(message))
        except Exception as error:
            await self._handle_error(ctx, error)

    def calls_command(self, message: ChannelMessage) -> bool:
        """Return whether a message calls a command that exists."""
        text = text_of(message)
        start = self.triggers.start_of(message, text)
        words = text[start:].split(maxsplit=1) if start is not None else []
        return bool(words) and words[0].casefold() in self.commands

    async def _run_command(self, message: ChannelMessage, text: str, start: int) -> None:
        words = Words(text, start, marks_of(message, text))
        ctx = Context(self, message, None, text[:start])
        try:
            word = words.next()
            command = self.commands.get(word.text.casefold()) if word is not None else None
            if command is None:
                if word is not None:
                    raise UnknownCommandError(word.text)
                return
            ctx.invoked_with = text[:start] + (word.text if word is not None else "")
            await command.run(ctx, words)
        except Exception as error:
            await self._handle_error(ctx, error)

    async def send_help(self, ctx: Context, command: Command | None = None) -> None:
        """Reply with the help of a command, or with the list of all commands."""
        text = Text()
        if command is None:
            shown = {id(one): one for one in self.commands.values() if not one.hidden}
            for one in sorted(shown.values(), key=lambda one: one.name):
                first = one.help.partition("\n")[0]
                text.bold(f"{self.prefix}{one.usage}").line(f"  {first}" if first else "")
        else:
            text.bold(f"{self.prefix}{command.usage}").line()
            if command.aliases:
                text.line(self.texts("aliases", names=", ".join(command.aliases)))
            if command.help:
                text.line(command.help)
            if isinstance(command, Group):
                for one in command.shown:
                    text.code(f"{self.prefix}{one.usage}").line(f"  {one.help.partition(chr(10))[0]}")
        for piece in text.split():
            await ctx.reply(piece)

    async def role_names(self, clan: Any, user_id: int) -> set[str | int]:
        """Return the titles and ids of a user's roles in a clan, cached for half a minute."""
        if self._roles is None:
            cache = self._roles = RoleCache()
            for event in (Events.ROLE_EVENT, Events.ROLE_ASSIGN):
                self.on(event, cache.forget_changed)
        return await self._roles.of(clan, user_id)

    # ---- components

    def body(
        self,
        content: Content,
        buttons: Buttons | None = None,
        timeout: float = 180.0,
        *,
        private_to: int | None = None,
    ) -> Content:
        """Return the content of a message with buttons.

        Args:
            content: The content without the buttons.
            buttons: The buttons.
            timeout: Seconds for which buttons with a callback work.
            private_to: The only user who receives the message, if there is one; see ``Click.actor_verified``.
        """
        if not buttons:
            return content
        message = self.signer.new_message()

        def id_of(button: Button) -> str:
            button_id, user_id = button.id, button.only_for
            if button.callback is not None:
                self._subscribe_to_clicks()
                button_id = self.callbacks.add(button.callback, timeout, user_id)
            if user_id is None:
                return button_id
            return self.signer.sign(button_id, user_id, message, private=user_id == private_to)

        rows = button_rows(buttons, id_of)
        if isinstance(content, str):
            return Text().raw(content).components(*rows)
        if isinstance(content, Text):
            return Text(content).components(*rows)
        whole: dict[str, Any] = (
            content.model_dump(by_alias=True, exclude_none=True)
            if isinstance(content, BaseModel)
            else dict(content)
        )
        return {**whole, "components": [*(whole.get("components") or ()), *rows]}

    async def _on_click(self, event: Any) -> None:
        button_id: str = event.button_id
        if len(button_id) > MAX_ID_LENGTH:
            logger.debug("Ignored a click with an id of %d characters", len(button_id))
            return
        signed = self.signer.verify(button_id) if button_id.startswith(ONLY_FOR) else None
        signed_for = None
        if signed is not None:
            button_id, signed_for = signed.id, signed.user_id
        if self.callbacks.is_awaited(button_id):
            return  # else a handler of every button could make it a repeat for the handler that waits
        callback = self.callbacks.get(button_id, signed_for) if button_id.startswith(CALLBACK) else None
        form = next((one for one in self._forms if one.matches(button_id)), None)
        patterns = [one for one in self._patterns if signed is not None or not one.signed]
        pattern: Pattern | None
        select: Pattern | None = None
        fields: dict[str, Any] = {}
        select_fields: dict[str, Any] = {}
        if button_id.startswith(ONLY_FOR):
            pattern = None
        else:
            pattern, fields = first_match(patterns, button_id)
            if signed is None:
                select, select_fields = first_match(self._selects, button_id)
        expired = callback is None and self.callbacks.is_expired(button_id, event.sender_id, self.client_id)
        if not (callback or form or pattern or select or expired):
            return
        # A choice can be made twice in a row, with another one in between.
        is_choice = callback is None and form is None and choice_in(None, event) is not None
        if not is_choice and self.click_deduplicator.is_repeat(event):
            return
        shared = self._shared_clicks and not is_choice
        if shared and await self.click_deduplicator.is_repeat_elsewhere(self.records, event):
            return

        async def run(click: Click) -> None:
            if click.is_choice and callback is None and form is None:
                if select is not None:
                    await self._run_pattern(select, click, select_fields)
                return
            if callback is not None:
                await run_checks(callback, click)
                if (counting := count_use(callback, click)) is not None:
                    await counting
                await self.invoke(click, {}, partial(_call_either, callback, click))
            elif form is not None:
                click.form_state = form.state_of(click.id)
                await form.allow(click)
                submitted = parse_form(form.form, click.event)
                if (counting := form.count(click)) is not None:
                    await counting
                await self.invoke(click, form.provided, partial(form.callback, click, submitted))
            elif pattern is not None:
                await self._run_pattern(pattern, click, fields)
            elif expired:
                await click.whisper(self.texts("button_expired"))

        await self._run_click(event, run, signed)

    async def _on_select(self, event: Any) -> None:
        pattern, fields = first_match(self._selects, event.selectbox_id)
        # A tool of the desktop app sends the event without a value and a user.
        if pattern is not None and event.values:
            await self._run_click(event, lambda click: self._run_pattern(pattern, click, fields))

    async def _on_quick_menu(self, event: Any) -> None:
        handler = self._quick_menus.get(event.menu_name)
        if handler is None:
            return
        choice = MenuChoice(self, event)
        try:
            await choice.find_channel()
            await handler.allow(choice)
            if (counting := handler.count(choice)) is not None:
                await counting
            await self.invoke(choice, handler.provided, partial(handler.callback, choice))
        except Exception as error:
            await self._handle_error(choice, error)

    async def _run_pattern(self, pattern: Pattern, click: Click, fields: Mapping[str, Any]) -> None:
        await pattern.allow(click)
        if (counting := pattern.count(click)) is not None:
            await counting
        await self.invoke(click, pattern.provided, partial(pattern.callback, click, **fields))

    async def _run_click(
        self, event: Any, run: Callable[[Click], Awaitable[None]], signed: SignedId | None = None
    ) -> None:
        """Find the channel of a click and run its handler; errors, also of the lookup, go to the error handler."""
        click = Click(self, event, signed)
        try:
            await click.find_channel()
            await click.find_component()
            click.check_allowed()
            await run(click)
        except Exception as error:
            if not isinstance(error, UserError):
                # The handler failed: the same click again is a retry, not a duplicate.
                self.click_deduplicator.forget(event)
                if self._shared_clicks:
                    await self.click_deduplicator.forget_elsewhere(self.records, event)
            await self._handle_error(click, error)

    # ---- start

    @overload
    def on_ready(self, handler: ReadyT) -> ReadyT: ...
    @overload
    def on_ready(self, handler: None = None, *, once: bool = False) -> Callable[[ReadyT], ReadyT]: ...
    def on_ready(
        self, handler: ReadyT | None = None, *, once: bool = False
    ) -> ReadyT | Callable[[ReadyT], ReadyT]:
        """Register a handler that is called once after each login, with the client or without an argument.

        In workers of many machines, and in processes that share their state, each process logs in and calls the
        handler. With ``once=True`` only the process that starts the bot calls it; see ``is_first``.
        """

        def register(handler: ReadyT) -> ReadyT:
            if not once or not callable(handler):
                super(Bot, self).on_ready(handler)
                return handler
            function = cast("Callable[..., Any]", handler)

            # Called as the handler is: `wraps` keeps its signature.
            @wraps(function)
            async def call_if_first(*client: Any) -> None:
                if await self.is_first():
                    result = function(*client)
                    if inspect.isawaitable(result):
                        await result

            super(Bot, self).on_ready(call_if_first)
            return handler

        return register if handler is None else register(handler)

    async def is_first(self) -> bool:
        """Return whether this process starts the bot: no other process of the bot was running when it was asked first.

        ```python
        from mezon.ext.commands import Bot

        class MyBot(Bot):
            async def setup_hook(self) -> None:
                self.greeting = "hello"  # in every process
                if await self.is_first():
                    print("the bot starts")  # in one of them
        ```

        The processes of a bot know each other by their shared state: workers of many machines have it, other processes
        with ``Bot(state=...)``. A bot without shared state is one process, which is always the first. A killed process
        is taken for dead after 15 seconds, and a process that starts in that time waits for it. The answer does not
        change until the client disconnects. What the first process leaves unfinished when it dies is not done by
        another one; use a job for that.

        Raises:
            StateError: If the state cannot be reached.
        """
        return await self._first_process.is_first()

    # ---- tasks

    def _on_ready(self, client: Any) -> None:
        for task in self.tasks:
            task.start(self)
        self.jobs.start()

    async def _on_disconnect(self, event: Disconnect) -> None:
        if not event.will_reconnect:
            await self._stop_tasks()

    async def _stop_tasks(self) -> None:
        for task in self.tasks:
            await task.stop()
        await self.jobs.stop()

    async def later(
        self,
        job: Job | str,
        delay: timedelta | float | str = 0,
        /,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        **arguments: Any,
    ) -> ScheduledCall:
        """Schedule a call of a job after a time, which survives restarts; see ``job``.

        Args:
            job: A function registered with ``@bot.job``, or its name.
            delay: The time: a ``timedelta``, seconds, or a text such as ``10m`` or ``1h30``.
            seconds: Added to ``delay``, as are minutes, hours, and days of 24 hours.
            arguments: The arguments of the function.

        Returns:
            The scheduled call; ``bot.jobs.cancel(call)`` cancels it, ``bot.jobs.all()`` lists the scheduled calls.

        Raises:
            InvalidArgumentError: If the bot has no such job, the time is no duration, or the arguments do not fit the
                job's parameters.
            StateError: If the call cannot be stored.
        """
        return await self.jobs.later(
            job, delay, seconds=seconds, minutes=minutes, hours=hours, days=days, **arguments
        )

    async def at(self, job: Job | str, when: datetime | float, /, **arguments: Any) -> ScheduledCall:
        """Schedule a call of a job at a time: a datetime with a time zone, or a UNIX time; see ``later``."""
        return await self.jobs.at(job, when, **arguments)

    async def disconnect(self, drain: float = 0.0) -> None:
        """Stop the tasks, then close the client; see ``MezonClient.disconnect``."""
        await self._stop_tasks()
        await self._first_process.leave()
        await super().disconnect(drain)
        await self._dependencies.close()
        if self._records is not None:
            await self._records.close()

    async def _task_failed(self, task: Task, error: Exception) -> None:
        try:
            await self._handle_error(task, error)
        except Exception as raised:
            self.report_error(raised, f"the task {task.name}")

    async def _job_failed(self, call: ScheduledCall, error: Exception) -> None:
        try:
            await self._handle_error(call, error)
        except Exception as raised:
            self.report_error(raised, f"the job {call.job}")

    # ---- errors

    async def _handle_error(self, where: Any, error: Exception) -> None:
        if isinstance(error, UserError):
            error.translate(self.texts)
        handler = self._error_handler or _report_to_user
        await handler(where, error)
        if not isinstance(error, UserError):
            # The dispatcher logs and reports it with its traceback.
            if isinstance(where, Context) and where.invoked_with:
                set_origin(error, f"Command {where.invoked_with}")
            elif isinstance(where, Click):
                set_origin(error, f"Click on {where.label!r}")
            raise error


async def _call_either(callback: Callable[[Click], Any], click: Click) -> None:
    """Call the callback of a button, which may be a plain function."""
    outcome = callback(click)
    if inspect.isawaitable(outcome):
        await outcome


async def _report_to_user(where: Any, error: Exception) -> None:
    """Tell the user about an error: the default error handler."""
    if not isinstance(where, Interaction):
        return
    if isinstance(error, ConnectionLostError):
        if where.bot.state != "ready":
            return
        # The bot closes, and this call waited for the user: calls are still possible.
        error = UserError(where.bot.texts("restarting"))
    if isinstance(error, UnknownCommandError):
        nearest = _nearest_command(where.bot, error.name) if where.bot.suggest else None
        if nearest is None or not isinstance(where, Context):
            return
        command = f"{where.invoked_with}{nearest}"
        error = UserError(where.bot.texts("did_you_mean", problem=str(error), command=command))
    if isinstance(where, ClientAction) and not where.has_channel:
        return
    text = str(error) if isinstance(error, UserError) else where.bot.texts("failed")
    try:
        if isinstance(where, ClientAction):
            await where.whisper(text)
        else:
            await where.reply(text)
    except Exception as failure:
        logger.warning("Cannot tell the user about an error: %s", failure)


def _nearest_command(bot: Bot, name: str) -> str | None:
    shown = [called for called, command in bot.commands.items() if not command.hidden]
    return next(iter(get_close_matches(name.casefold(), shown, n=1)), None)


async def _help(ctx: Context, *names: str) -> None:
    """Run the help command, whose own help is ``TEXTS["help"]``."""
    table: dict[str, Command] = ctx.bot.commands
    command: Command | None = None
    for name in names:
        command = table.get(name.casefold().removeprefix(ctx.bot.prefix))
        if command is None:
            raise UserError(sentence("unknown_command", name=repr(" ".join(names))))
        table = command.commands if isinstance(command, Group) else {}
    await ctx.bot.send_help(ctx, command)
