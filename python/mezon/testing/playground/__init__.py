"""The playground: a web page to talk to a bot, inspect every frame, and inject faults.

It serves a running ``mezon.testing.LocalGateway`` on its own loopback port, so that it stays available while the
gateway is stopped or restarted::

    async with LocalGateway() as gateway, Playground(gateway) as playground:
        print(playground.url)

``mezon dev``, ``mezon gateway --playground`` and ``python -m mezon.testing --playground`` start it. This module is the
public import path.
"""

from __future__ import annotations

from mezon.testing.playground.server import BotControl, Playground

__all__ = ["BotControl", "Playground"]
