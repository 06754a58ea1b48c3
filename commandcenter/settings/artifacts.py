"""Where the files of exports and archives lie: a folder, or a bucket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

FOLDER = "django.core.files.storage.FileSystemStorage"
BUCKET = "commandcenter.core.objects.storage.ObjectStorage"
# Files of exports and archives say what repositories hold: for nobody else on the machine.
PRIVATE = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
_SHAPE = "s3://KEY:SECRET@host[:port]/bucket?region=&secure=&prefix=, s3://bucket or file:///folder"
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,200}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_SECURE = {"": True, "true": True, "1": True, "false": False, "0": False}


def artifact_storage(raw: str | None) -> dict[str, Any]:
    """Return the entry of STORAGES that STORAGE_URL asks for; without it, the folder MEDIA_ROOT.

    No message repeats the value: it may hold a key.
    """
    if raw is None:
        return {"BACKEND": FOLDER, "OPTIONS": PRIVATE}
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018  (reading it is the check)
        parts.hostname  # noqa: B018
    except ValueError:
        raise _wrong(
            f"cannot be read as a URL; in a secret write / as %2F, # as %23. It is {_SHAPE}"
        ) from None
    if parts.scheme == "file":
        return _folder(parts)
    if parts.scheme == "s3":
        return _bucket(parts)
    raise _wrong(f"must be one of {_SHAPE}")


def _folder(parts: SplitResult) -> dict[str, Any]:
    folder = Path(unquote(parts.path))
    if parts.netloc not in {"", "localhost"} or not folder.is_absolute() or parts.query or parts.fragment:
        raise _wrong("must name an absolute folder with three slashes, as in file:///srv/artifacts")
    return {"BACKEND": FOLDER, "OPTIONS": {**PRIVATE, "location": str(folder)}}


def _bucket(parts: SplitResult) -> dict[str, Any]:
    path = unquote(parts.path).strip("/")
    bucket = path or parts.netloc
    if not path and ("@" in parts.netloc or ":" in parts.netloc):
        raise _wrong(f"must name a bucket after the host: {_SHAPE}")
    if not _BUCKET_NAME.fullmatch(bucket):
        raise _wrong("names no bucket that can exist: 3 to 63 lower-case letters, digits, dots, dashes")
    given = _query(parts)
    options: dict[str, Any] = {"bucket_name": bucket, "location": given["prefix"]}
    if given["region"]:
        options["region_name"] = given["region"]
    if path:
        scheme = "https" if given["secure"] else "http"
        host = parts.netloc.rpartition("@")[2]
        if not parts.hostname:
            raise _wrong(f"must name a host before the bucket: {_SHAPE}")
        options |= {"endpoint_url": f"{scheme}://{host}", "addressing_style": "path"}
        options.setdefault("region_name", "us-east-1")  # what servers that are not Amazon's expect
    if bool(parts.username) != bool(parts.password):
        raise _wrong("must have both a key and its secret before the @, or neither")
    if parts.username and parts.password:
        options |= {"access_key": unquote(parts.username), "secret_key": unquote(parts.password)}
    return {"BACKEND": BUCKET, "OPTIONS": options}


def _query(parts: SplitResult) -> dict[str, Any]:
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.fragment or (unknown := sorted(given.keys() - {"region", "secure", "prefix"})):
        said = ", ".join(unknown)[:60] if not parts.fragment else "what follows #"
        raise _wrong(f"knows region, secure and prefix, and not {said}")
    region, prefix = given.get("region", ""), given.get("prefix", "").strip("/")
    if region and not _REGION.fullmatch(region):
        raise _wrong("has a region that is none, such as eu-central-1")
    if not _PREFIX.fullmatch(prefix) or (prefix and {"", ".", ".."} & set(prefix.split("/"))):
        raise _wrong("has a prefix that is no plain path, such as team/command-center")
    secure = _SECURE.get(given.get("secure", "").lower())
    if secure is None:
        raise _wrong("has secure=, which must be true or false")
    return {"region": region, "prefix": prefix, "secure": secure}


def _wrong(sentence: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"STORAGE_URL {sentence}.")
