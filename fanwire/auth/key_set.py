"""The keys of an issuer, as a JWKS spells them (RFC 7517)."""

from collections.abc import Collection, Mapping

from fanwire.auth.token_key import TokenKey, public_key
from fanwire.wire.strict_json import parse_object


def usable_keys(document: bytes, algorithms: Collection[str]) -> dict[str, TokenKey]:
    """Return the signature keys of a JWKS by their id, leaving out what we cannot use.

    Raises:
        NotStrictJson: If the document is not a JSON object.
    """
    listed = parse_object(document).get("keys")
    keys: dict[str, TokenKey] = {}
    for fields in listed if isinstance(listed, list) else ():
        # One key of a new kind must not cost us the others.
        if isinstance(fields, dict) and _is_for_signatures(fields):
            key = public_key(fields, algorithms)
            if key is not None:
                keys[fields["kid"]] = key
    return keys


def _is_for_signatures(fields: Mapping[str, object]) -> bool:
    # A private key ("d") that was published is everybody's.
    return (
        fields.get("use", "sig") == "sig"
        and isinstance(fields.get("kid"), str)
        and "d" not in fields
    )
