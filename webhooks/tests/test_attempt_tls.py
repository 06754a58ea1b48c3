"""Receivers with certificates: those that are verified, and those that are not for them, over, or of nobody."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commandcenter.core.signing import key_of, new_secret
from webhooks.sending.attempt import Letter, attempt
from webhooks.sending.dialing import lines
from webhooks.tests.receiver import receiving

LOOPBACK = (ip_network("127.0.0.0/8"),)
HERE = x509.IPAddress(ip_address("127.0.0.1"))
Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def certificate(
    name: str, *, by: Pair | None, days: int = 1, names: list[x509.GeneralName] | None = None
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.now(UTC) + timedelta(days=days)
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=30))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256()), key


def pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def serving(pair: Pair, folder: Path) -> ssl.SSLContext:
    key = pair[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(key + pem(pair[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize(
    ("names", "days", "trusted", "error"),
    [
        ([HERE], 1, True, ""),
        ([HERE], 1, False, "tls"),
        ([x509.DNSName("other.example")], 1, True, "tls"),
        ([HERE], -1, True, "tls"),
    ],
    ids=["verified", "of-nobody", "for-another", "expired"],
)
async def test_only_a_certificate_that_verifies_gets_what_is_sent(
    tmp_path: Path, names: list[x509.GeneralName], days: int, trusted: bool, error: str
) -> None:
    authority = certificate("Our authority", by=None)
    context = serving(certificate("receiver", by=authority, days=days, names=names), tmp_path)
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    with receiving(tls=context) as receiver:
        letter = Letter(receiver.url, "id", 1, b"{}", [key_of(new_secret())])
        async with lines(LOOPBACK, str(tmp_path / "ca.pem") if trusted else None) as session:
            outcome = await attempt(session, letter)
    assert (outcome.error, outcome.status) == (error, None if error else 204)
    assert outcome.address == "127.0.0.1"
    assert len(receiver.got) == (0 if error else 1)
    if error:
        assert "certificate" in outcome.detail
    else:
        assert outcome.tls_peer == "receiver, 127.0.0.1"


async def test_a_receiver_that_speaks_no_tls_is_told_nothing() -> None:
    with receiving() as receiver:
        letter = Letter(
            receiver.url.replace("http:", "https:"), "id", 1, b"{}", [key_of(new_secret())], seconds=1
        )
        async with lines(LOOPBACK) as session:
            outcome = await attempt(session, letter)
    assert outcome.error in {"tls", "closed", "timeout", "refused"}
    assert not receiver.got
