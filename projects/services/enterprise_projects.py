"""What changes enterprise projects. They are never deleted: resources keep the id of theirs for good."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from operations import clock, errors
from operations.caller import Caller
from operations.errors import KmsError
from projects.locate import InAccount, OneEnterpriseProject
from projects.models import Account, EnterpriseProject, EnterpriseProjectType

MOST_ENTERPRISE_PROJECTS = 100
DISABLING = "eps:enterpriseProjects:disable"


def create(caller: Caller, account: InAccount, *, name: str, description: str, type: str) -> EnterpriseProject:  # noqa: A002
    """Enabled. Raises EPS_QUOTA_USED_UP, EPS_NAME_TAKEN.

    The account is locked, so that two at once cannot both take the last place.
    """
    Account.objects.select_for_update(no_key=True).get(pk=caller.account_id)
    others = EnterpriseProject.objects.filter(account=caller.account_id).exclude(pk=caller.account_id)
    if others.count() >= MOST_ENTERPRISE_PROJECTS:
        raise KmsError(errors.EPS_QUOTA_USED_UP)
    project = EnterpriseProject(
        account_id=caller.account_id, name=name, description=description, type=EnterpriseProjectType(type)
    )
    return _saved(project)


def show(caller: Caller, target: OneEnterpriseProject) -> EnterpriseProject:
    return target.row


def update(
    caller: Caller,
    target: OneEnterpriseProject,
    *,
    name: str,
    description: str | None,
    type: str | None,  # noqa: A002  (the wire's name)
) -> EnterpriseProject:
    """Raises EPS_DEFAULT_UNCHANGEABLE, EPS_DISABLED, EPS_NAME_TAKEN; EPS_BAD_REQUEST for `prod` to `poc`."""
    project = target.row
    if project.is_default:
        raise KmsError(errors.EPS_DEFAULT_UNCHANGEABLE)
    if not project.enabled:
        raise KmsError(errors.EPS_DISABLED)
    project.name = name
    if description is not None:
        project.description = description
    if type is not None and type != project.type:
        if type != EnterpriseProjectType.PRODUCTION:
            hint = "A commercial enterprise project cannot become one for trial use."
            raise KmsError(errors.EPS_BAD_REQUEST, field="type", hint=hint)
        project.type = EnterpriseProjectType.PRODUCTION
    return _saved(project)


def act(caller: Caller, target: OneEnterpriseProject, *, action: str) -> EnterpriseProject:
    """Enables or disables; what is so already stays so. To disable takes a permission of its own.

    A disabled enterprise project keeps its keys and takes no new ones. Raises EPS_DEFAULT_STAYS_ENABLED, NO_PERMISSION.
    """
    project = target.row
    if action == "disable" and not caller.may_by_policy(DISABLING, target):
        raise KmsError(errors.NO_PERMISSION, hint=DISABLING)
    if project.is_default:
        raise KmsError(errors.EPS_DEFAULT_STAYS_ENABLED)
    if project.enabled is not (action == "enable"):
        project.enabled = not project.enabled
        _saved(project)
    return project


def _saved(project: EnterpriseProject) -> EnterpriseProject:
    project.updated_at = clock.now()
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as cause:
        # The database decides: two at once cannot both find the name free.
        raise KmsError(errors.EPS_NAME_TAKEN, field="name") from cause
    return project
