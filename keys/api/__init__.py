"""The REST face of keys: every operation, declared; the URLs, documents and tests are made from this tuple."""

from keys.api import (
    account,
    aliases,
    creation,
    datakeypairs,
    datakeys,
    encryption,
    grants,
    lifecycle,
    listing,
    macs,
    randomness,
    reencryption,
    rotation,
    signing,
)

OPERATIONS = (
    *creation.OPERATIONS,
    *listing.OPERATIONS,
    *lifecycle.OPERATIONS,
    *encryption.OPERATIONS,
    *reencryption.OPERATIONS,
    *datakeys.OPERATIONS,
    *datakeypairs.OPERATIONS,
    *randomness.OPERATIONS,
    *signing.OPERATIONS,
    *rotation.OPERATIONS,
    *grants.OPERATIONS,
    *macs.OPERATIONS,
    *aliases.OPERATIONS,
    *account.OPERATIONS,
)
