"""Hands a request's body, as it comes, to code that runs in a thread and reads an ordinary iterator."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

_HELD_CHUNKS = 16  # of at most 64 KiB: the network waits when the disk does


async def feed(request: Request, consume: Callable[[Iterator[bytes]], T]) -> T:
    """Return what `consume` makes of the body. A broken connection ends the iterator early: what came counts."""
    sender, receiver = anyio.create_memory_object_stream[bytes](_HELD_CHUNKS)

    def chunks() -> Iterator[bytes]:
        while True:
            try:
                yield from_thread.run(receiver.receive)
            except anyio.EndOfStream:
                return

    async def pump() -> None:
        async with sender:
            try:
                async for chunk in request.stream():
                    if chunk:
                        await sender.send(chunk)
            except (ClientDisconnect, anyio.BrokenResourceError):
                return

    pumping = asyncio.create_task(pump())
    try:
        with receiver:
            return await to_thread.run_sync(consume, chunks())
    finally:
        pumping.cancel()
        with suppress(asyncio.CancelledError):
            await pumping
