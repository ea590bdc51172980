"""Where the service is and who is asking: from options, else from the environment as the clouds' own tools name it.

Secrets come from the environment, files, descriptors or the terminal; there is no option that holds one.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field

from kmsimport import asking
from kmsimport.faults import usage


@dataclass(frozen=True)
class Settings:
    """Empty text: not given."""

    auth_url: str
    endpoint: str
    region: str
    project_id: str
    project_name: str
    user: str
    user_domain: str
    project_domain: str
    access_key: str
    password: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str = field(repr=False)
    token: str = field(repr=False)


def read(options: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Raises a Fault of USAGE where something is missing or contradicts something else."""

    def given(option: str | None, *names: str) -> str:
        return option or next((environment[name] for name in names if environment.get(name)), "")

    domain = given(options.domain, "OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME")
    # The command line counts before the environment: who names a user there wants to sign in as that one.
    as_user = options.password_fd is not None or bool(options.user)
    if as_user and options.token_file:
        raise usage("Either --token-file, or a user with a password.")
    token = asking.text_file(options.token_file, "token file") if options.token_file else ""
    settings = Settings(
        auth_url=given(options.auth_url, "OS_AUTH_URL"),
        endpoint=given(options.endpoint, "OS_KMS_ENDPOINT_OVERRIDE"),
        region=given(options.region, "OS_REGION_NAME"),
        project_id=given(options.project_id, "OS_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID"),
        project_name=given(options.project_name, "OS_PROJECT_NAME", "OS_TENANT_NAME"),
        user=given(options.user, "OS_USERNAME"),
        user_domain=domain,
        project_domain=given(None, "OS_PROJECT_DOMAIN_NAME") or domain,
        access_key="" if as_user else given(None, "OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        password=given(None, "OS_PASSWORD"),
        secret_key=given(None, "OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        security_token=given(None, "OS_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        token=token or ("" if as_user else given(None, "OS_TOKEN")),
    )
    if not settings.auth_url and not settings.endpoint:
        raise usage(
            "Where is the service?", "Set OS_AUTH_URL or --auth-url, as in https://iam.eu-de.otc.t-systems.com/v3"
        )
    return settings
