package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestADataKeyIsMade(t *testing.T) {
	client := connect(t)
	key := client.create(object{"key_alias": unique("go")})

	var made dataKey
	client.post("create-datakey", object{"key_id": key.KeyID, "datakey_length": "512"}, &made)

	expect(t, "key", made.KeyID, key.KeyID)
	expect(t, "length in hexadecimal", len(made.PlainText), 128)
	if made.CipherText == "" {
		t.Error("there is no ciphertext")
	}
}

func TestADataKeyOfOnesOwnIsWrapped(t *testing.T) {
	client := connect(t)
	key := client.create(object{"key_alias": unique("go")})
	own := []byte(strings.Repeat("k", 64))
	digest := sha256.Sum256(own)
	text := hex.EncodeToString(append(own, digest[:]...))

	var wrapped encryptedDataKey
	client.post("encrypt-datakey",
		object{"key_id": key.KeyID, "plain_text": text, "datakey_plain_length": "64"}, &wrapped)

	expect(t, "length", wrapped.DataKeyLength, "64")
	expect(t, "key", wrapped.KeyID, key.KeyID)
}

// The client declares the context a string: the object goes there as text.
func TestAContextMayBeText(t *testing.T) {
	client := connect(t)
	key := client.create(object{"key_alias": unique("go")})

	var made dataKey
	client.post("create-datakey",
		object{"key_id": key.KeyID, "datakey_length": "512", "encryption_context": `{"volume":"7"}`}, &made)

	var opened struct {
		DataKey string `json:"data_key"`
	}
	client.post("decrypt-datakey", object{"key_id": key.KeyID, "cipher_text": made.CipherText,
		"datakey_cipher_length": "64", "encryption_context": object{"volume": "7"}}, &opened)
	expect(t, "data key", opened.DataKey, made.PlainText)
}
