// Package wire drives the running product as Go programs do: gophercloud signs in and finds the service, and
// encoding/json reads every answer into declared types.
//
// The Terraform provider's own client is a fork of gophercloud that no package of a distribution carries. What it adds
// for this service, paths, bodies and types, is written here from the wire contract.
package wire

import (
	"fmt"
	"math/rand"
	"os"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
)

// The catalog's names of this service: with the project in the address, and for clients that append it themselves.
const (
	serviceType          = "kmsv1"
	serviceTypeOfWrapper = "kms"
)

// object is a request's body as the client builds it: an empty optional member is left out.
type object map[string]interface{}

type kms struct {
	*testing.T
	*gophercloud.ServiceClient
}

// fromEnvironment reads OS_AUTH_URL, OS_USERNAME and the rest, as every OpenStack program does.
func fromEnvironment(t *testing.T) gophercloud.AuthOptions {
	options, err := openstack.AuthOptionsFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	options.AllowReauth = true
	return options
}

func signIn(t *testing.T, options gophercloud.AuthOptions) *gophercloud.ProviderClient {
	provider, err := openstack.AuthenticatedClient(options)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// connect signs in and takes the service's address from the catalog.
func connect(t *testing.T) kms {
	return at(t, signIn(t, fromEnvironment(t)))
}

func at(t *testing.T, provider *gophercloud.ProviderClient) kms {
	return below(t, provider, endpoint(t, provider, serviceType))
}

func endpoint(t *testing.T, provider *gophercloud.ProviderClient, serviceType string) string {
	search := gophercloud.EndpointOpts{Type: serviceType, Region: os.Getenv("OS_REGION_NAME")}
	search.ApplyDefaults(serviceType)
	found, err := provider.EndpointLocator(search)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func below(t *testing.T, provider *gophercloud.ProviderClient, endpoint string) kms {
	return kms{t, &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint, Type: serviceType}}
}

// post accepts 200 alone, as the provider's client does, and decodes strictly.
func (client kms) post(operation string, body object, answer interface{}) {
	client.Helper()
	if err := client.try(operation, body, answer); err != nil {
		client.Fatalf("%s: %s", operation, err)
	}
}

func (client kms) try(operation string, body object, answer interface{}) error {
	url := client.ServiceURL("kms", operation)
	response, err := client.Post(url, body, answer, &gophercloud.RequestOpts{OkCodes: []int{200}})
	if err == nil && answer == nil {
		response.Body.Close()
	}
	return err
}

func (client kms) create(body object) keyDetails {
	client.Helper()
	var created keyInfo
	client.post("create-key", body, &created)
	return created.Key
}

func (client kms) describe(keyID string) keyDetails {
	client.Helper()
	var told keyInfo
	client.post("describe-key", object{"key_id": keyID}, &told)
	return told.Key
}

func expect(t *testing.T, what string, got, want interface{}) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

var names = rand.New(rand.NewSource(time.Now().UnixNano()))

func unique(name string) string {
	return fmt.Sprintf("%s-%x", name, names.Int63())
}
