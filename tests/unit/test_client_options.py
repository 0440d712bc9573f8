"""``ClientOptions`` names the optional parameters of the client once more, for editors: the two must agree."""

from __future__ import annotations

import inspect
from typing import ForwardRef

from mezon import ClientOptions, MezonClient
from mezon.ext.commands import Bot


def test_the_options_are_the_optional_parameters_of_the_client() -> None:
    parameters = inspect.signature(MezonClient).parameters.values()
    optional = {one.name: one.annotation for one in parameters if one.default is not one.empty}
    options = ClientOptions.__annotations__
    assert list(options) == list(optional)
    for name, kind in options.items():
        assert isinstance(kind, ForwardRef)
        assert kind.__forward_arg__ == optional[name]


def test_a_bot_takes_the_options_of_the_client() -> None:
    (options,) = (one for one in inspect.signature(Bot).parameters.values() if one.kind is one.VAR_KEYWORD)
    assert options.annotation == "Unpack[ClientOptions]"
    own = {one.name for one in inspect.signature(Bot).parameters.values() if one is not options}
    assert not own & ClientOptions.__annotations__.keys()
