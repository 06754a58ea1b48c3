"""Whom the sender trusts, and by which certificate it says who it is: PEM files that an operator names."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from django.conf import settings

Stamp = tuple[str, int, int]  # a file as it was: path, nanoseconds of its last change, bytes


class UnusableCertificate(Exception):
    """Raised when a named file cannot be used; says which, and what to do."""


def trust() -> ssl.SSLContext:
    """Return the context of all connections. Files that were replaced are read again; raises UnusableCertificate.

    Reading them takes longer than many a request, so that it is done once for each state of the files.
    """
    authorities, certificate, key = (
        settings.WEBHOOK_CA_FILE,
        settings.WEBHOOK_CLIENT_CERT,
        settings.WEBHOOK_CLIENT_KEY,
    )
    if key and not certificate:
        raise UnusableCertificate("CC_WEBHOOK_CLIENT_KEY is set without CC_WEBHOOK_CLIENT_CERT; set both.")
    return _context(
        _stamp("CC_WEBHOOK_CA_FILE", authorities),
        _stamp("CC_WEBHOOK_CLIENT_CERT", certificate),
        _stamp("CC_WEBHOOK_CLIENT_KEY", key),
    )


@lru_cache(maxsize=2)
def _context(authorities: Stamp | None, certificate: Stamp | None, key: Stamp | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authorities:
        try:
            context.load_verify_locations(cafile=authorities[0])
        except ssl.SSLError:
            raise UnusableCertificate(
                f"CC_WEBHOOK_CA_FILE: {authorities[0]} holds no certificates in PEM."
            ) from None
    if certificate:
        try:
            context.load_cert_chain(certificate[0], key[0] if key else None, password=_refuse)
        except ssl.SSLError as error:
            names = "the key of CC_WEBHOOK_CLIENT_KEY" if key else "its key (or set CC_WEBHOOK_CLIENT_KEY)"
            raise UnusableCertificate(
                f"CC_WEBHOOK_CLIENT_CERT: {certificate[0]} must hold a certificate in PEM that fits {names}: "
                f"{error.reason or error}."
            ) from None
    return context


def _stamp(name: str, path: str | None) -> Stamp | None:
    if not path:
        return None
    try:
        with Path(path).open("rb"):  # it may be there and not to be read
            facts = Path(path).stat()
    except OSError as error:
        raise UnusableCertificate(
            f"{name}: {path} cannot be read ({error.strerror}); name a file that the worker may read."
        ) from None
    return path, facts.st_mtime_ns, facts.st_size


def _refuse() -> str:
    """Keep OpenSSL from asking a terminal."""
    raise UnusableCertificate(
        "The key of CC_WEBHOOK_CLIENT_CERT has a passphrase, which nobody is there to enter; store it without one."
    )
