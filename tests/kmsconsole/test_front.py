"""The address itself answers people and programs, each in their way."""


def test_a_browser_is_led_to_the_console(client):
    response = client.get("/", headers={"Accept": "text/html,application/xhtml+xml"})

    assert (response.status_code, response["Location"]) == (302, "/console/kms/keys")


def test_a_program_is_told_the_versions(client):
    (version,) = client.get("/", headers={"Accept": "*/*"}).json()["versions"]

    assert (version["id"], version["status"]) == ("v1.0", "CURRENT")
    assert version["links"][0]["href"].endswith("/v1.0/")


def test_one_version_describes_itself(client):
    assert client.get("/v1.0").json()["version"]["id"] == "v1.0"
