"""The REST face of enterprise projects (api.md 6.5). They belong to the account, so no path names a project."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from operations import errors
from operations.answers import FLAG, INTEGER, TEXT, Schema, listing, record
from operations.fields import Choice, Request, Text, Whole
from operations.operation import Operation
from projects import queries
from projects.locate import somewhere_in_the_account, the_account, the_enterprise_project
from projects.models import EnterpriseProject, EnterpriseProjectType
from projects.queries import EnterpriseProjectPage
from projects.services import enterprise_projects

_NAME = re.compile(r"(?!.*default)[a-z0-9_-]+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class NameField(Text):
    """`default`, in any case, is kept for the one that every account has."""

    name: str = "name"
    required: bool = True
    traced: bool = True
    min_length: int = 1
    max_length: int | None = 255
    pattern: re.Pattern[str] | None = _NAME
    error: errors.Code = errors.EPS_NAME_INVALID
    about: str = "Unique in the account; letters, digits, `_` and `-`, without the word `default` in any case."

    @property
    def schema(self) -> Schema:
        # JSON Schema has no flag for case; that rule stands in `about`.
        return {**super().schema, "pattern": "^[A-Za-z0-9_-]+$"}


DESCRIPTION = Text(
    name="description",
    max_length=512,
    error=errors.EPS_DESCRIPTION_INVALID,
    about="Free text; an update without one leaves it as it is.",
)
ID = Text(
    name="enterprise_project_id",
    required=True,
    max_length=36,
    error=errors.EPS_NOT_FOUND,
    traced=True,
    about="`0` is the default one.",
)
TYPE = Choice(
    name="type",
    values=tuple(EnterpriseProjectType),
    default=EnterpriseProjectType.PRODUCTION.value,
    error=errors.EPS_BAD_REQUEST,
    traced=True,
    about="Commercial or for trial use.",
)

ENTERPRISE_PROJECT: Schema = record(
    id=TEXT,
    name=TEXT,
    description=TEXT,
    status=INTEGER,
    type=TEXT,
    created_at=TEXT,
    updated_at=TEXT,
    delete_flag=FLAG,
)


def shown(project: EnterpriseProject) -> dict[str, Any]:
    """Times in seconds, as the original's clients read them; `status` 1 enabled, 2 disabled."""
    return {
        "id": project.wire_id,
        "name": project.name,
        "description": project.description,
        "status": 1 if project.enabled else 2,
        "type": project.type,
        "created_at": f"{project.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{project.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "delete_flag": False,
    }


def _one(project: EnterpriseProject) -> dict[str, Any]:
    return {"enterprise_project": shown(project)}


def _page(page: EnterpriseProjectPage) -> dict[str, Any]:
    return {"enterprise_projects": [shown(project) for project in page.rows], "total_count": page.total}


LIST_ENTERPRISE_PROJECTS = Operation(
    name="list-enterprise-projects",
    path="enterprise-projects",
    in_project=False,
    resource_type="enterpriseProject",
    method="GET",
    action="eps:enterpriseProjects:list",
    locate=somewhere_in_the_account,
    run=queries.list_enterprise_projects,
    request=Request(
        (
            Text(name="id", max_length=36, error=errors.EPS_BAD_REQUEST, about="Only the one of this ID."),
            Text(name="name", max_length=255, error=errors.EPS_BAD_REQUEST, about="Only those whose name contains it."),
            Choice(name="status", values=("1", "2"), error=errors.EPS_BAD_REQUEST, about="1 enabled, 2 disabled."),
            Choice(
                name="type",
                values=tuple(EnterpriseProjectType),
                error=errors.EPS_BAD_REQUEST,
                about="Only those of this type.",
            ),
            Whole(
                name="limit",
                minimum=1,
                maximum=1000,
                default=1000,
                error=errors.EPS_LIMIT_INVALID,
                about="How many at most.",
            ),
            Whole(
                name="offset",
                maximum=2**31,
                default=0,
                error=errors.EPS_OFFSET_INVALID,
                about="How many to skip.",
            ),
            Choice(
                name="sort_key",
                values=tuple(queries.SORT_KEYS),
                default="created_at",
                error=errors.EPS_BAD_REQUEST,
                about="What to sort by; the default enterprise project is first whatever it is.",
            ),
            Choice(
                name="sort_dir",
                values=("asc", "desc"),
                default="desc",
                error=errors.EPS_BAD_REQUEST,
                about="Ascending or descending.",
            ),
        )
    ),
    respond=_page,
    answer=record(enterprise_projects=listing(ENTERPRISE_PROJECT), total_count=INTEGER),
    trace="listEnterpriseProjects",
    writes=False,
    durable=False,
    summary="The account's enterprise projects, `default` first.",
)

CREATE_ENTERPRISE_PROJECT = Operation(
    name="create-enterprise-project",
    path="enterprise-projects",
    in_project=False,
    resource_type="enterpriseProject",
    status=201,
    action="eps:enterpriseProjects:create",
    locate=the_account,
    run=enterprise_projects.create,
    request=Request((NameField(), replace(DESCRIPTION, default=""), TYPE)),
    respond=_one,
    answer=record(enterprise_project=ENTERPRISE_PROJECT),
    refuses=(errors.EPS_NAME_TAKEN, errors.EPS_QUOTA_USED_UP),
    trace="createEnterpriseProject",
    summary="Create an enterprise project.",
)

GET_ENTERPRISE_PROJECT = Operation(
    name="get-enterprise-project",
    path="enterprise-projects/<str:enterprise_project_id>",
    in_project=False,
    resource_type="enterpriseProject",
    method="GET",
    action="eps:enterpriseProjects:get",
    locate=the_enterprise_project,
    run=enterprise_projects.show,
    request=Request((ID,)),
    respond=_one,
    answer=record(enterprise_project=ENTERPRISE_PROJECT),
    trace="getEnterpriseProject",
    writes=False,
    durable=False,
    summary="One enterprise project.",
)

UPDATE_ENTERPRISE_PROJECT = Operation(
    name="update-enterprise-project",
    path="enterprise-projects/<str:enterprise_project_id>",
    in_project=False,
    resource_type="enterpriseProject",
    method="PUT",
    action="eps:enterpriseProjects:update",
    locate=the_enterprise_project,
    run=enterprise_projects.update,
    request=Request(
        (
            ID,
            NameField(),
            DESCRIPTION,
            replace(TYPE, default=None, about="Only from `poc` to `prod`; an update without one leaves it as it is."),
        )
    ),
    respond=_one,
    answer=record(enterprise_project=ENTERPRISE_PROJECT),
    refuses=(errors.EPS_NAME_TAKEN, errors.EPS_DEFAULT_UNCHANGEABLE, errors.EPS_DISABLED),
    trace="modifyEnterpriseProject",
    summary="Change name and description of an enterprise project, or make a trial one commercial.",
)

ACT_ON_ENTERPRISE_PROJECT = Operation(
    name="act-on-enterprise-project",
    path="enterprise-projects/<str:enterprise_project_id>/action",
    in_project=False,
    resource_type="enterpriseProject",
    status=204,
    action="eps:enterpriseProjects:enable",
    locate=the_enterprise_project,
    run=enterprise_projects.act,
    request=Request(
        (
            ID,
            Choice(
                name="action",
                values=("enable", "disable"),
                required=True,
                error=errors.EPS_ACTION_INVALID,
                traced=True,
                about="Disabling takes the permission `eps:enterpriseProjects:disable` as well.",
            ),
        )
    ),
    refuses=(errors.EPS_DEFAULT_STAYS_ENABLED,),
    trace="enableEnterpriseProject",
    traces={"disable": "disableEnterpriseProject"},
    summary="Enable or disable an enterprise project; a disabled one takes no new keys.",
)

OPERATIONS = (
    LIST_ENTERPRISE_PROJECTS,
    CREATE_ENTERPRISE_PROJECT,
    GET_ENTERPRISE_PROJECT,
    UPDATE_ENTERPRISE_PROJECT,
    ACT_ON_ENTERPRISE_PROJECT,
)
