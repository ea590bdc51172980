"""The tables of this app whose rows a process remembers between requests."""

from keys.models import Key
from operations.changes import Watch

WATCHED = (Watch(model=Key, scope="{row}.project_id"),)
