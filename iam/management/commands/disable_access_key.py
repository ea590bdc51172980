"""Switches an access key off, as when it has leaked."""

from iam.management.access_keys import AccessKeyCommand
from iam.services import access_keys


class Command(AccessKeyCommand):
    help = "Disable an access key: from the next request on, what it signs is refused. enable_access_key undoes it."
    change = staticmethod(access_keys.disable)
    done = "disabled"
