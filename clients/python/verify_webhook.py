"""Verifies webhooks of Orewatch by the Standard Webhooks specification.

    pip install cryptography        # only for Ed25519

A message is authentic if one of its signatures is by a key that you know and its timestamp is recent. Verify the body exactly as
received, before anything parses it. `webhook-id` is the same at every attempt, so act once on each.
"""
import base64
import binascii
import hashlib
import hmac
import time

# Maximum difference between the clocks of sender and receiver, in seconds.
TOLERANCE = 5 * 60


class NotAuthentic(Exception):
    """The message is not authentic; the text says why."""


def verify(headers, body, keys, now=None):
    """Returns the identifier of the message, or raises NotAuthentic.

    headers: the request's headers, names in lower case.
    body: the request's body, bytes.
    keys: the keys that you know: `whsec_...` (HMAC, a secret) or `whpk_...` (Ed25519, a public key). Several while keys change.
    now: seconds since 1970; default: the current time.
    """
    try:
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
    except KeyError as missing:
        raise NotAuthentic(f"header {missing} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise NotAuthentic("webhook-timestamp is not a number")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE:
        raise NotAuthentic("webhook-timestamp is too far from the current time")
    content = f"{message_id}.{timestamp}.".encode() + body
    for key in keys:
        for signature in signatures:
            if _is_by(key, signature, content):
                return message_id
    raise NotAuthentic("no signature is by a known key")


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
