"""What a project has and may have: the number of its keys, and its quotas."""

from __future__ import annotations

from dataclasses import dataclass

from keys import queries
from keys.locate import InProject
from operations.caller import Caller
from projects.models import Project, QuotaKind
from projects.queries import quota_limit

COUNT = "kms:cmk:getInstance"


@dataclass(frozen=True, slots=True)
class Quota:
    kind: QuotaKind
    used: int
    limit: int


def count_instances(caller: Caller, project: InProject) -> int:
    """The custom keys that the caller may count."""
    if caller.rights.reach(COUNT).is_whole:
        return queries.count_towards_quota(project.project_id)
    return queries.visible_keys(caller, COUNT).filter(is_default=False).count()


def quotas(caller: Caller, project: InProject) -> list[Quota]:
    """Nothing is used of a limit that holds for each key by itself."""
    where = Project.objects.get(pk=project.project_id)
    used = {QuotaKind.KEYS: queries.count_towards_quota(where.pk)}
    return [Quota(kind, used.get(kind, 0), quota_limit(where, kind)) for kind in QuotaKind]
