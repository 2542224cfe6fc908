"""An echo server made with `websockets`, in the version that tests/peers pins and installs.

    python websockets_echo.py [--listen ADDR:PORT] [--threads 1] [--deflate]
"""

import argparse
import asyncio

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.version import version


def address(text):
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError
    return host.strip("[]"), int(port)


def arguments():
    parser = argparse.ArgumentParser(description="an echo server made with websockets")
    parser.add_argument("--listen", type=address, default="127.0.0.1:0", metavar="ADDR:PORT")
    parser.add_argument("--threads", type=int, choices=[1], default=1)
    parser.add_argument("--deflate", action="store_true")
    return parser.parse_args()


async def echo(ws):
    try:
        async for message in ws:
            await ws.send(message)
    except ConnectionClosed:
        pass  # also when the client closes before it has the answer


async def main():
    given = arguments()
    # asyncio switches TCP_NODELAY on by itself. Without keepalive, as most of the other servers.
    options = {
        "backlog": 4096,
        "compression": "deflate" if given.deflate else None,
        "max_size": 64 << 20,
        "open_timeout": 60,
        "ping_interval": None,
    }
    async with serve(echo, *given.listen, **options) as server:
        host, port = server.sockets[0].getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        print(f"websockets {version} listens on ws://{host}:{port}/", flush=True)
        await server.serve_forever()


asyncio.run(main())
