"""Prometheus metrics (``curl localhost:9464/metrics``), and traces if OpenTelemetry is configured.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment; METRICS_PORT sets the port.
"""

from __future__ import annotations

import asyncio
import os

from mezon.ext.commands import Bot, Context
from mezon.ext.metrics import PrometheusMetrics, Tracing

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
metrics = PrometheusMetrics(bot)
Tracing(bot)


@bot.command()
async def work(ctx: Context, seconds: float = 0.1) -> None:
    """Work for a while."""
    await asyncio.sleep(min(seconds, 10.0))
    await ctx.reply("Done.")


@bot.command()
async def stats(ctx: Context) -> None:
    """Show what the bot has seen."""
    now = bot.stats()
    await ctx.reply(
        f"{now.frames_received} frames in, {now.frames_sent} out, {now.handler_errors} errors, "
        f"{now.reconnects} reconnects, latency {1000 * (now.latency or 0):.1f} ms"
    )


if __name__ == "__main__":
    stop = metrics.serve(int(os.environ.get("METRICS_PORT", "9464")))
    try:
        bot.run()
    finally:
        stop()
