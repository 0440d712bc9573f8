"""Helpers and logging."""

from mezon.utils.helper import (
    convert_channeltype_to_channel_mode,
    generate_snowflake_id,
    is_valid_user_id,
    parse_url_to_host_and_ssl,
    sleep,
)
from mezon.utils.logger import disable_logging, enable_logging, get_logger, setup_logger

__all__ = [
    "convert_channeltype_to_channel_mode",
    "disable_logging",
    "enable_logging",
    "generate_snowflake_id",
    "get_logger",
    "is_valid_user_id",
    "parse_url_to_host_and_ssl",
    "setup_logger",
    "sleep",
]
