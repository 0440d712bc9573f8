"""Forms at work: sent and waited for, or handled whenever they come."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from mezon import InvalidArgumentError, parse_extra_data
from mezon.ext._checks import Guarded
from mezon.ext._clicks import FORM
from mezon.ext._registering import check_handler
from mezon.ext.errors import FormError, NoAnswerError

if TYPE_CHECKING:
    from mezon import ButtonClicked, EventStream
    from mezon.ext._clicks import Click
    from mezon.ext._context import Place
    from mezon.ext.components import Form

FormT = TypeVar("FormT", bound="Form")


class FormHandler(Guarded):
    """What is called when a form was filled in."""

    def __init__(self, form: type[Form], callback: Callable[..., Any]) -> None:
        super().__init__()
        check_handler(callback, f"a handler of the form {form.__name__}", ["click", "form"])
        form.inputs()  # a field that no input is made for is told now
        self.form = form
        self.callback = callback

    async def run(self, click: Click) -> None:
        """Validate what came and call the handler; wrong input is answered.

        Raises:
            FormError: If it is wrong.
            UserError: If it may not be sent, with a sentence for the user.
        """
        click.state = click.id.removeprefix(self.form.submit_id()).removeprefix("/")
        await self.allow(click)
        filled = parse_click(self.form, click.event)
        self.count(click)
        await self.callback(click, filled)

    def fits(self, button_id: str) -> bool:
        """Say whether this is the button of the form."""
        return button_id == self.form.submit_id() or button_id.startswith(f"{self.form.submit_id()}/")


def parse_click(form: type[FormT], event: Any) -> FormT:
    """Validate the values of a form that a click brings.

    Raises:
        FormError: If a value is wrong, or the client sent something else than the values of a form. That is not the
            same as a form nobody has touched, which may be valid by its defaults.
    """
    try:
        values = parse_extra_data(event.extra_data, strict=True)
    except InvalidArgumentError:
        raise FormError({"The form": "could not be read: fill it in again"}) from None
    return form.parse(values)


async def ask_form(
    place: Place, form: type[FormT], title: str, timeout: float, submit: str, done: str, anybody: bool
) -> FormT:
    """Send a form and wait until it is filled in; see ``Place.send_form``."""
    bot = place.bot
    content = form.content(title=title, submit=submit)
    # An id of its own: this form is answered here, and by no handler.
    button_id = f"{FORM}-{secrets.token_urlsafe(9)}"
    content["components"][0]["components"][0]["id"] = button_id

    def is_ours(click: ButtonClicked) -> bool:
        return click.button_id == button_id and (anybody or click.user_id == place.user_id)

    end = asyncio.get_running_loop().time() + timeout
    # While somebody waits for it, its button is not over.
    with bot.callbacks.waited_for(button_id):
        async with bot.stream("message_button_clicked", is_ours) as clicks:
            sent = await place.send(content)
            try:
                filled = await _filled(place, form, clicks, end)
            except TimeoutError:
                raise NoAnswerError(f"The form {title!r} was not filled in within {timeout:g} s.") from None
            await sent.update(done or title)
            return filled


async def _filled(place: Place, form: type[FormT], clicks: EventStream[Any], end: float) -> FormT:
    loop = asyncio.get_running_loop()
    while True:
        click = await clicks.next(max(end - loop.time(), 0))
        if place.bot.hurry.is_repeat(click):
            continue
        try:
            return parse_click(form, click)
        except FormError as error:
            await place.channel.send_ephemeral(click.user_id, str(error))
