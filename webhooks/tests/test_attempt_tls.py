"""Certificates: of receivers, which are verified, and of the sender, where a receiver asks for one."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from commandcenter.core.signing import key_of, new_secret
from webhooks.checks import check_certificates
from webhooks.sending.attempt import attempt
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter, Outcome
from webhooks.tests.receiver import Receiver, receiving

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


def key_pem(pair: Pair, passphrase: bytes | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return pair[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


def serving(pair: Pair, folder: Path) -> ssl.SSLContext:
    (folder / "server.pem").write_bytes(key_pem(pair) + pem(pair[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


async def sent_to(url: str) -> Outcome:
    letter = Letter(url, "id", 1, b"{}", [key_of(new_secret())])
    async with lines(LOOPBACK) as session:
        return await attempt(session, letter)


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
    tmp_path: Path, settings: Settings, *, names: list[x509.GeneralName], days: int, trusted: bool, error: str
) -> None:
    authority = certificate("Our authority", by=None)
    context = serving(certificate("receiver", by=authority, days=days, names=names), tmp_path)
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    settings.WEBHOOK_CA_FILE = str(tmp_path / "ca.pem") if trusted else None
    with receiving(tls=context) as receiver:
        outcome = await sent_to(receiver.url)
    assert (outcome.error, outcome.status) == (error, None if error else 204)
    assert outcome.address == "127.0.0.1"
    assert len(receiver.got) == (0 if error else 1)
    if error:
        assert "certificate" in outcome.detail
        assert "_ssl.c" not in outcome.detail
    else:
        assert outcome.tls_peer == "receiver, 127.0.0.1"


async def test_the_name_of_a_receiver_is_kept_as_the_database_takes_it(
    tmp_path: Path, settings: Settings, authority: Pair
) -> None:
    context = serving(certificate("recei\x00ver", by=authority, names=[HERE]), tmp_path)
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    settings.WEBHOOK_CA_FILE = str(tmp_path / "ca.pem")
    with receiving(tls=context) as receiver:
        outcome = await sent_to(receiver.url)
    assert (outcome.status, outcome.tls_peer) == (204, "receiver, 127.0.0.1")


async def test_a_receiver_that_speaks_no_tls_is_told_nothing() -> None:
    with receiving() as receiver:
        letter = Letter(
            receiver.url.replace("http:", "https:"), "id", 1, b"{}", [key_of(new_secret())], seconds=1
        )
        async with lines(LOOPBACK) as session:
            outcome = await attempt(session, letter)
    assert outcome.error in {"tls", "closed", "timeout", "refused"}
    assert "_ssl.c" not in outcome.detail
    assert not receiver.got


async def test_a_port_at_which_nothing_listens_is_said_to_be_that() -> None:
    with receiving() as receiver:
        url = receiver.url
    outcome = await sent_to(url)
    assert outcome.error == "refused"
    assert "nothing listens at this port" in outcome.detail


@pytest.fixture
def authority() -> Pair:
    return certificate("Our authority", by=None)


@pytest.fixture
def demand(tmp_path: Path, settings: Settings, authority: Pair) -> ssl.SSLContext:
    """Return the context of a receiver that talks only to those who show a certificate of the authority."""
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    settings.WEBHOOK_CA_FILE = str(tmp_path / "ca.pem")
    context = serving(certificate("receiver", by=authority, names=[HERE]), tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "ca.pem")
    return context


@pytest.fixture
def demanding(demand: ssl.SSLContext) -> Iterator[Receiver]:
    with receiving(tls=demand) as receiver:
        yield receiver


async def test_a_receiver_that_misses_our_certificate_is_understood(demand: ssl.SSLContext) -> None:
    """It says so after the handshake is over for us, in an alert that asyncio's servers do not send."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            with server.accept()[0] as connection, pytest.raises(ssl.SSLError):
                demand.wrap_socket(connection, server_side=True)

        with ThreadPoolExecutor(1) as pool:
            refusal = pool.submit(refuse)
            outcome = await sent_to(f"https://127.0.0.1:{server.getsockname()[1]}")
            refusal.result(5)
    assert (outcome.error, outcome.status) == ("tls", None)
    assert "certificate required" in outcome.detail
    assert "CC_WEBHOOK_CLIENT_CERT" in outcome.detail


async def test_a_receiver_that_asks_for_a_certificate_is_shown_ours(
    tmp_path: Path, settings: Settings, authority: Pair, demanding: Receiver
) -> None:
    """A certificate that was renewed is shown from then on, without a restart."""
    settings.WEBHOOK_CLIENT_CERT, settings.WEBHOOK_CLIENT_KEY = (
        str(tmp_path / "c.pem"),
        str(tmp_path / "k.pem"),
    )
    others = certificate("Another authority", by=None)
    for signer, status in ((others, None), (authority, 204)):
        ours = certificate(f"command center of {status}", by=signer)
        (tmp_path / "c.pem").write_bytes(pem(ours[0]))
        (tmp_path / "k.pem").write_bytes(key_pem(ours))
        assert (await sent_to(demanding.url)).status == status
    assert len(demanding.got) == 1


async def test_one_file_may_hold_certificate_and_key(
    tmp_path: Path, settings: Settings, authority: Pair, demanding: Receiver
) -> None:
    ours = certificate("command center", by=authority)
    (tmp_path / "both.pem").write_bytes(key_pem(ours) + pem(ours[0]))
    settings.WEBHOOK_CLIENT_CERT = str(tmp_path / "both.pem")
    assert check_certificates() == []
    assert (await sent_to(demanding.url)).status == 204


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"CA_FILE": "absent.pem"}, "absent.pem cannot be read (No such file or directory)"),
        ({"CA_FILE": "text.pem"}, "text.pem holds no certificates in PEM"),
        ({"CLIENT_KEY": "key.pem"}, "CC_WEBHOOK_CLIENT_KEY is set without CC_WEBHOOK_CLIENT_CERT"),
        ({"CLIENT_CERT": "absent.pem"}, "absent.pem cannot be read"),
        ({"CLIENT_CERT": "."}, "cannot be read (Is a directory)"),
        ({"CLIENT_CERT": "cert.pem"}, "or set CC_WEBHOOK_CLIENT_KEY"),
        ({"CLIENT_CERT": "text.pem", "CLIENT_KEY": "key.pem"}, "must hold a certificate in PEM"),
        ({"CLIENT_CERT": "cert.pem", "CLIENT_KEY": "other.pem"}, "KEY_VALUES_MISMATCH"),
        ({"CLIENT_CERT": "cert.pem", "CLIENT_KEY": "locked.pem"}, "has a passphrase"),
    ],
    ids=lambda value: "+".join(value.values()) if isinstance(value, dict) else "",
)
def test_files_that_cannot_be_used_are_named_at_start_up(
    tmp_path: Path, settings: Settings, names: dict[str, str], said: str
) -> None:
    ours, other = certificate("ours", by=None), certificate("other", by=None)
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "cert.pem").write_bytes(pem(ours[0]))
    (tmp_path / "key.pem").write_bytes(key_pem(ours))
    (tmp_path / "locked.pem").write_bytes(key_pem(ours, b"secret"))
    (tmp_path / "other.pem").write_bytes(key_pem(other))
    for name, file in names.items():
        setattr(settings, f"WEBHOOK_{name}", str(tmp_path / file))
    (message,) = check_certificates()
    assert message.id == "webhooks.E001"
    assert said in message.msg


def test_the_start_is_refused_with_files_that_cannot_be_used(settings: Settings) -> None:
    settings.WEBHOOK_CA_FILE = "/nowhere/authorities.pem"
    with pytest.raises(
        SystemCheckError, match=r"CC_WEBHOOK_CA_FILE: /nowhere/authorities\.pem cannot be read"
    ):
        call_command("check")
