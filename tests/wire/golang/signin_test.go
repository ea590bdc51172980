package wire

import (
	"os"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	"github.com/gophercloud/gophercloud/openstack/identity/v3/tokens"
)

func TestPasswordSignsInToAProjectById(t *testing.T) {
	options := fromEnvironment(t)
	options.TenantName = ""
	options.TenantID = os.Getenv("KMS_TEST_PROJECT_ID")

	client := at(t, signIn(t, options))

	var list keyList
	client.post("list-keys", object{"limit": "1"}, &list)
}

func TestPasswordSignsInToAProjectByName(t *testing.T) {
	client := connect(t)

	expect(t, "endpoint", client.Endpoint, os.Getenv("KMS_TEST_URL")+"/v1.0/"+os.Getenv("KMS_TEST_PROJECT_ID")+"/")
}

// The way of HashiCorp's wrapper and the provider `huaweicloud`.
func TestAClientMayAppendTheProjectItself(t *testing.T) {
	provider := signIn(t, fromEnvironment(t))
	base := endpoint(t, provider, serviceTypeOfWrapper)
	expect(t, "endpoint", base, os.Getenv("KMS_TEST_URL")+"/v1.0/")

	client := below(t, provider, base+os.Getenv("KMS_TEST_PROJECT_ID")+"/")

	var list keyList
	client.post("list-keys", object{"limit": "1"}, &list)
}

func TestTheTokenTellsProjectDomainAndUser(t *testing.T) {
	provider := signIn(t, fromEnvironment(t))
	result := provider.GetAuthResult().(tokens.CreateResult)

	project, err := result.ExtractProject()
	if err != nil {
		t.Fatal(err)
	}
	user, err := result.ExtractUser()
	if err != nil {
		t.Fatal(err)
	}
	roles, err := result.ExtractRoles()
	if err != nil {
		t.Fatal(err)
	}

	expect(t, "project", project.ID, os.Getenv("KMS_TEST_PROJECT_ID"))
	expect(t, "project's name", project.Name, os.Getenv("OS_PROJECT_NAME"))
	expect(t, "user", user.Name, os.Getenv("OS_USERNAME"))
	expect(t, "domain", user.Domain.Name, os.Getenv("OS_DOMAIN_NAME"))
	expect(t, "length of the user's id", len(user.ID), 32)
	if len(roles) == 0 {
		t.Error("there are no roles")
	}
}

func TestAWrongPasswordIs401(t *testing.T) {
	options := fromEnvironment(t)
	options.Password = "not the password"

	_, err := openstack.AuthenticatedClient(options)

	if _, is401 := err.(gophercloud.ErrDefault401); !is401 {
		t.Errorf("the error is %v", err)
	}
}

func TestARevokedTokenIsReplacedOnce(t *testing.T) {
	client := connect(t)
	identity, err := openstack.NewIdentityV3(client.ProviderClient, gophercloud.EndpointOpts{})
	if err != nil {
		t.Fatal(err)
	}
	first := client.Token()
	valid, err := tokens.Validate(identity, first)
	if err != nil || !valid {
		t.Fatalf("the token is not valid: %v", err)
	}
	if err := tokens.Revoke(identity, first).Err; err != nil {
		t.Fatal(err)
	}

	var list keyList
	client.post("list-keys", object{"limit": "1"}, &list)

	if client.Token() == first {
		t.Error("the revoked token is still used")
	}
}

// A client that is given a token asks for what it stands for, or exchanges it for one of another scope.
func TestATokenTellsOfItselfAndSignsIn(t *testing.T) {
	options := fromEnvironment(t)
	provider := signIn(t, options)
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		t.Fatal(err)
	}

	told := tokens.Get(identity, provider.Token())
	project, err := told.ExtractProject()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "project", project.ID, os.Getenv("KMS_TEST_PROJECT_ID"))
	services, err := told.ExtractServiceCatalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(services.Entries) == 0 {
		t.Error("the catalog is empty")
	}

	exchanged := gophercloud.AuthOptions{
		IdentityEndpoint: options.IdentityEndpoint,
		TokenID:          provider.Token(),
		TenantID:         project.ID,
	}
	var list keyList
	at(t, signIn(t, exchanged)).post("list-keys", object{"limit": "1"}, &list)
}
