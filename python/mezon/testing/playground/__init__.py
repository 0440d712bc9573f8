"""The playground: one page on which a developer talks to a bot, looks at every frame, and breaks things.

It stands beside a running ``mezon.testing.LocalGateway``, on a loopback port of its own, so that it stays
there when the gateway is stopped or restarted::

    async with LocalGateway() as gateway, Playground(gateway) as playground:
        print(playground.url)

``mezon dev``, ``mezon gateway --playground`` and ``python -m mezon.testing --playground`` start it.
"""

from __future__ import annotations

from mezon.testing.playground.server import BotControl, Playground

__all__ = ["BotControl", "Playground"]
