"""A peer that reads slowly while it sends: what the socket refuses leaves later, once, in order."""

import asyncio

from support import LIMIT, UPGRADE, Case, trusting

SIZE = 16 << 20


class SlowReaders(Case):
    async def run_one(self, port, context):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost", limit=65536)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        header = b"\x82\xff" + SIZE.to_bytes(8, "big") + bytes(4)

        async def send():
            writer.write(header)
            for _ in range(SIZE >> 16):
                writer.write(bytes(1 << 16))
                await writer.drain()

        sending = asyncio.create_task(send())
        count = 0
        while count < SIZE:
            part = await reader.read(65536)
            self.assertTrue(part, f"the end, after {count} bytes")
            count += len(part)
            await asyncio.sleep(0.001)
        await sending
        writer.close()
        await writer.wait_closed()

    def test_nothing_is_sent_twice(self):
        pair = self.own()
        server = self.server("echo", *pair.args)
        run = self.run_one(server.port, trusting(pair.certificate))
        asyncio.run(asyncio.wait_for(run, LIMIT))
