"""Where something happens, and what can be done there: the context of a command, and of a click."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from mezon import ChannelMessage, ChannelType, MezonError, Text
from mezon.ext._arguments import adapter_of
from mezon.ext.errors import ArgumentError, NoAnswerError

if TYPE_CHECKING:
    from mezon import ChannelMessageAck, Clan, TextChannel, User
    from mezon.ext._command import Command
    from mezon.ext.commands import Bot
    from mezon.ext.components import Button, Form

T = TypeVar("T")
FormT = TypeVar("FormT", bound="Form")

Content: TypeAlias = "str | Text | Mapping[str, Any] | BaseModel"
Buttons: TypeAlias = "Sequence[Button] | Sequence[Sequence[Button]]"


class Place:
    """A user in a channel, and what can be done there. The base of ``Context`` and of clicks.

    Attributes:
        bot: The bot.
        user_id: Who does it.
    """

    def __init__(self, bot: Bot, channel: TextChannel | None, user_id: int) -> None:
        self.bot = bot
        self.user_id = user_id
        self._channel = channel

    @property
    def channel(self) -> TextChannel:
        """Where it happens.

        Raises:
            MezonError: If the channel of a click could not be fetched; an error handler may get such a click.
        """
        if self._channel is None:
            raise MezonError("the channel of this click could not be fetched, so nothing can be sent to it")
        return self._channel

    @property
    def clan(self) -> Clan:
        """The clan; the one with the id 0 for direct messages and groups."""
        return self.channel.clan

    @property
    def is_dm(self) -> bool:
        """Whether this is a direct message, with one user and the bot.

        The type is that of the channel: from its description, or from the mode of the first message heard of it.
        """
        return self.channel.channel_type == ChannelType.CHANNEL_TYPE_DM

    @property
    def is_group(self) -> bool:
        """Whether this is a group chat, which has no clan either; see ``is_dm``."""
        return self.channel.channel_type == ChannelType.CHANNEL_TYPE_GROUP

    async def send(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Send a message to the channel.

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            buttons: Buttons below it, in a row or in rows.
            timeout: Seconds the buttons with a callback work.
            options: Those of ``TextChannel.send``, such as ``files``.

        Returns:
            The acknowledgement, which can ``update`` and ``delete`` what was sent.

        Raises:
            MezonError: One of its kinds, if it cannot be sent.
        """
        return await self.channel.send(self.bot.body(content, buttons, timeout), **options)

    async def reply(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Answer; the arguments are those of ``send``."""
        return await self.send(content, buttons=buttons, timeout=timeout, **options)

    async def whisper(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> Any:
        """Tell the user alone, in the channel; the arguments are those of ``send``, but for ``files``."""
        return await self.channel.send_ephemeral(
            self.user_id, self.bot.body(content, buttons, timeout), **options
        )

    async def fetch_user(self) -> User:
        """Find the user; a DM is opened with somebody the bot has not met.

        Raises:
            MezonError: If the user cannot be reached.
        """
        return await self.bot.users.fetch(self.user_id)

    async def dm(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Send the user a direct message; the arguments are those of ``send``."""
        user = await self.fetch_user()
        return await user.send_dm_message(self.bot.body(content, buttons, timeout), **options)

    def typing(self) -> Any:
        """Show the bot as typing until the block ends: ``async with ctx.typing(): ...``."""
        return self.channel.typing()

    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Wait for the next event that fits, as ``client.wait_for``."""
        return await self.bot.wait_for(event, check, timeout)

    @overload
    async def ask(self, question: Content, *, timeout: float = 60.0) -> str: ...
    @overload
    async def ask(self, question: Content, kind: type[T], *, timeout: float = 60.0) -> T: ...
    async def ask(self, question: Content, kind: Any = str, *, timeout: float = 60.0) -> Any:
        """Ask the user, and wait for what they write next in this channel, unless it calls a command.

        Of several open questions to a user in a channel the newest gets the answer, and then the one before it.

        ```python
        from mezon.ext.commands import Context

        @bot.command()
        async def order(ctx: Context) -> None:
            count = await ctx.ask("How many?", int, timeout=60)
            await ctx.send(f"{count} it is")
        ```

        Args:
            question: What is asked.
            kind: What the answer has to be, such as ``int``; the user is told what is wrong with another answer
                and may try again.
            timeout: Seconds for it all.

        Raises:
            NoAnswerError: If there is no such answer in time (a TimeoutError). Who does not catch it tells the user.
            ConnectionLostError: If the client ends meanwhile.
            InvalidArgumentError: If no text can be such an answer.
        """
        adapter = adapter_of(kind)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout

        with self.bot.questions.ask(self.channel.id, self.user_id, adapter) as asked:

            def theirs(message: ChannelMessage) -> bool:
                return (
                    message.sender_id == self.user_id
                    and message.channel_id == self.channel.id
                    and not message.code
                    and not self.bot.calls_command(message)
                    and self.bot.questions.takes(asked, message)
                )

            # What comes while a question is on its way is an answer to it already.
            async with self.bot.stream("channel_message", theirs) as answers:
                await self.send(question)
                while True:
                    try:
                        message = await answers.next(max(end - loop.time(), 0))
                    except TimeoutError:
                        raise NoAnswerError(f"No answer came within {timeout:g} s.") from None
                    try:
                        return asked.read(message)
                    except ArgumentError as error:
                        await message.reply(str(error))

    async def stream_reply(self, chunks: AsyncIterable[str], **options: Any) -> list[ChannelMessageAck]:
        """Give an answer that grows as its text comes; see ``mezon.ext.streaming.stream_reply``."""
        from mezon.ext.streaming import stream_reply

        return await stream_reply(self, chunks, **options)

    async def send_form(
        self,
        form: type[FormT],
        *,
        title: str,
        timeout: float = 600.0,
        submit: str = "Send",
        done: str = "",
        anybody: bool = False,
    ) -> FormT:
        """Send a form and wait until it is filled in.

        Wrong input is answered with what is wrong, and the user may send it again.

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
            title: Its title.
            timeout: Seconds.
            submit: What its button says.
            done: What stands in its place afterwards; its title if left out.
            anybody: Whether others than this user may fill it in.

        Returns:
            What was filled in, validated.

        Raises:
            NoAnswerError: If it is not filled in in time (a TimeoutError). Who does not catch it tells the user.
            ConnectionLostError: If the client ends meanwhile.
        """
        from mezon.ext._forms import ask_form

        return await ask_form(self, form, title, timeout, submit, done, anybody)


class Context(Place):
    """Where and how a command was called.

    Attributes:
        message: The message it was called by.
        command: The command.
        invoked_with: The name it was called by, with what stands before it.
    """

    def __init__(self, bot: Bot, message: ChannelMessage, command: Command | None, invoked_with: str) -> None:
        super().__init__(bot, message.channel, message.sender_id)
        self.message = message
        self.command = command
        self.invoked_with = invoked_with

    @property
    def author(self) -> User:
        """Who called it."""
        return self.message.author

    async def reply(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Answer the message of the command; the arguments are those of ``send``.

        ```python
        from mezon.ext.commands import Context

        @bot.command()
        async def ping(ctx: Context) -> None:
            await ctx.reply("pong")
        ```
        """
        return await self.message.reply(self.bot.body(content, buttons, timeout), **options)

    async def send_help(self) -> None:
        """Reply with the help of the command, or of all."""
        await self.bot.send_help(self, self.command)
