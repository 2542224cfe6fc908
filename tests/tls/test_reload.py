"""Certificates that are replaced while 100 connections are open."""

import asyncio
import os
import shutil
import time

from support import Authority, Case, presented, trusting, until
from websockets.asyncio.client import connect

CONNECTIONS = 100
LOOK = 1.1  # seconds: the files are looked at once a second, when a client comes


class Reload(Case):
    def setUp(self):
        super().setUp()
        authority = Authority()
        self.trust = trusting(authority.write(self.folder))
        self.pairs = [authority.pair(self.folder / f"pair{n}", "localhost") for n in range(4)]
        # As certbot lays them out: what the server is given are links.
        self.live = self.folder / "live"
        self.live.mkdir()
        for name in ["cert.pem", "key.pem"]:
            shutil.copy(self.folder / "pair0" / name, self.live / name)

    def start(self):
        return self.server(
            "echo", "--tls-cert", self.live / "cert.pem", "--tls-key", self.live / "key.pem")

    def sees(self, server, number):
        return presented(server.port, "localhost") == self.pairs[number].der()

    def rename(self, number, *names):
        for name in names:
            new = self.live / f"{name}.new"
            shutil.copy(self.folder / f"pair{number}" / name, new)
            new.rename(self.live / name)

    def link(self, number):
        for name in ["cert.pem", "key.pem"]:
            new = self.live / f"{name}.new"
            new.symlink_to(f"../pair{number}/{name}")
            new.rename(self.live / name)

    def looks(self, server):
        """Clients come for long enough that the files are looked at more than once."""
        end = time.monotonic() + 2 * LOOK
        while time.monotonic() < end:
            yield presented(server.port, "localhost")
            time.sleep(0.1)

    def half_a_pair(self, server, name):
        before = len(server.logged("stays in use"))
        self.rename(1, name)
        for certificate in self.looks(server):
            self.assertEqual(certificate, self.pairs[0].der())
        warnings = server.logged("stays in use")[before:]
        self.assertEqual(len(warnings), 1, server.log)
        self.assertIn(str(self.live), warnings[0])

    def change(self, server):
        """Each step, in a thread: the connections go on meanwhile."""
        self.assertTrue(self.sees(server, 0))
        self.half_a_pair(server, "cert.pem")
        self.rename(0, "cert.pem")
        for _ in self.looks(server):
            pass
        self.half_a_pair(server, "key.pem")
        self.rename(1, "cert.pem")
        until("the renamed pair", lambda: self.sees(server, 1))
        self.link(2)
        until("the linked pair", lambda: self.sees(server, 2))
        # Half of the content of a file that is written in place.
        os.unlink(self.live / "cert.pem")
        half = (self.folder / "pair3/cert.pem").read_text()[:300]
        (self.live / "cert.pem").write_text(half)
        for certificate in self.looks(server):
            self.assertEqual(certificate, self.pairs[2].der())
        self.rename(3, "cert.pem", "key.pem")
        server.hangup()
        until("what a hangup reads", lambda: server.logged("read again"))
        self.assertTrue(self.sees(server, 3))
        count = len(server.logged("unchanged"))
        server.hangup()
        until("nothing new", lambda: len(server.logged("unchanged")) > count)

    async def talk(self, socket, done):
        count = 0
        while not done.is_set():
            message = f"message {count}"
            await socket.send(message)
            self.assertEqual(await socket.recv(), message)
            count += 1
            await asyncio.sleep(0.1)
        await socket.close()
        self.assertEqual(socket.close_code, 1000)
        return count

    async def run_all(self, server):
        url = f"wss://localhost:{server.port}/"
        sockets = [
            await connect(url, ssl=self.trust, compression=None, host="127.0.0.1", proxy=None)
            for _ in range(CONNECTIONS)]
        done = asyncio.Event()
        talks = [asyncio.create_task(self.talk(socket, done)) for socket in sockets]
        try:
            await asyncio.to_thread(self.change, server)
        finally:
            done.set()
            counts = await asyncio.gather(*talks)
        self.assertGreater(min(counts), 5)

    def test_no_connection_notices(self):
        asyncio.run(self.run_all(self.start()))
