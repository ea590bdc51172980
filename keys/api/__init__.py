"""The REST face of keys: every operation, declared; the URLs, documents and tests are made from this tuple."""

from keys.api import (
    creation,
    datakeys,
    encryption,
    grants,
    lifecycle,
    listing,
    rotation,
    signing,
)

OPERATIONS = (
    *creation.OPERATIONS,
    *listing.OPERATIONS,
    *lifecycle.OPERATIONS,
    *encryption.OPERATIONS,
    *datakeys.OPERATIONS,
    *signing.OPERATIONS,
    *rotation.OPERATIONS,
    *grants.OPERATIONS,
)
