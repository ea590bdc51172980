"""The REST face of keys: every operation, declared; the URLs, documents and tests are made from this tuple."""

from keys.api import creation, encryption, lifecycle, listing, signing

OPERATIONS = (
    *creation.OPERATIONS,
    *listing.OPERATIONS,
    *lifecycle.OPERATIONS,
    *encryption.OPERATIONS,
    *signing.OPERATIONS,
)
