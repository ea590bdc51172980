"""The tables of this app whose rows a process remembers between requests."""

from keys.models import Alias, Key
from operations.changes import Watch

WATCHED = (
    Watch(model=Key, scope="{row}.project_id", row="{row}.key_id"),
    # By which of its names a key is found.
    Watch(model=Alias, scope="{row}.project_id"),
)
