"""A throwaway authority and one certificate that it signed, for the loopback address."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write(folder: Path) -> None:
    """Write `ca.pem`, `cert.pem` and `key.pem`."""
    now = datetime.datetime.now(datetime.UTC)
    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("ca", "node")}
    names = {who: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)]) for who in keys}
    certificates = {}
    for who in keys:
        certificates[who] = (
            x509.CertificateBuilder()
            .subject_name(names[who])
            .issuer_name(names["ca"])
            .public_key(keys[who].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=who == "ca", path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(keys["ca"], hashes.SHA256())
        )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(certificates["ca"].public_bytes(pem))
    (folder / "cert.pem").write_bytes(certificates["node"].public_bytes(pem))
    (folder / "key.pem").write_bytes(keys["node"].private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
