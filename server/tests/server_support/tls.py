"""TLS in front of a port that speaks without: a redis-server may be built without it."""

from __future__ import annotations

import datetime
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Tls:
    """A certificate for 127.0.0.1 that has signed itself.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rekall tests")])
        now = datetime.datetime.now(datetime.timezone.utc)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.authority = folder / "certificate.pem"
        self.authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.authority, private)

    @contextmanager
    def in_front_of(self, port: int) -> Iterator[int]:
        """A port that speaks TLS and hands on to another one of this machine what it is told."""
        threads: list[threading.Thread] = []
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def serve() -> None:
                with suppress(OSError):
                    while True:
                        plain, _ = listening.accept()
                        threads.append(threading.Thread(target=self._hand_on, args=(plain, port)))
                        threads[-1].start()

            accepting = threading.Thread(target=serve)
            accepting.start()
            try:
                yield int(listening.getsockname()[1])
            finally:
                listening.shutdown(socket.SHUT_RDWR)
                accepting.join(10)
                for thread in threads:
                    thread.join(10)

    def _hand_on(self, plain: socket.socket, port: int) -> None:
        with suppress(OSError), plain, socket.create_connection(("127.0.0.1", port)) as behind:
            plain.settimeout(10)
            with self._context.wrap_socket(plain, server_side=True) as front:
                while True:
                    # one thread: two of them in one connection over TLS may wait for each other
                    ready = [front] if front.pending() else select.select([front, behind], [], [], 10)[0]
                    source, target = (front, behind) if front in ready else (behind, front)
                    data = source.recv(65536) if ready else b""
                    if not data:
                        return
                    target.sendall(data)
