"""How a receiver checks what it is sent, in three languages: with the library of Standard Webhooks, and by hand.

docs/webhooks.md shows the same texts; a test compares them and runs those that it can run.
"""

from __future__ import annotations

from dataclasses import dataclass

_PYTHON = """\
# pip install standardwebhooks
from standardwebhooks.webhooks import Webhook


def received(secret, headers, body):
    \"\"\"Return what was sent; raises WebhookVerificationError. The body is the bytes as they came.\"\"\"
    return Webhook(secret).verify(body, headers)
"""
_PYTHON_BY_HAND = """\
import base64
import hashlib
import hmac
import json
import time


def received(secret, headers, body):
    \"\"\"Return what was sent; raises ValueError. The body is the bytes as they came.\"\"\"
    headers = {name.lower(): value for name, value in headers.items()}
    id_, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        raise ValueError("too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, f"{id_}.{sent_at}.".encode() + body, hashlib.sha256))
    for each in headers["webhook-signature"].split():  # two while a new secret overlaps the one before
        version, _, given = each.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), wanted):
            return json.loads(body)
    raise ValueError("no signature fits")
"""
_NODE = """\
// npm install standardwebhooks
import { Webhook } from "standardwebhooks";

// Returns what was sent; throws where no signature fits. The body is the text as it came.
export function received(secret, headers, body) {
  return new Webhook(secret).verify(body, headers);
}
"""
_NODE_BY_HAND = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// Returns what was sent; throws where no signature fits. The body is the text as it came, the headers are in lower case.
export function received(secret, headers, body) {
  const id = headers["webhook-id"];
  const sentAt = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300)) throw new Error("too old, or from the future");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest();
  for (const each of headers["webhook-signature"].split(" ")) { // two while a new secret overlaps the one before
    const [version, given] = each.split(",");
    const bytes = Buffer.from(given ?? "", "base64");
    if (version === "v1" && bytes.length === wanted.length && timingSafeEqual(bytes, wanted)) return JSON.parse(body);
  }
  throw new Error("no signature fits");
}
"""
_GO = """\
// go get github.com/standard-webhooks/standard-webhooks/libraries
package hooks

import (
	"net/http"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Verify returns an error where no signature fits. The body is the bytes as they came.
func Verify(secret string, headers http.Header, body []byte) error {
	webhook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return err
	}
	return webhook.Verify(body, headers)
}
"""
_GO_BY_HAND = """\
package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Verify returns an error where no signature fits. The body is the bytes as they came.
func Verify(secret string, headers http.Header, body []byte) error {
	id, sentAt := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sentAt, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("too old, or from the future")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + sentAt + "."))
	mac.Write(body)
	wanted := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, given := range strings.Fields(headers.Get("webhook-signature")) { // two while a new secret overlaps
		if hmac.Equal([]byte(given), []byte(wanted)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
"""


@dataclass(frozen=True, slots=True)
class Language:
    """The snippets of one language."""

    id: str
    name: str
    library: str
    by_hand: str


LANGUAGES = (
    Language("python", "Python", _PYTHON, _PYTHON_BY_HAND),
    Language("node", "Node.js", _NODE, _NODE_BY_HAND),
    Language("go", "Go", _GO, _GO_BY_HAND),
)
