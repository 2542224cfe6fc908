"""What the scanner sslyze finds in a server: nothing that Mozilla's recommendations rule out."""

import json
import subprocess
import sys

from support import LIMIT, Case

# Suites of TLS 1.2 in the recommendation "intermediate" (version 5.7).
INTERMEDIATE = {
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for key in ["ECDSA", "RSA"]
    for cipher in [
        "AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256",
    ]
}
# Those of TLS 1.3, in "modern" as well.
MODERN = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
OLD = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]
GROUPS = {"X25519", "secp256r1", "secp384r1"}


class Scan(Case):
    def scan(self, *args):
        server = self.server("serve", *self.own().args, *args)
        report = self.folder / "report.json"
        subprocess.run(
            [sys.executable, "-m", "sslyze", "--json_out", report, "--sslv2", "--sslv3", "--tlsv1",
             "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--compression", "--heartbleed",
             "--openssl_ccs", "--robot", "--reneg", "--fallback", "--elliptic_curves", "--early_data", "--resum",
             "--ems", f"localhost:{server.port}"],
            check=False, stdout=subprocess.DEVNULL, timeout=4 * LIMIT)
        [result] = json.loads(report.read_text())["server_scan_results"]
        self.assertEqual(result["scan_status"], "COMPLETED", result)
        found = result["scan_result"]
        for name, command in found.items():
            if command is not None and command["status"] != "NOT_SCHEDULED":
                self.assertEqual(command["status"], "COMPLETED", name)
        return {name: command and command["result"] for name, command in found.items()}

    def suites(self, found, version):
        accepted = found[f"{version}_cipher_suites"]["accepted_cipher_suites"]
        return {suite["cipher_suite"]["name"] for suite in accepted}

    def check_common(self, found):
        for version in OLD:
            self.assertEqual(self.suites(found, version), set(), version)
        self.assertEqual(self.suites(found, "tls_1_3"), MODERN)
        self.assertFalse(found["tls_compression"]["supports_compression"])
        self.assertFalse(found["heartbleed"]["is_vulnerable_to_heartbleed"])
        self.assertFalse(found["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"])
        self.assertIn("NOT_VULNERABLE", found["robot"]["robot_result"])
        renegotiation = found["session_renegotiation"]
        self.assertFalse(renegotiation["is_vulnerable_to_client_renegotiation_dos"])
        self.assertFalse(found["tls_1_3_early_data"]["supports_early_data"])
        curves = found["elliptic_curves"]["supported_curves"] or []
        self.assertEqual({curve["name"] for curve in curves}, GROUPS)

    def test_the_default_is_intermediate(self):
        found = self.scan()
        self.check_common(found)
        suites = self.suites(found, "tls_1_2")
        self.assertTrue(suites and suites <= INTERMEDIATE, suites)
        self.assertTrue(found["session_renegotiation"]["supports_secure_renegotiation"])
        self.assertTrue(found["tls_extended_master_secret"]["supports_ems_extension"])
        # Tickets alone, see test_openssl.py: the server keeps no sessions.
        resumption = found["session_resumption"]["session_id_resumption_result"]
        self.assertEqual(resumption, "NOT_SUPPORTED")

    def test_1_3_alone_is_modern(self):
        found = self.scan("--tls-min-version", "1.3")
        self.check_common(found)
        self.assertEqual(self.suites(found, "tls_1_2"), set())
