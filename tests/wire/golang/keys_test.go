package wire

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/gophercloud/gophercloud"
)

// The walk of the provider's own acceptance test; the alias is the id of another key.
func TestAKeyFromCreationToDeletion(t *testing.T) {
	client := connect(t)
	other := client.create(object{"key_alias": unique("go")})

	key := client.create(object{"key_alias": other.KeyID, "key_description": "some description"})

	told := client.describe(key.KeyID)
	expect(t, "key", told.KeyID, key.KeyID)
	expect(t, "alias", told.KeyAlias, other.KeyID)
	expect(t, "description", told.KeyDescription, "some description")
	expect(t, "state", told.KeyState, "2")
	expect(t, "domain", told.DomainID, key.DomainID)
	expect(t, "origin", told.Origin, "kms")
	expect(t, "default flag", told.DefaultKeyFlag, "0")
	expect(t, "expiration", told.ExpirationTime, "")

	expect(t, "the other key's alias", client.describe(other.KeyID).KeyID, other.KeyID)

	var state keyState
	client.post("schedule-key-deletion", object{"key_id": key.KeyID, "pending_days": "7"}, &state)
	expect(t, "state when scheduled", state.KeyState, "4")
	created, _ := strconv.ParseInt(told.CreationDate, 10, 64)
	leaving, _ := strconv.ParseInt(client.describe(key.KeyID).ScheduledDeletionDate, 10, 64)
	if days := float64(leaving-created) / 86400e3; days < 7 || days > 7.1 {
		t.Errorf("the deletion is %f days away", days)
	}

	client.post("cancel-key-deletion", object{"key_id": key.KeyID}, &state)
	expect(t, "state when cancelled", state.KeyState, "3")

	var info keyInfo
	client.post("enable-key", object{"key_id": key.KeyID}, &info)
	expect(t, "state when enabled", info.Key.KeyState, "2")
	client.post("disable-key", object{"key_id": key.KeyID}, &info)
	expect(t, "state when disabled", info.Key.KeyState, "3")
	expect(t, "state as told", client.describe(key.KeyID).KeyState, "3")
}

func TestTheListIsReadInPages(t *testing.T) {
	client := connect(t)
	for i := 0; i < 3; i++ {
		client.create(object{"key_alias": unique("go")})
	}

	seen := map[string]bool{}
	page := keyList{Truncated: "true"}
	for marker := object(nil); page.Truncated == "true"; marker = (object{"marker": page.NextMarker}) {
		body := object{"limit": "2", "key_state": "2"}
		for name, value := range marker {
			body[name] = value
		}
		page = keyList{}
		client.post("list-keys", body, &page)
		expect(t, "number of details", len(page.KeyDetails), len(page.Keys))
		for _, id := range page.Keys {
			seen[id] = true
		}
	}

	expect(t, "marker behind the last page", page.NextMarker, "")
	expect(t, "number of keys", len(seen), page.Total)
}

func TestAnUnknownKeyIs404(t *testing.T) {
	client := connect(t)

	err := client.try("describe-key", object{"key_id": "00000000-0000-0000-0000-000000000000"}, &keyInfo{})

	if _, is404 := err.(gophercloud.ErrDefault404); !is404 {
		t.Errorf("the error is %v", err)
	}
}

func TestDataIsEncryptedAndDecrypted(t *testing.T) {
	client := connect(t)
	key := client.create(object{"key_alias": unique("go"), "key_usage": "Encrypt_Decrypt"})

	var sealed encrypted
	client.post("encrypt-data", object{"key_id": key.KeyID, "plain_text": "hello world"}, &sealed)
	var opened decrypted
	client.post("decrypt-data", object{"cipher_text": sealed.CipherText}, &opened)

	expect(t, "key", opened.KeyID, key.KeyID)
	expect(t, "text", opened.PlainText, "hello world")
	expect(t, "text in Base64", opened.PlainTextBase64, "aGVsbG8gd29ybGQ=")
}

// `error_fields` is an extension: a client decodes code and message beside it.
func TestTheFieldsOfARefusalAreIgnored(t *testing.T) {
	client := connect(t)

	err := client.try("create-key", object{"key_alias": "no spaces please"}, nil)

	refusal, is400 := err.(gophercloud.ErrDefault400)
	if !is400 {
		t.Fatalf("the error is %v", err)
	}
	var told struct {
		Error struct {
			Code    string `json:"error_code"`
			Message string `json:"error_msg"`
		}
	}
	if err := json.Unmarshal(refusal.Body, &told); err != nil {
		t.Fatal(err)
	}
	expect(t, "code", told.Error.Code, "KMS.1101")
	expect(t, "message", told.Error.Message, "Invalid key_alias.")
}
