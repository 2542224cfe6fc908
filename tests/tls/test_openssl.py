"""What `openssl s_client` sees of a server: versions, names, tickets, keys, certificates."""

from support import CLOSE, GET, UPGRADE, Authority, Case, Client, s_client, text

OLD = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]


class Handshakes(Case):
    def test_versions(self):
        server = self.server("serve", *self.own().args)
        for version in ["-tls1_2", "-tls1_3"]:
            output = s_client(server.port, version)
            self.assertIn("HTTP/1.1 200 OK", output)
            self.assertIn(f"New, TLSv1.{version[-1]}, ", output)
            self.assertIn("Compression: NONE", output)
        self.assertIn("alert", s_client(server.port, *OLD))
        self.assertNotIn("HTTP/1.1", s_client(server.port, *OLD))

    def test_the_lowest_version(self):
        server = self.server("serve", *self.own().args, "--tls-min-version", "1.3")
        self.assertIn("HTTP/1.1 200 OK", s_client(server.port))
        self.assertIn("alert protocol version", s_client(server.port, "-tls1_2"))

    def test_protocols(self):
        server = self.server("serve", *self.own().args)
        for offer in ["http/1.1", "h2,http/1.1"]:
            self.assertIn("ALPN protocol: http/1.1", s_client(server.port, "-alpn", offer))
        self.assertIn("No ALPN negotiated", s_client(server.port))
        for version in ["-tls1_2", "-tls1_3"]:
            output = s_client(server.port, version, "-alpn", "h2")
            self.assertIn("alert no application protocol", output)

    def test_names_choose_a_certificate(self):
        authority = Authority()
        trust = ["-CAfile", authority.write(self.folder), "-verify_return_error"]
        names = {"first": ["a.test"], "second": ["b.test", "*.c.test"]}
        pairs = [authority.pair(self.folder / name, *of) for name, of in names.items()]
        server = self.server("serve", *pairs[0].args, *pairs[1].args)
        for name, subject in [
            ("a.test", "first"), ("b.test", "second"), ("d.c.test", "second"), ("e.test", "first"),
        ]:
            output = s_client(server.port, *trust, name=name)
            self.assertIn(f"subject=CN = {subject}\n", output)
            self.assertIn("Verify return code: 0 (ok)", output)
        output = s_client(server.port, *trust, "-verify_hostname", "e.test", name="e.test")
        self.assertIn("hostname mismatch", output)

    def test_one_ticket_which_resumes(self):
        server = self.server("serve", *self.own().args)
        for version in ["-tls1_2", "-tls1_3"]:
            ticket = self.folder / f"ticket{version}"
            first = s_client(server.port, version, "-sess_out", ticket)
            self.assertIn("New, TLSv1.", first)
            arrived = first.count("Post-Handshake New Session Ticket arrived")
            self.assertEqual(arrived, int(version == "-tls1_3"))
            second = s_client(server.port, version, "-sess_in", ticket)
            self.assertIn("Reused, TLSv1.", second)
            self.assertIn("HTTP/1.1 200 OK", second)

    def test_early_data_is_not_accepted(self):
        server = self.server("serve", *self.own().args)
        ticket = self.folder / "ticket"
        first = s_client(server.port, "-sess_out", ticket)
        self.assertIn("Max Early Data: 0", first)


class Keys(Case):
    def test_key_updates_between_and_inside_of_frames(self):
        server = self.server("echo", *self.own().args)
        with Client(server.port, "-tls1_3") as client:
            client.write(UPGRADE)
            client.expect(b"\r\n\r\n")
            for update in [b"k", b"K"] * 20:
                message = text(b"over " + update)
                client.write(message[:3])
                client.write(update + b"\n")
                client.expect(b"KEYUPDATE")
                client.write(message[3:])
                client.expect(b"\x81\x06over " + update)
            client.write(CLOSE)
            client.expect(b"\x88\x02\x03\xe8")
            self.assertIn("closed", client.end())

    def test_key_updates_inside_of_a_request(self):
        server = self.server("serve", *self.own().args)
        with Client(server.port, "-tls1_3") as client:
            client.write(GET[:9])
            client.write(b"K\n")
            client.expect(b"KEYUPDATE")
            client.write(GET[9:])
            self.assertIn("HTTP/1.1 200 OK", client.end())

    def test_renegotiation_is_refused(self):
        server = self.server("echo", *self.own().args)
        with Client(server.port, "-tls1_2") as client:
            client.write(UPGRADE)
            client.expect(b"\r\n\r\n")
            client.write(b"R\n")
            client.expect(b"RENEGOTIATING")
            self.assertIn("no renegotiation", client.end())


class Clients(Case):
    """Certificates of clients."""

    def setUp(self):
        super().setUp()
        authority = Authority()
        self.authority = authority.write(self.folder)
        known = authority.pair(self.folder / "known", client=True)
        stranger = Authority("another").pair(self.folder / "stranger", client=True)
        late = authority.pair(self.folder / "late", client=True, days=(-9, -1))
        server = authority.pair(self.folder / "server", "localhost")
        self.known, self.stranger, self.late, self.wrong = (
            ["-cert", pair.certificate, "-key", pair.key]
            for pair in [known, stranger, late, server])

    def start(self, *args):
        return self.server("serve", *self.own().args, "--tls-client-ca", self.authority, *args)

    def test_required(self):
        server = self.start()
        rows = [
            ([], "-tls1_3", "alert certificate required"),
            ([], "-tls1_2", "alert certificate required"),
            (self.known, "-tls1_3", "HTTP/1.1 200 OK"),
            (self.known, "-tls1_2", "HTTP/1.1 200 OK"),
            (self.stranger, "-tls1_3", "alert unknown ca"),
            (self.stranger, "-tls1_2", "alert unknown ca"),
            (self.late, "-tls1_3", "alert certificate expired"),
            (self.wrong, "-tls1_3", "alert"),
        ]
        for certificate, version, expected in rows:
            output = s_client(server.port, version, *certificate)
            self.assertIn(expected, output, f"{certificate} {version}")
            self.assertEqual("HTTP/1.1" in output, "200" in expected)

    def test_optional(self):
        server = self.start("--tls-client-auth", "optional")
        for version in ["-tls1_2", "-tls1_3"]:
            for certificate in [[], self.known]:
                self.assertIn("HTTP/1.1 200 OK", s_client(server.port, version, *certificate))
            self.assertIn("alert unknown ca", s_client(server.port, version, *self.stranger))
