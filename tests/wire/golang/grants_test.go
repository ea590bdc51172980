package wire

import (
	"testing"

	"github.com/gophercloud/gophercloud/openstack/identity/v3/tokens"
)

// The walk of the provider's own acceptance test: to the user who signed in.
func TestAGrantFromCreationToRevocation(t *testing.T) {
	client := connect(t)
	user, err := client.GetAuthResult().(tokens.CreateResult).ExtractUser()
	if err != nil {
		t.Fatal(err)
	}
	key := client.create(object{"key_alias": unique("go")})

	var created struct {
		GrantID string `json:"grant_id"`
	}
	client.post("create-grant", object{
		"grantee_principal": user.ID,
		"key_id":            key.KeyID,
		"name":              "my_grant",
		"operations":        []string{"describe-key", "create-datakey", "encrypt-datakey"},
	}, &created)

	var list grantList
	client.post("list-grants", object{"key_id": key.KeyID}, &list)
	if len(list.Grants) != 1 {
		t.Fatalf("there are %d grants", len(list.Grants))
	}
	told := list.Grants[0]
	expect(t, "id", told.GrantID, created.GrantID)
	expect(t, "key", told.KeyID, key.KeyID)
	expect(t, "name", told.Name, "my_grant")
	expect(t, "grantee", told.GranteePrincipal, user.ID)
	expect(t, "issuer", told.IssuingPrincipal, user.ID)
	expect(t, "number of operations", len(told.Operations), 3)
	expect(t, "length of the date, in milliseconds", len(told.CreationDate), 13)
	expect(t, "number of grants", list.Total, 1)
	expect(t, "truncated", list.Truncated, "false")

	client.post("revoke-grant", object{"grant_id": created.GrantID, "key_id": key.KeyID}, nil)

	client.post("list-grants", object{"key_id": key.KeyID}, &list)
	expect(t, "number of grants", list.Total, 0)
}
