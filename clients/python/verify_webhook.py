"""Verifies webhooks of Orewatch by the Standard Webhooks specification.

    pip install cryptography        # only for Ed25519

A message is authentic if one of its signatures is by a key that you know, and recent if its timestamp is. Verify the body byte
for byte as it came, before anything parses it. `webhook-id` is the same at every attempt: act once on each.
"""
import base64
import binascii
import hashlib
import hmac
import time

# How far the clocks of sender and receiver may be apart, in seconds.
TOLERANCE = 5 * 60


class NotAuthentic(Exception):
    """The message is not to be trusted; the text says why."""


def verify(headers, body, keys, now=None):
    """Returns the message's id, or raises NotAuthentic.

    headers: the request's headers, names in lower case.
    body: the request's body, bytes.
    keys: what you know: `whsec_...` (HMAC, a secret) or `whpk_...` (Ed25519, a public key); several while keys change.
    now: seconds since 1970; left out: the present.
    """
    try:
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
    except KeyError as missing:
        raise NotAuthentic(f"header {missing} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise NotAuthentic("webhook-timestamp is no number")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE:
        raise NotAuthentic("webhook-timestamp is too far from the present")
    content = f"{message_id}.{timestamp}.".encode() + body
    for key in keys:
        for signature in signatures:
            if _is_by(key, signature, content):
                return message_id
    raise NotAuthentic("no signature is by a key that is known")


def _is_by(key, signature, content):
    version, _, encoded = signature.partition(",")
    try:
        found = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    if version == "v1" and key.startswith("whsec_"):
        secret = base64.b64decode(key.removeprefix("whsec_"))
        expected = hmac.new(secret, content, hashlib.sha256).digest()
        return hmac.compare_digest(expected, found)
    if version == "v1a" and key.startswith("whpk_"):
        return _is_by_ed25519(base64.b64decode(key.removeprefix("whpk_")), found, content)
    return False


def _is_by_ed25519(public_key, signature, content):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except InvalidSignature:
        return False
    return True
