"""Removes an access key for good."""

from iam.management.access_keys import AccessKeyCommand
from iam.services import access_keys


class Command(AccessKeyCommand):
    help = "Delete an access key with its secret key. It cannot be undone; its user may have another in its place."
    change = staticmethod(access_keys.delete)
    done = "deleted"
