"""A bot in a web server: FastAPI and the bot share one event loop.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment: ``uvicorn web_bot:app``, then
``curl -X POST localhost:8000/announce -H 'Content-Type: application/json' -d '{"channel_id": "...", "text": "hi"}'``.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from mezon import MezonError
from mezon.ext.commands import Bot, Context
from pydantic import BaseModel

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await bot.login()
    yield
    await bot.disconnect(drain=5)


app = FastAPI(lifespan=lifespan)


class Announcement(BaseModel):
    channel_id: str
    text: str


@app.post("/announce")
async def announce(announcement: Announcement) -> dict[str, str]:
    try:
        channel = await bot.channels.fetch(announcement.channel_id)
        ack = await channel.send(announcement.text)
    except MezonError as error:
        raise HTTPException(502, str(error)) from error
    return {"message_id": str(ack.message_id)}


@app.get("/health")
async def health() -> dict[str, Any]:
    return {"state": bot.state, "latency": bot.latency}


@bot.command()
async def docs(ctx: Context) -> None:
    """Where the web server is."""
    await ctx.reply("See /docs of the web server.")
