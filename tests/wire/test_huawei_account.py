"""The cloud's own SDKs for identity and enterprise projects: what clients ask there before they come to keys."""

from __future__ import annotations

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkeps.v1 import EpsClient
from huaweicloudsdkeps.v1 import model as eps_model
from huaweicloudsdkiam.v3 import IamClient
from huaweicloudsdkiam.v3 import model as iam_model

from tests.wire.huawei import Sdk, client_of, unique

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def account(huawei_key):
    return GlobalCredentials(huawei_key.ak, huawei_key.sk)


@pytest.fixture(scope="module")
def iam(wire, account):
    client = IamClient.new_builder().with_credentials(account).with_endpoint(wire.console.url).build()

    def call(method, **members):
        request_type = "".join(part.title() for part in method.split("_")) + "Request"
        return getattr(client, method)(getattr(iam_model, request_type)(**members))

    return call


@pytest.fixture(scope="module")
def eps(wire, account):
    return EpsClient.new_builder().with_credentials(account).with_endpoint(wire.console.url).build()


# --- identity -----------------------------------------------------------------------------------------------------


def test_projects_by_region_name_and_by_id(iam, wire):
    (project,) = iam("keystone_list_projects", name="eu-de").projects

    assert (project.id, project.domain_id, project.enabled) == (wire.project_id, wire.domain_id, True)
    assert iam("keystone_show_project", project_id=project.id).project.name == "eu-de"
    assert iam("keystone_list_projects", name="eu-nowhere").projects == []
    assert [each.id for each in iam("keystone_list_auth_projects").projects] == [project.id]


def test_regions_one_by_one_and_all(iam):
    assert "eu-de" in [region.id for region in iam("keystone_list_regions").regions]
    assert iam("keystone_show_region", region_id="eu-de").region.locales.en_us


def test_the_account(iam, wire):
    (domain,) = iam("keystone_list_auth_domains").domains

    assert (domain.id, domain.name) == (wire.domain_id, wire.console.account)


def test_the_catalog_of_the_account_and_of_a_project(iam, wire, huawei_key):
    assert {service.type for service in iam("keystone_show_catalog").catalog} == {"identity", "eps"}
    credentials = BasicCredentials(huawei_key.ak, huawei_key.sk, huawei_key.project_id)
    client = IamClient.new_builder().with_credentials(credentials).with_endpoint(wire.console.url).build()

    catalog = client.keystone_show_catalog(iam_model.KeystoneShowCatalogRequest()).catalog

    found = {service.type: service.endpoints[0] for service in catalog}
    assert found.keys() == {"identity", "eps", "kms", "kmsv1"}
    assert found["kms"].url == f"{wire.console.url}/v1.0"
    assert found["kmsv1"].url == f"{wire.console.url}/v1.0/{wire.project_id}"
    assert {endpoint.region for endpoint in found.values()} == {"eu-de"}


def test_versions(iam):
    assert iam("keystone_show_version").version.id.startswith("v3")


def test_a_token_by_password_its_owner_its_end(iam, wire):
    user = iam_model.PwdPasswordUser(
        name=wire.user, password=wire.password, domain=iam_model.PwdPasswordUserDomain(name=wire.console.account)
    )
    identity = iam_model.PwdIdentity(methods=["password"], password=iam_model.PwdPassword(user=user))
    scope = iam_model.AuthScope(project=iam_model.AuthScopeProject(name="eu-de"))
    auth = iam_model.PwdAuth(identity=identity, scope=scope)
    body = iam_model.KeystoneCreateUserTokenByPasswordRequestBody(auth=auth)

    answer = iam("keystone_create_user_token_by_password", nocatalog="true", body=body)

    assert answer.x_subject_token
    assert answer.token.project.id == wire.project_id
    assert not answer.token.catalog
    shown = iam("keystone_validate_token", x_subject_token=answer.x_subject_token).token
    assert shown.user.name == wire.user
    assert iam("keystone_show_user", user_id=shown.user.id).user.name == wire.user
    assert iam("keystone_list_projects_for_user", user_id=shown.user.id).projects[0].id == wire.project_id


def test_what_does_not_exist(iam):
    with pytest.raises(ClientRequestException) as caught:
        iam("keystone_show_project", project_id="0" * 32)

    assert (caught.value.status_code, caught.value.error_code) == (404, "IAM.0004")


# --- enterprise projects ------------------------------------------------------------------------------------------


def made(eps, **members):
    body = eps_model.EnterpriseProject(name=unique(), **members)
    request = eps_model.CreateEnterpriseProjectRequest(body=body)
    return eps.create_enterprise_project(request).enterprise_project


def test_an_enterprise_project_through_its_life(eps):
    project = made(eps, description="of a test", type="poc")
    assert (project.status, project.type, project.delete_flag) == (1, "poc", False)
    assert project.created_at.tzinfo is not None

    body = eps_model.EnterpriseProject(name=f"{project.name}-2")
    renamed = eps.update_enterprise_project(
        eps_model.UpdateEnterpriseProjectRequest(enterprise_project_id=project.id, body=body)
    ).enterprise_project
    assert (renamed.name, renamed.description) == (f"{project.name}-2", "of a test")

    disable = eps_model.DisableEnterpriseProjectRequest(project.id, eps_model.DisableAction("disable"))
    eps.disable_enterprise_project(disable)
    shown = eps_model.ShowEnterpriseProjectRequest(project.id)
    assert eps.show_enterprise_project(shown).enterprise_project.status == 2

    enable = eps_model.EnableEnterpriseProjectRequest(project.id, eps_model.EnableAction("enable"))
    eps.enable_enterprise_project(enable)
    assert eps.show_enterprise_project(shown).enterprise_project.status == 1


def test_the_list_has_the_default_one_first(eps):
    project = made(eps)

    answer = eps.list_enterprise_project(eps_model.ListEnterpriseProjectRequest(limit=1000, offset=0))
    assert (answer.enterprise_projects[0].id, answer.enterprise_projects[0].name) == ("0", "default")
    assert answer.total_count == len(answer.enterprise_projects)

    found = eps.list_enterprise_project(eps_model.ListEnterpriseProjectRequest(name=project.name, status=1))
    assert [each.id for each in found.enterprise_projects] == [project.id]


def test_a_refusal_as_the_sdk_raises_it(eps):
    with pytest.raises(ClientRequestException) as caught:
        eps.create_enterprise_project(
            eps_model.CreateEnterpriseProjectRequest(body=eps_model.EnterpriseProject(name="Default"))
        )

    assert (caught.value.status_code, caught.value.error_code) == (400, "EPS.0007")


def test_with_a_region_it_finds_the_account_first(wire, huawei_key):
    credentials = GlobalCredentials(huawei_key.ak, huawei_key.sk)
    credentials.iam_endpoint = wire.console.url
    region = Region("eu-de", wire.console.url)

    client = EpsClient.new_builder().with_credentials(credentials).with_region(region).build()

    assert client.get_credentials().domain_id == wire.domain_id
    assert client.list_enterprise_project(eps_model.ListEnterpriseProjectRequest()).total_count >= 1


def test_keys_are_made_in_it_until_it_is_disabled(eps, wire, huawei_key):
    project = made(eps)
    kms = Sdk(client_of(wire.console, huawei_key))
    key = kms.new_key(enterprise_project_id=project.id)

    eps.disable_enterprise_project(
        eps_model.DisableEnterpriseProjectRequest(project.id, eps_model.DisableAction("disable"))
    )

    with pytest.raises(ClientRequestException) as caught:
        kms.new_key(enterprise_project_id=project.id)
    assert (caught.value.status_code, caught.value.error_code) == (400, "KMS.0308")
    assert kms("list_key_detail", key_id=key).key_info.sys_enterprise_project_id == project.id
