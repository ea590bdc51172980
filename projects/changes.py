"""The tables of this app on which somebody's rights stand."""

from operations.changes import Watch
from projects.models import Account, EnterpriseProject, Project

WATCHED = (
    Watch(model=Account, events=("update", "delete")),
    Watch(model=Project, events=("update", "delete")),
    Watch(model=EnterpriseProject),
)
