"""The sentences that users of a bot read: refusals, hints, labels; in English and Vietnamese, or in the bot's words.

    bot = Bot(client_id, api_key, language="vi")
    bot = Bot(client_id, api_key, texts={"cooldown": "Slow down! {seconds} s to go."})

Every sentence of ``mezon.ext`` is in ``TEXTS``. ``Bot(texts=...)`` replaces some or all of them: with a dict by key, or
with a function that is called with the key for each use, and returns the text or None for the default. A text may use
the placeholders of the default.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from string import Formatter
from types import MappingProxyType
from typing import Any, Final, Literal, Self, TypeAlias, get_args

from mezon import InvalidArgumentError

__all__ = ["TEXTS", "Language", "OwnTexts", "Sentence", "Texts", "sentence"]

logger: Final = logging.getLogger("mezon.ext")

Language: TypeAlias = Literal["en", "vi"]

#: A bot's own texts: by key, or a function that takes the key and returns the text, or None for the default.
OwnTexts: TypeAlias = "Mapping[str, str] | Callable[[str], str | None]"

#: All texts by key, in each language.
TEXTS: Final[Mapping[str, Mapping[Language, str]]] = MappingProxyType(
    {
        # ---- commands
        "unknown_command": {"en": "There is no command {name}.", "vi": "Không có lệnh {name}."},
        "did_you_mean": {
            "en": "{problem} Did you mean {command}?",
            "vi": "{problem} Có phải ý bạn là {command}?",
        },
        "unknown_subcommand": {
            "en": "{command} has no {name}; it has {names}.",
            "vi": "{command} không có {name}; chỉ có {names}.",
        },
        "no_subcommands": {"en": "{command} has no {name}.", "vi": "{command} không có {name}."},
        "usage": {"en": "{problem}\nUsage: {usage}", "vi": "{problem}\nCách dùng: {usage}"},
        "help": {
            "en": "Show the commands, or how one of them is used.",
            "vi": "Xem các lệnh, hoặc cách dùng một lệnh.",
        },
        "aliases": {"en": "Also: {names}", "vi": "Tên khác: {names}"},
        "failed": {
            "en": "Something went wrong here; it is not your fault.",
            "vi": "Đã có lỗi xảy ra; không phải do bạn.",
        },
        "restarting": {
            "en": "I am being restarted; please start again in a moment.",
            "vi": "Bot đang khởi động lại; hãy bắt đầu lại sau giây lát.",
        },
        # ---- arguments
        "argument_missing": {"en": "{name} is missing.", "vi": "Thiếu {name}."},
        "too_many_arguments": {"en": "Too many arguments: {words}", "vi": "Thừa tham số: {words}"},
        "open_quotation": {
            "en": 'A quotation mark is not closed: add the closing ", or write \\" for a literal one.',
            "vi": 'Dấu ngoặc kép chưa được đóng: hãy thêm dấu " ở cuối, hoặc viết \\" nếu cần chính dấu đó.',
        },
        "no_such_user": {
            "en": "{name} must be a user, mentioned or by id, not {value}.",
            "vi": "{name} phải là một người dùng, được nhắc đến hoặc bằng id, không phải {value}.",
        },
        "unreachable_user": {
            "en": "{name}: that user cannot be reached.",
            "vi": "{name}: không tìm thấy người dùng này.",
        },
        "no_such_channel": {
            "en": "{name} must be a channel, by #name or id, not {value}.",
            "vi": "{name} phải là một kênh, bằng #tên hoặc id, không phải {value}.",
        },
        "invisible_channel": {
            "en": "{name}: the bot cannot see that channel.",
            "vi": "{name}: bot không thấy kênh này.",
        },
        # ---- checks and cooldowns
        "refused": {"en": "You may not do that.", "vi": "Bạn không được phép làm việc này."},
        "dm_only": {
            "en": "That goes in a direct message only.",
            "vi": "Việc này chỉ dùng được trong tin nhắn riêng.",
        },
        "group_only": {
            "en": "That goes in a group chat only.",
            "vi": "Việc này chỉ dùng được trong nhóm chat.",
        },
        "clan_only": {"en": "That goes in a clan only.", "vi": "Việc này chỉ dùng được trong clan."},
        "owner_only": {
            "en": "Only the bot's owner may do that.",
            "vi": "Chỉ chủ của bot mới được làm việc này.",
        },
        "needs_role": {"en": "That needs the role {roles}.", "vi": "Việc này cần vai trò {roles}."},
        "or": {"en": " or ", "vi": " hoặc "},
        "cooldown": {
            "en": "That was too often: try again in {seconds} s.",
            "vi": "Bạn thao tác quá nhanh: hãy thử lại sau {seconds} giây.",
        },
        # ---- buttons and pages
        "button_of_another_user": {
            "en": "This button is for another user.",
            "vi": "Nút này dành cho người khác.",
        },
        "button_disabled": {"en": "This button is disabled.", "vi": "Nút này đã bị tắt."},
        "select_disabled": {"en": "This select box is disabled.", "vi": "Hộp chọn này đã bị tắt."},
        "button_expired": {
            "en": "This button does not work any more.",
            "vi": "Nút này không còn hoạt động nữa.",
        },
        "pages_of_another_user": {
            "en": "These pages are for another user.",
            "vi": "Các trang này dành cho người khác.",
        },
        "pages_expired": {"en": "These pages have expired.", "vi": "Các trang này đã hết hạn."},
        "no_items": {"en": "Nothing.", "vi": "Không có gì."},
        # ---- questions, forms, flows and streamed replies
        "the_answer": {"en": "The answer", "vi": "Câu trả lời"},
        "no_answer": {
            "en": "No answer came within {seconds} s.",
            "vi": "Không có câu trả lời trong {seconds} giây.",
        },
        "form_not_sent": {
            "en": "The form {title} was not filled in within {seconds} s.",
            "vi": "Biểu mẫu {title} không được điền trong {seconds} giây.",
        },
        "the_form": {"en": "The form", "vi": "Biểu mẫu"},
        "form_unreadable": {
            "en": "could not be read: fill it in again",
            "vi": "không đọc được: hãy điền lại",
        },
        "submit": {"en": "Send", "vi": "Gửi"},
        "yes": {"en": "Yes", "vi": "Có"},
        "no": {"en": "No", "vi": "Không"},
        "cancelled": {"en": "Cancelled.", "vi": "Đã hủy."},
        # What users type in a flow: words, separated by commas.
        "back_words": {"en": "back", "vi": "quay lại, quay lai"},
        "cancel_words": {"en": "cancel", "vi": "hủy, huỷ, huy"},
        "broken_off": {"en": "⚠ The answer broke off here.", "vi": "⚠ Câu trả lời bị ngắt ở đây."},
        # ---- values that do not fit
        "invalid": {
            "en": "{name} cannot be {value}: {problem}.",
            "vi": "{name} không thể là {value}: {problem}.",
        },
        "not_valid": {"en": "it is not valid", "vi": "không hợp lệ"},
        "value_missing": {"en": "is missing", "vi": "còn thiếu"},
        "not_whole": {"en": "it must be a whole number", "vi": "phải là số nguyên"},
        "no_number": {"en": "it must be a number", "vi": "phải là một số"},
        "no_bool": {"en": "it must be yes or no", "vi": "phải là yes hoặc no"},
        "no_date": {"en": "it must be a date such as 2026-02-28", "vi": "phải là ngày, ví dụ 2026-02-28"},
        "no_time": {"en": "it must be a time such as 09:30", "vi": "phải là giờ, ví dụ 09:30"},
        "no_datetime": {
            "en": "it must be a date and a time such as 2026-02-28 09:30",
            "vi": "phải là ngày và giờ, ví dụ 2026-02-28 09:30",
        },
        "no_duration": {
            "en": "it must be a duration such as 10m or 1h30",
            "vi": "phải là khoảng thời gian, ví dụ 10m hoặc 1h30",
        },
        "no_link": {
            "en": "it must be a link such as https://example.com",
            "vi": "phải là liên kết, ví dụ https://example.com",
        },
        "no_choice": {"en": "it must be one of {choices}", "vi": "phải là một trong các giá trị {choices}"},
        "not_past": {"en": "it must be in the past", "vi": "phải ở trong quá khứ"},
        "not_future": {"en": "it must be in the future", "vi": "phải ở trong tương lai"},
        "not_greater": {"en": "it must be greater than {limit}", "vi": "phải lớn hơn {limit}"},
        "too_small": {"en": "it must be at least {limit}", "vi": "phải từ {limit} trở lên"},
        "not_less": {"en": "it must be less than {limit}", "vi": "phải nhỏ hơn {limit}"},
        "too_large": {"en": "it must be at most {limit}", "vi": "không được vượt quá {limit}"},
        "no_multiple": {"en": "it must be a multiple of {limit}", "vi": "phải là bội số của {limit}"},
        "too_short": {
            "en": "it must have at least {limit} characters",
            "vi": "phải có ít nhất {limit} ký tự",
        },
        "too_long": {
            "en": "it must have at most {limit} characters",
            "vi": "chỉ được có tối đa {limit} ký tự",
        },
        "too_few_choices": {"en": "choose at least {limit}", "vi": "hãy chọn ít nhất {limit}"},
        "too_many_choices": {"en": "choose at most {limit}", "vi": "chỉ được chọn tối đa {limit}"},
        "wrong_pattern": {"en": "it does not have the expected form", "vi": "không đúng định dạng"},
    }
)


class Sentence(str):
    """A text of ``TEXTS`` with its values: a str in English, which ``Texts.of`` translates."""

    key: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, key: str = "", values: Mapping[str, Any] = MappingProxyType({})) -> Self:
        """Make a sentence; ``sentence`` looks up the text."""
        made = super().__new__(cls, text)
        made.key, made.values = key, dict(values)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return the arguments for a copy."""
        return (str(self), self.key, self.values)


def sentence(key: str, **values: Any) -> Sentence:
    """Return a text of ``TEXTS`` in English, to be translated by ``Texts.of``.

    Args:
        key: The key in ``TEXTS``.
        values: The values of its placeholders. A value may be a sentence itself, or a tuple of alternatives.
    """
    return Sentence(_ENGLISH(key, **values), key, values)


class Texts:
    """The texts of one bot: ``bot.texts``.

    Args:
        language: The language.
        own: The bot's own texts, which take precedence.

    Raises:
        InvalidArgumentError: If the language is unknown, or a text has an unknown key or placeholder.
    """

    def __init__(self, language: Language = "en", own: OwnTexts | None = None) -> None:
        if language not in get_args(Language):
            raise InvalidArgumentError(
                f"language must be one of {', '.join(get_args(Language))}, not {language!r}: pass the texts of other "
                "languages as texts={...}, see mezon.ext.texts"
            )
        if own is not None and not isinstance(own, Mapping) and not callable(own):
            raise InvalidArgumentError(f"texts must be a dict by key, or a function of the key, not {own!r}")
        self.language: Language = language
        self._own = dict(own) if isinstance(own, Mapping) else own
        if isinstance(own, Mapping):
            for key, text in own.items():
                _check(key, text)

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its values.

        Args:
            key: The key in ``TEXTS``.
            values: The values of its placeholders.
        """
        shown = {name: self._shown(value) for name, value in values.items()}
        return self._template(key).format_map(shown)

    def of(self, text: str) -> str:
        """Return a ``Sentence`` in the language of the bot; any other text unchanged."""
        return self(text.key, **text.values) if isinstance(text, Sentence) and text.key else text

    def words(self, key: str) -> set[str]:
        """Return the words of a text that lists them, in lower case."""
        return {word.strip().casefold() for word in self(key).split(",")}

    def _template(self, key: str) -> str:
        own = self._own.get(key) if isinstance(self._own, Mapping) else self._own(key) if self._own else None
        if own is not None and not isinstance(self._own, Mapping):
            try:
                _check(key, own)
            except InvalidArgumentError as error:
                logger.warning("The bot's own text is not used: %s", error)
                own = None
        return own if own is not None else TEXTS[key][self.language]

    def _shown(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return self("or").join(str(self._shown(one)) for one in value)
        return self.of(value) if isinstance(value, str) else value


def _check(key: str, text: object) -> None:
    """Refuse a text that cannot replace the default.

    Raises:
        InvalidArgumentError: If the key is unknown, or the text has other placeholders.
    """
    if key not in TEXTS:
        near = get_close_matches(str(key), TEXTS, n=1)
        raise InvalidArgumentError(
            f"there is no text {key!r}{f'; did you mean {near[0]!r}?' if near else ''}: "
            "see mezon.ext.texts.TEXTS"
        )
    known = _placeholders(TEXTS[key]["en"])
    try:
        unknown = _placeholders(text) - known if isinstance(text, str) else None
    except ValueError as error:
        raise InvalidArgumentError(
            f"the text {key!r} is no format string ({error}): write {{{{ for a brace"
        ) from None
    if unknown is None:
        raise InvalidArgumentError(f"the text {key!r} must be a str, not {text!r}")
    if unknown:
        shown = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise InvalidArgumentError(f"the text {key!r} has no placeholder {{{min(unknown)}}}; it has: {shown}")


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


_ENGLISH: Final = Texts()

#: The texts of the bot whose handler runs; English outside of handlers.
CURRENT_TEXTS: Final[ContextVar[Texts]] = ContextVar("mezon_texts", default=_ENGLISH)
