"""Certificates, servers and clients for the tests of this directory.

Everything that waits has a limit, and every process that is started here is stopped here.
"""

import contextlib
import datetime
import fcntl
import ipaddress
import os
import queue
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).parent
WIREBELL = os.environ["WIREBELL"]
LIMIT = 15  # seconds for everything that waits

MASK = b"\x37\xfa\x21\x3d"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def frame(first, payload):
    """A masked frame, as a client sends it."""
    assert len(payload) < 126
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + MASK + masked


def text(payload):
    return frame(0x81, payload)


CLOSE = frame(0x88, struct.pack("!H", 1000))


def until(what, condition):
    """Waits for something that nothing announces."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {LIMIT} s: {what}")


class Authority:
    """Signs certificates."""

    def __init__(self, name="test authority"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self.builder(self.name, self.key, days=(-10, 10))
        builder = builder.add_extension(constraints, critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def builder(self, subject, key, days):
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = (now + datetime.timedelta(days=day) for day in days)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(start).not_valid_after(end)

    def write(self, folder):
        path = folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def pair(self, folder, *names, days=(-1, 9), client=False, password=None):
        """Writes cert.pem and key.pem into a new folder."""
        folder.mkdir(parents=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = self.builder(subject, key, days)
        names = x509.SubjectAlternativeName([general_name(name) for name in names or ["client"]])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        pair = Pair(folder)
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        encryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password)
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
        return pair


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Pair:
    """A folder with cert.pem and key.pem."""

    def __init__(self, folder):
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"

    @property
    def args(self):
        return ["--tls-cert", self.certificate, "--tls-key", self.key]

    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())


def made_by_wirebell(folder, *names):
    command = [WIREBELL, "certificate", "--output", folder, *names]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
    return Pair(folder)


class Server:
    """A `wirebell echo` or `serve` on a free port."""

    def __init__(self, subcommand, *args):
        command = [WIREBELL, subcommand, "--listen", "127.0.0.1:0", *map(str, args)]
        # In a session of its own, a SIGHUP is no hangup of a terminal.
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True)
        self.log = []
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        line = self.child.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"the server did not start: {self.log}")
        address = line.split("//", 1)[1].split("/", 1)[0]
        self.port = int(address.rsplit(":", 1)[1])

    def read_log(self):
        for line in self.child.stderr:
            self.log.append(line)

    def logged(self, part):
        return [line for line in self.log if part in line]

    def hangup(self):
        self.child.send_signal(signal.SIGHUP)

    def stop(self):
        """Stops it, and returns its exit status."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            status = self.child.wait(LIMIT)
        finally:
            self.child.kill()
            self.child.wait()
            self.reader.join(LIMIT)
            self.child.stdout.close()
            self.child.stderr.close()
        return status


class Case(unittest.TestCase):
    """A test with a folder of its own and servers that end with it."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="wirebell-tls-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def server(self, *args):
        server = Server(*args)
        self.addCleanup(lambda: self.assertEqual(server.stop(), 0, server.log))
        return server

    def own(self, *names):
        """A certificate that `wirebell certificate` has made."""
        return made_by_wirebell(self.folder / "own", *names)


def trusting(authorities, version=None):
    """A context of a client that trusts these authorities."""
    context = ssl.create_default_context(cafile=authorities)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@contextlib.contextmanager
def secure(port, context, name="localhost"):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as plain:
        with context.wrap_socket(plain, server_hostname=name) as stream:
            yield stream


def presented(port, name=None):
    """The certificate that a server presents now."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with secure(port, context, name) as stream:
        return stream.getpeercert(binary_form=True)


def to_the_end(stream):
    """All that comes until the end, which must not be a reset or an end without close_notify."""
    parts = []
    while part := stream.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Client:
    """An `openssl s_client` that is told what to do line by line."""

    def __init__(self, port, *args, name="localhost"):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name]
        self.child = subprocess.Popen(
            [*command, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0)
        self.seen = b""
        self.parts = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while part := self.child.stdout.read(65536):
            self.parts.put(part)
        self.parts.put(None)

    def write(self, data):
        """It looks for commands only at the beginning of what it reads at once."""
        self.child.stdin.write(data)
        until("openssl reads its stdin", self.has_read)

    def has_read(self):
        waiting = fcntl.ioctl(self.child.stdin, termios.FIONREAD, bytes(4))
        return waiting == bytes(4)

    def expect(self, part):
        """Waits for this part of the output, and forgets all before."""
        end = time.monotonic() + LIMIT
        while part not in self.seen:
            try:
                more = self.parts.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                more = None
            if more is None:
                seen = self.seen.decode(errors="replace")
                raise AssertionError(f"{part} did not come, but {seen}")
            self.seen += more
        before, _, self.seen = self.seen.partition(part)
        return before

    def end(self):
        """All that is left of the output, once the server ends the connection."""
        end = time.monotonic() + LIMIT
        while more := self.parts.get(timeout=max(0, end - time.monotonic())):
            self.seen += more
        return self.seen.decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.reader.join(LIMIT)
        self.child.stdin.close()
        self.child.stdout.close()


def s_client(port, *args, send=GET, name="localhost"):
    """Sends this, and returns all output until the server ends the connection."""
    with Client(port, "-ign_eof", *args, name=name) as client:
        client.child.stdin.write(send)
        return client.end()
