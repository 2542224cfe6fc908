"""`wirebell echo` over TLS with clients of others. The servers of others are in tests/peers."""

import asyncio
import json
import subprocess

from support import HERE, LIMIT, Case, trusting
from websockets.asyncio.client import connect

SIZES = [0, 1, 125, 126, 16_383, 16_384, 65_536, 300_000, 3_000_000]


class Clients(Case):
    def setUp(self):
        super().setUp()
        self.pair = self.own()
        self.echo = self.server("echo", *self.pair.args, "--deflate", "on")
        # The certificate is for the name and for the address.
        self.urls = [f"wss://{host}:{self.echo.port}/" for host in ["localhost", "127.0.0.1"]]

    def test_ws_of_node(self):
        for url in self.urls:
            for deflate in ["on", "off"]:
                command = ["node", HERE / "client-ws.mjs", url, self.pair.certificate, deflate]
                ended = subprocess.run(
                    [*command, *map(str, SIZES)], capture_output=True, text=True, timeout=LIMIT)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                seen = json.loads(ended.stdout)
                self.assertEqual((seen["version"], seen["code"]), ("TLSv1.3", 1000))
                self.assertEqual("permessage-deflate" in seen["extensions"], deflate == "on")

    async def websockets(self, url, compression):
        context = trusting(self.pair.certificate)
        options = {"ssl": context, "compression": compression, "max_size": None, "proxy": None}
        async with connect(url, **options) as socket:
            for size in SIZES:
                sent = bytes(number % 251 for number in range(size))
                await socket.send([sent[: size // 2], sent[size // 2 :]])
                pong = await socket.ping()
                self.assertEqual(await socket.recv(), sent)
                await pong
                await socket.send("x" * size)
                self.assertEqual(await socket.recv(), "x" * size)
        self.assertEqual(socket.close_code, 1000)

    def test_websockets_of_python(self):
        for url in self.urls:
            for compression in ["deflate", None]:
                asyncio.run(asyncio.wait_for(self.websockets(url, compression), LIMIT))
