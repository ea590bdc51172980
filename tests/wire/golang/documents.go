package wire

// What the Terraform provider's client declares of the answers it reads (api.md 3). encoding/json refuses a boolean
// where a string is declared and a string where an integer is: that refusal is what these types are here for.

type keyDetails struct {
	KeyID                 string `json:"key_id"`
	DomainID              string `json:"domain_id"`
	KeyAlias              string `json:"key_alias"`
	Realm                 string `json:"realm"`
	KeyDescription        string `json:"key_description"`
	CreationDate          string `json:"creation_date"`
	ScheduledDeletionDate string `json:"scheduled_deletion_date"`
	KeyState              string `json:"key_state"`
	DefaultKeyFlag        string `json:"default_key_flag"`
	ExpirationTime        string `json:"expiration_time"`
	Origin                string `json:"origin"`
}

type keyInfo struct {
	Key keyDetails `json:"key_info"`
}

type keyList struct {
	Keys       []string     `json:"keys"`
	KeyDetails []keyDetails `json:"key_details"`
	NextMarker string       `json:"next_marker"`
	Truncated  string       `json:"truncated"`
	Total      int          `json:"total"`
}

type keyState struct {
	KeyID    string `json:"key_id"`
	KeyState string `json:"key_state"`
}

type encrypted struct {
	KeyID      string `json:"key_id"`
	CipherText string `json:"cipher_text"`
}

type decrypted struct {
	KeyID           string `json:"key_id"`
	PlainText       string `json:"plain_text"`
	PlainTextBase64 string `json:"plain_text_base64"`
}

type dataKey struct {
	KeyID      string `json:"key_id"`
	PlainText  string `json:"plain_text"`
	CipherText string `json:"cipher_text"`
}

type encryptedDataKey struct {
	KeyID         string `json:"key_id"`
	DataKeyLength string `json:"datakey_length"`
	CipherText    string `json:"cipher_text"`
}

type rotation struct {
	Enabled           bool   `json:"key_rotation_enabled"`
	Interval          int    `json:"rotation_interval"`
	LastRotationTime  string `json:"last_rotation_time"`
	NumberOfRotations int    `json:"number_of_rotations"`
}

type grant struct {
	KeyID             string   `json:"key_id"`
	GrantID           string   `json:"grant_id"`
	GranteePrincipal  string   `json:"grantee_principal"`
	Operations        []string `json:"operations"`
	IssuingPrincipal  string   `json:"issuing_principal"`
	CreationDate      string   `json:"creation_date"`
	Name              string   `json:"name"`
	RetiringPrincipal string   `json:"retiring_principal"`
}

type grantList struct {
	Grants     []grant `json:"grants"`
	NextMarker string  `json:"next_marker"`
	Truncated  string  `json:"truncated"`
	Total      int     `json:"total"`
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type keyTags struct {
	Tags []tag `json:"tags"`
}

type projectTags struct {
	Tags []struct {
		Key    string   `json:"key"`
		Values []string `json:"values"`
	} `json:"tags"`
}
