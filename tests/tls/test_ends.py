"""How connections begin and end: 1,000 short ones, each side closing first, without a reset and
without an end that is not announced (close_notify). And what is no TLS, on either port."""

import socket
import ssl
import struct

from support import CLOSE, GET, LIMIT, UPGRADE, Case, frame, s_client, secure, text
from support import to_the_end, trusting

NUMBER = 1000
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class ShortConnections(Case):
    def setUp(self):
        super().setUp()
        self.pair = self.own()

    def contexts(self):
        for version in VERSIONS:
            yield trusting(self.pair.certificate, version)

    def each(self, server, send, check):
        for context in self.contexts():
            for number in range(NUMBER // 2):
                with secure(server.port, context) as stream:
                    stream.sendall(send)
                    check(to_the_end(stream), number)

    def test_the_client_closes_first(self):
        server = self.server("echo", *self.pair.args)

        def check(answer, number):
            self.assertTrue(answer.endswith(b"\x81\x05hello\x88\x02\x03\xe8"), (number, answer))

        self.each(server, UPGRADE + text(b"hello") + CLOSE, check)

    def test_the_server_closes_first(self):
        server = self.server("echo", *self.pair.args)

        def check(answer, number):
            self.assertIn(b"\x81\x05hello\x88", answer, number)
            self.assertIn(struct.pack("!H", 1002), answer, number)

        # A reserved opcode, and more that is not looked at.
        self.each(server, UPGRADE + text(b"hello") + frame(0x83, b"") + bytes(5000), check)

    def test_the_server_ends_http(self):
        server = self.server("serve", *self.pair.args)

        def check(answer, number):
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), (number, answer))

        self.each(server, GET, check)

    def test_a_client_that_does_not_read_does_no_harm(self):
        server = self.server("echo", *self.pair.args)
        for context in self.contexts():
            for _ in range(NUMBER // 2):
                with secure(server.port, context) as stream:
                    stream.sendall(UPGRADE + text(b"hello") + CLOSE)
        with secure(server.port, context) as stream:
            stream.sendall(UPGRADE + text(b"hello") + CLOSE)
            self.assertIn(b"\x81\x05hello", to_the_end(stream))
        self.assertEqual(server.log, [])


class NoTls(Case):
    def test_http_on_the_port_of_tls(self):
        server = self.server("serve", *self.own().args)
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as stream:
            stream.sendall(GET)
            answer = to_the_end(stream)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
        self.assertIn(b"https://", answer)

    def test_other_bytes_on_the_port_of_tls(self):
        server = self.server("serve", *self.own().args)
        for sent in [b"\x00" * 100, b"\xff" * 100, b"\x16\x03\x01\xff\xff" + bytes(100)]:
            with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as stream:
                stream.sendall(sent)
                self.assertFalse(to_the_end(stream).startswith(b"HTTP"))

    def test_tls_on_the_port_of_http(self):
        server = self.server("serve")
        for version in ["-tls1_2", "-tls1_3"]:
            output = s_client(server.port, version)
            self.assertIn("wrong version number", output)
            self.assertNotIn("unexpected eof", output)
