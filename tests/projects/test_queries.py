"""Accounts and what they hold: order, wire ids, quotas."""

import pytest
from django.db import IntegrityError, transaction

from projects import queries
from projects.models import EnterpriseProject, Project, QuotaKind, QuotaOverride
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_project_is_labelled_by_its_region_and_its_own_name_where_that_differs():
    assert factories.project().label == "eu-de"
    assert factories.project("eu-de_staging").label == "eu-de (eu-de_staging)"


def test_projects_come_by_region_and_none_of_another_account():
    factories.mallory()
    factories.project("eu-nl", in_region="eu-nl")
    factories.project("eu-de_staging")

    names = [project.name for project in queries.projects_of(factories.account())]

    assert names == ["eu-de", "eu-de_staging", "eu-nl"]


def test_a_project_name_is_taken_once_an_account():
    project = factories.project()
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(account=project.account, region=project.region, name="eu-de")

    assert factories.project(account_name="mallory-and-sons").pk != project.pk


def test_every_account_has_a_default_enterprise_project_0_of_its_own():
    acme, other = factories.account(), factories.account("mallory-and-sons")

    mine, foreign = (queries.enterprise_project(account.pk, "0") for account in (acme, other))

    assert mine.wire_id == foreign.wire_id == "0"
    assert mine != foreign
    assert (mine.account, foreign.account) == (acme, other)


def test_default_comes_first_and_the_others_by_name():
    for name in ("zebra", "aardvark"):
        factories.enterprise_project(name)

    names = [project.name for project in queries.enterprise_projects_of(factories.account().pk)]

    assert names == ["default", "aardvark", "zebra"]


def test_another_accounts_enterprise_project_is_as_unknown_as_a_missing_one():
    foreign = factories.enterprise_project(account_name="mallory-and-sons")
    acme = factories.account()

    assert queries.enterprise_project(acme.pk, foreign.wire_id) is None
    assert queries.enterprise_project(acme.pk, foreign.account_id) is None
    assert queries.enterprise_project(acme.pk, "nothing") is None


def test_ids_turn_into_wire_ids_and_back():
    acme = factories.account()
    payments = factories.enterprise_project("payments")

    for project in (queries.enterprise_project(acme.pk, "0"), payments):
        assert queries.wire_id(acme.pk, project.pk) == project.wire_id
        assert queries.stored_id(acme.pk, project.wire_id) == project.pk


def test_a_disabled_enterprise_project_takes_no_new_keys():
    acme = factories.account()
    closed = factories.enterprise_project("closed", enabled=False)

    assert queries.takes_new_keys(acme.pk, "0")
    assert queries.takes_new_keys(acme.pk, factories.enterprise_project("open").wire_id)
    assert not queries.takes_new_keys(acme.pk, closed.wire_id)
    assert not queries.takes_new_keys(acme.pk, "unknown")
    assert not queries.takes_new_keys(acme.pk, acme.pk)


def test_the_quota_is_the_projects_else_the_accounts_else_the_installations(settings, django_assert_num_queries):
    settings.KMS_QUOTA_KEYS = 7
    project, neighbour = factories.project(), factories.project("eu-de_staging")
    assert queries.quota_limit(project) == 7

    QuotaOverride.objects.create(account=project.account, kind=QuotaKind.KEYS, limit=20)
    QuotaOverride.objects.create(project=project, kind=QuotaKind.KEYS, limit=0)

    with django_assert_num_queries(1):
        assert queries.quota_limit(project) == 0
    assert queries.quota_limit(neighbour) == 20
    assert queries.quota_limit(factories.project(account_name="mallory-and-sons")) == 7


def test_a_quota_of_one_kind_says_nothing_about_another():
    project = factories.project()
    QuotaOverride.objects.create(project=project, kind=QuotaKind.KEYS, limit=3)

    assert queries.quota_limit(project, QuotaKind.GRANTS_PER_KEY) == 100


@pytest.mark.parametrize("both", [True, False])
def test_the_database_refuses_a_quota_of_nobody_and_of_two(both):
    project = factories.project() if both else None
    account = factories.account() if both else None
    with pytest.raises(IntegrityError), transaction.atomic():
        QuotaOverride.objects.create(project=project, account=account, kind=QuotaKind.KEYS, limit=3)


def test_an_enterprise_project_name_is_taken_once_an_account():
    with pytest.raises(IntegrityError), transaction.atomic():
        EnterpriseProject.objects.create(account=factories.account(), name="default")
