package wire

import (
	"net/url"
	"os"
	"testing"
)

type catalog struct {
	Entries []struct {
		ID, Type, Name string
		Endpoints      []struct{ ID, Interface, Region, URL string }
	} `json:"catalog"`
}

type domainList struct {
	Domains []struct{ ID, Name string }
}

type projectList struct {
	Projects []struct{ ID, Name string }
}

func (client signer) endpoint(identity string) string {
	client.Helper()
	var told catalog
	expect(client.T, "status of the catalog", client.call("GET", identity+"/auth/catalog", nil, &told), 200)
	for _, entry := range told.Entries {
		for _, endpoint := range entry.Endpoints {
			if entry.Type == serviceType && endpoint.Interface == "public" && endpoint.Region == os.Getenv("OS_REGION_NAME") {
				return endpoint.URL + "/"
			}
		}
	}
	client.Fatalf("the catalog has no %s: %v", serviceType, told)
	return ""
}

// The way of the provider's client: the project by name, the domain by name, the catalog, then the service.
func TestAnAccessKeyFindsItsWay(t *testing.T) {
	client, identity := fromKeys(t), os.Getenv("OS_AUTH_URL")

	var projects projectList
	query := "/projects?name=" + url.QueryEscape(os.Getenv("OS_PROJECT_NAME"))
	expect(t, "status of the projects", client.call("GET", identity+query, nil, &projects), 200)
	expect(t, "number of projects", len(projects.Projects), 1)
	client.projectID = projects.Projects[0].ID
	expect(t, "project", client.projectID, os.Getenv("KMS_TEST_PROJECT_ID"))

	var domains domainList
	query = "/auth/domains?name=" + url.QueryEscape(os.Getenv("OS_DOMAIN_NAME"))
	expect(t, "status of the domains", client.call("GET", identity+query, nil, &domains), 200)
	expect(t, "number of domains", len(domains.Domains), 1)

	endpoint := client.endpoint(identity)
	expect(t, "endpoint", endpoint, os.Getenv("KMS_TEST_URL")+"/v1.0/"+client.projectID+"/")
	client.domainID = domains.Domains[0].ID

	var created, told keyInfo
	body := object{"key_alias": unique("go"), "key_description": "signed, with ümlauts"}
	expect(t, "status", client.call("POST", endpoint+"kms/create-key", body, &created), 200)
	body = object{"key_id": created.Key.KeyID}
	expect(t, "status", client.call("POST", endpoint+"kms/describe-key", body, &told), 200)
	expect(t, "description", told.Key.KeyDescription, "signed, with ümlauts")
	expect(t, "domain", told.Key.DomainID, client.domainID)
	expect(t, "status of the same once more", client.call("POST", endpoint+"kms/describe-key", body, &told), 200)
}

func TestAnUnknownDomainIsAnEmptyList(t *testing.T) {
	client := fromKeys(t)

	var domains domainList
	status := client.call("GET", os.Getenv("OS_AUTH_URL")+"/auth/domains?name=nobody", nil, &domains)

	expect(t, "status", status, 200)
	expect(t, "number of domains", len(domains.Domains), 0)
}

func TestAWrongSecretKeyIs401(t *testing.T) {
	client := fromKeys(t)
	client.secretKey += "x"
	url := os.Getenv("KMS_TEST_URL") + "/v1.0/" + os.Getenv("KMS_TEST_PROJECT_ID") + "/kms/list-keys"

	expect(t, "status", client.call("POST", url, object{}, nil), 401)
	expect(t, "status of the catalog", client.call("GET", os.Getenv("OS_AUTH_URL")+"/auth/catalog", nil, nil), 401)
}

func TestTheSDKSignsNoHost(t *testing.T) {
	client := fromKeys(t)
	client.sign, client.projectID = signer.signAsSDK, os.Getenv("KMS_TEST_PROJECT_ID")
	endpoint := os.Getenv("KMS_TEST_URL") + "/v1.0/" + client.projectID + "/kms/"

	var created keyInfo
	expect(t, "status", client.call("POST", endpoint+"create-key", object{"key_alias": unique("go-v3")}, &created), 200)
	tag := endpoint + created.Key.KeyID + "/tags"
	body := object{"tag": object{"key": "a b:ü", "value": "v"}}
	expect(t, "status of a tag", client.call("POST", tag, body, nil), 204)
	expect(t, "status of its end", client.call("DELETE", tag+"/"+url.PathEscape("a b:ü"), nil, nil), 204)
	query := "aliases?limit=10&key_id=" + created.Key.KeyID
	expect(t, "status of the aliases", client.call("GET", endpoint+query, nil, nil), 200)

	client.secretKey += "x"
	expect(t, "status of a wrong key", client.call("POST", endpoint+"list-keys", object{}, nil), 401)
}
