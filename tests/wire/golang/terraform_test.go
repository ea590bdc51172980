package wire

import (
	"testing"

	"github.com/gophercloud/gophercloud"
)

// resource is a key as the Terraform provider manages it: these are its calls, in its order and with its bodies.
type resource struct {
	kms
	keyID string
}

type state struct {
	alias, description, state string
	tags                      map[string]string
}

func (r resource) read() state {
	r.Helper()
	told := r.describe(r.keyID)
	var list keyTags
	if _, err := r.Get(r.ServiceURL("kms", r.keyID, "tags"), &list, nil); err != nil {
		r.Fatal(err)
	}
	found := state{told.KeyAlias, told.KeyDescription, told.KeyState, map[string]string{}}
	for _, one := range list.Tags {
		found.tags[one.Key] = one.Value
	}
	return found
}

func (r resource) tag(action string, tags ...tag) {
	r.Helper()
	url := r.ServiceURL("kms", r.keyID, "tags", "action")
	body := object{"action": action, "tags": tags}
	_, err := r.Post(url, body, nil, &gophercloud.RequestOpts{OkCodes: []int{200, 204}})
	if err != nil {
		r.Fatal(err)
	}
}

func TestATerraformResourceFromCreationToDestruction(t *testing.T) {
	client := connect(t)
	alias := unique("terraform")

	// create
	made := client.create(object{"key_alias": alias, "key_description": "first test key", "realm": "eu-de"})
	r := resource{client, made.KeyID}
	expect(t, "state when created", r.describe(r.keyID).KeyState, "2")
	r.tag("create", tag{"muh", "kuh"}, tag{"empty", ""})

	found := r.read()
	expect(t, "alias", found.alias, alias)
	expect(t, "description", found.description, "first test key")
	expect(t, "number of tags", len(found.tags), 2)
	expect(t, "tag", found.tags["muh"], "kuh")

	// update: alias, description, tags, switched off
	var info keyInfo
	client.post("update-key-alias", object{"key_id": r.keyID, "key_alias": alias + "-updated"}, &info)
	expect(t, "alias as answered", info.Key.KeyAlias, alias+"-updated")
	client.post("update-key-description", object{"key_id": r.keyID, "key_description": "updated"}, &info)
	expect(t, "description as answered", info.Key.KeyDescription, "updated")
	client.post("disable-key", object{"key_id": r.keyID}, &info)
	expect(t, "state as answered", info.Key.KeyState, "3")
	r.tag("delete", tag{"muh", "kuh"}, tag{"empty", ""})
	r.tag("create", tag{"muh", "new"})

	found = r.read()
	expect(t, "alias", found.alias, alias+"-updated")
	expect(t, "description", found.description, "updated")
	expect(t, "state", found.state, "3")
	expect(t, "number of tags", len(found.tags), 1)
	expect(t, "tag", found.tags["muh"], "new")

	// update: switched on, rotated every 90 days
	client.post("enable-key", object{"key_id": r.keyID}, &info)
	client.post("enable-key-rotation", object{"key_id": r.keyID, "rotation_interval": 0}, nil)
	client.post("update-key-rotation-interval", object{"key_id": r.keyID, "rotation_interval": 90}, nil)
	var status rotation
	client.post("get-key-rotation-status", object{"key_id": r.keyID, "rotation_interval": 0}, &status)
	expect(t, "rotation", status, rotation{Enabled: true, Interval: 90})

	// destroy
	var gone keyState
	client.post("schedule-key-deletion", object{"key_id": r.keyID, "pending_days": "7"}, &gone)
	expect(t, "state as answered", gone.KeyState, "4")
	expect(t, "state", r.read().state, "4")
}

func TestTheTagsOfTheProject(t *testing.T) {
	client := connect(t)
	made := client.create(object{"key_alias": unique("terraform")})
	name := unique("tag")
	resource{client, made.KeyID}.tag("create", tag{name, "a"})

	var list projectTags
	if _, err := client.Get(client.ServiceURL("kms", "tags"), &list, nil); err != nil {
		t.Fatal(err)
	}

	for _, one := range list.Tags {
		if one.Key == name {
			expect(t, "number of values", len(one.Values), 1)
			expect(t, "value", one.Values[0], "a")
			return
		}
	}
	t.Errorf("there is no tag %s", name)
}
