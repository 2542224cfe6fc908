"""A server made with `websockets`, for peers.test.mjs: the path says what it does, see there.

With the files of a certificate and its key as arguments, it speaks TLS. The first line on stdout
has the port. Then follows one line for every connection that has
ended, with what this side saw of it. The end of stdin ends the server.
"""

import asyncio
import hashlib
import json
import ssl
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode


def show(value):
    print(json.dumps(value), flush=True)


class Watched(ServerConnection):
    """A connection that writes down what arrives."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.opened = False
        self.messages = []
        self.hash = hashlib.sha256()
        self.wire = 0
        self.pings = 0
        self.pongs = []

    @property
    def action(self):
        return urlsplit(self.request.path).path.removeprefix("/")

    def query(self, name, default=None):
        values = parse_qs(urlsplit(self.request.path).query, keep_blank_values=True)
        return values.get(name, [default])[0]

    def data_received(self, data):
        self.wire += len(data)
        super().data_received(data)

    def process_event(self, event):
        opcode = getattr(event, "opcode", None)
        if opcode is Opcode.PING:
            self.pings += 1
        if opcode is Opcode.PONG:
            self.pongs.append(bytes(event.data).decode())
        super().process_event(event)

    def connection_lost(self, exc):
        super().connection_lost(exc)
        if self.request and not self.opened:
            self.report()

    def report(self):
        answer = self.response.headers if self.response else {}
        show({
            "id": self.query("id"),
            "headers": [[name.lower(), value] for name, value in self.request.headers.raw_items()],
            "extensions": answer.get("Sec-WebSocket-Extensions", ""),
            "protocol": self.subprotocol or "",
            "messages": self.messages,
            "sha256": self.hash.hexdigest(),
            "wire": self.wire,
            "pings": self.pings,
            "pongs": self.pongs,
            "close": self.close_code,
        })


async def process_request(ws, _request):
    """What happens to the handshake; None lets it go on."""
    if ws.action == "hangup":
        ws.transport.close()
    if ws.action in ("hangup", "silent"):
        await asyncio.wait([ws.connection_lost_waiter])
    if ws.action != "refuse":
        return None
    answer = ws.respond(int(ws.query("status")), "refused\n")
    if ws.query("location"):
        answer.headers["Location"] = ws.query("location")
    return answer


def select_subprotocol(ws, offered):
    """The last one that is offered, unless the URL has another idea."""
    return ws.query("protocol", offered[-1] if offered else None)


async def close(ws):
    await ws.close(int(ws.query("code")), ws.query("reason", ""))


async def destroy(ws):
    ws.transport.abort()


async def burst(ws):
    for n in range(int(ws.query("n"))):
        await ws.send(f"message {n}")


async def tick(ws):
    n = 0
    while True:
        await ws.send(f"tick {n}")
        n += 1
        await asyncio.sleep(0.02)


async def ping(ws):
    await (await ws.ping("are you there?"))
    await ws.send(f"pong {ws.pongs[-1]}")


async def pings(ws):
    while ws.pings < int(ws.query("n")):
        await asyncio.sleep(0.02)


async def fragments(ws):
    async def parts():
        for at, byte in enumerate(ws.query("text").encode()):
            yield bytes([byte])
            if at % 3 == 0:
                await ws.ping(str(at))

    await ws.send(parts(), text=True)


async def raw(ws):
    ws.transport.write(bytes.fromhex(ws.query("hex")))
    if ws.query("end"):
        ws.transport.close()
    await ws.wait_closed()


ACTIONS = {
    action.__name__: action for action in (close, destroy, burst, tick, ping, pings, fragments, raw)
}


async def talk(ws):
    if ws.action in ACTIONS:
        await ACTIONS[ws.action](ws)
        return
    async for message in ws:
        binary = isinstance(message, bytes)
        data = message if binary else message.encode()
        ws.messages.append(["binary" if binary else "text", len(data)])
        ws.hash.update(data)
        if ws.action == "late":
            await asyncio.sleep(0.3)
        await ws.send(message)


async def handler(ws):
    ws.opened = True  # messages may still be queued when the socket has closed
    try:
        await talk(ws)
    except ConnectionClosed:
        pass  # the record has the code
    await ws.close()
    ws.report()


async def main():
    options = {
        "create_connection": Watched,
        "process_request": process_request,
        "select_subprotocol": select_subprotocol,
        "max_size": None,
        "open_timeout": 60,
    }
    if len(sys.argv) > 1:
        options["ssl"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        options["ssl"].load_cert_chain(*sys.argv[1:])
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        show({"port": server.sockets[0].getsockname()[1]})
        await asyncio.to_thread(sys.stdin.read)
        server.close()


asyncio.run(main())
