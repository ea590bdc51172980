import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def test_smoke(client, strong_room):
    alice = factories.alice()
    factories.sign_in(client, alice)
    answer = client.get("/console/kms/import")
    print(answer.status_code, answer.content.decode()[-9000:])
    answer = client.post("/console/kms/import", {"key_alias": "a1", "key_spec": "AES_256", "acknowledged": "on"})
    print(answer.status_code, answer.headers, answer.content[:3000].decode())
    answer = client.get(answer["Location"])
    print(answer.content.decode()[4000:])
    assert answer.status_code == 200
