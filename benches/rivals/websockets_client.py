"""The client of `websockets`, in the version that tests/peers pins, in the loop of a client under
test: see `wirebell verify --help`.

    python websockets_client.py ws://HOST:PORT
"""

import asyncio
import logging
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.version import version

AGENT = f"websockets-{version}"


async def talk(uri, answer):
    """The messages until the connection is over, however it ended."""
    messages = []
    try:
        async with connect(uri, max_size=64 << 20, ping_interval=None, proxy=None) as ws:
            async for message in ws:
                messages.append(message)
                if answer:
                    await ws.send(message)
    except (WebSocketException, OSError, EOFError, ValueError):
        pass
    return messages


async def main(server):
    (count,) = await talk(f"{server}/getCaseCount", False)
    for number in range(1, int(count) + 1):
        await talk(f"{server}/runCase?case={number}&agent={AGENT}", True)
    await talk(f"{server}/updateReports?agent={AGENT}", False)


if len(sys.argv) != 2:
    sys.exit("usage: websockets_client.py ws://HOST:PORT")
logging.disable(logging.CRITICAL)
asyncio.run(main(sys.argv[1]))
