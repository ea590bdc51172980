package wire

import "testing"

// The client sends rotation_interval with every call about rotation, and 0 where its user has set none.
func TestRotationFromOnToOff(t *testing.T) {
	client := connect(t)
	key := client.create(object{"key_alias": unique("go")})
	unset := object{"key_id": key.KeyID, "rotation_interval": 0}
	status := func() rotation {
		var told rotation
		client.post("get-key-rotation-status", unset, &told)
		return told
	}

	expect(t, "rotation of a new key", status().Enabled, false)

	client.post("enable-key-rotation", unset, nil)
	expect(t, "status", status(), rotation{Enabled: true, Interval: 365})

	client.post("update-key-rotation-interval", object{"key_id": key.KeyID, "rotation_interval": 30}, nil)
	expect(t, "status", status(), rotation{Enabled: true, Interval: 30})

	client.post("disable-key-rotation", unset, nil)
	expect(t, "rotation", status().Enabled, false)
}
