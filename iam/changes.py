"""The tables of this app on which a credential or somebody's rights stand.

A new token, user or access key changes nothing for those that were there; nor does noting when one was used.
"""

from iam.models import AccessKey, Assignment, Membership, Policy, Token, User
from operations.changes import Watch

WATCHED = (
    Watch(model=User, events=("update", "delete"), columns=("account_id", "name", "enabled", "password_epoch")),
    Watch(model=Token, events=("update", "delete")),
    Watch(model=AccessKey, events=("update", "delete"), columns=("user_id", "sk_sealed", "status")),
    Watch(model=Policy, events=("update", "delete")),
    Watch(model=Assignment),
    Watch(model=Membership),
)
