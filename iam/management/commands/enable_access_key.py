"""Switches an access key on again."""

from iam.management.access_keys import AccessKeyCommand
from iam.services import access_keys


class Command(AccessKeyCommand):
    help = "Enable an access key that was disabled."
    change = staticmethod(access_keys.enable)
    done = "enabled"
