"""Settings that cannot work: one line that names the file and what to do, and exit status 1."""

import subprocess

from support import LIMIT, WIREBELL, Authority, Case


class Settings(Case):
    def refused(self, *args):
        command = [WIREBELL, "serve", "--check", *map(str, args)]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        self.assertEqual(ended.stdout, "")
        self.assertRegex(ended.stderr, r"\A[^\n]+\n\Z")
        self.assertEqual(ended.returncode, 1, ended.stderr)
        return ended.stderr

    def test_each_is_told_in_one_line(self):
        authority = Authority()
        pair = lambda name, **of: authority.pair(self.folder / name, "localhost", **of)
        good, other = pair("good"), pair("other")
        old, early = pair("old", days=(-9, -1)), pair("early", days=(1, 9))
        locked = pair("locked", password=b"secret")
        empty, nothing = self.folder / "empty.pem", self.folder / "nothing.pem"
        empty.touch()
        rows = [
            (old.certificate, old.key, old.certificate, "expired"),
            (early.certificate, early.key, early.certificate, "valid only in"),
            (good.certificate, nothing, nothing, "No such file"),
            (nothing, good.key, nothing, "No such file"),
            (good.certificate, locked.key, locked.key, "openssl pkey -in"),
            (good.certificate, other.key, other.key, "does not belong"),
            (good.certificate, empty, empty, "must have a private key"),
            (empty, good.key, empty, "must have a certificate"),
            (good.key, good.certificate, good.key, "interchanged"),
        ]
        for certificate, key, named, part in rows:
            line = self.refused("--tls-cert", certificate, "--tls-key", key)
            self.assertIn(str(named), line)
            self.assertIn(part, line)
        for authority in [empty, nothing, good.key]:
            line = self.refused(*good.args, "--tls-client-ca", authority)
            self.assertIn(str(authority), line)
