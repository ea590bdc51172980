package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"testing"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
)

// signer signs as one of two clients does: by default the provider's, or the cloud's Go SDK of version 3.
type signer struct {
	*testing.T
	accessKey, secretKey string
	projectID, domainID  string
	sign                 func(client signer, request *http.Request, content []byte, at time.Time)
}

func fromKeys(t *testing.T) signer {
	return signer{
		T: t, accessKey: os.Getenv("OS_ACCESS_KEY"), secretKey: os.Getenv("OS_SECRET_KEY"), sign: signer.signAsProvider,
	}
}

// call answers the status and, where it is the wanted one, decodes strictly.
func (client signer) call(method, address string, body, answer interface{}) int {
	client.Helper()
	content := []byte{}
	if body != nil {
		text := &bytes.Buffer{}
		if err := json.NewEncoder(text).Encode(body); err != nil {
			client.Fatal(err)
		}
		content = text.Bytes()
	}
	request, err := http.NewRequest(method, address, bytes.NewReader(content))
	if err != nil {
		client.Fatal(err)
	}
	request.Close = true
	client.sign(client, request, content, time.Now().UTC())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		client.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		client.Fatal(err)
	}
	if response.StatusCode/100 == 2 && answer != nil {
		if err := json.Unmarshal(said, answer); err != nil {
			client.Fatalf("%s %s: %s: %s", method, address, err, said)
		}
	}
	return response.StatusCode
}

// signAsProvider speaks the Credential dialect with an empty region and service (api.md 7), and adds its hints as that
// client does: after signing.
func (client signer) signAsProvider(request *http.Request, content []byte, at time.Time) {
	date := at.Format(dateFormat)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "golangsdk/2.0.0")
	request.Header.Set("X-Sdk-Date", date)
	scope := at.Format("20060102") + "///sdk_request"
	values := map[string]string{"host": request.URL.Host}
	for name, value := range request.Header {
		values[strings.ToLower(name)] = strings.Join(strings.Fields(value[0]), " ")
	}
	canonical, signed := canonicalRequest(request, values, content)
	toSign := strings.Join([]string{algorithm, date, scope, hexDigest([]byte(canonical))}, "\n")
	key := []byte("SDK" + client.secretKey)
	for _, part := range strings.Split(scope, "/") {
		key = authenticate(key, part)
	}
	request.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		algorithm, client.accessKey, scope, signed, authenticate(key, toSign)))
	if client.domainID != "" {
		request.Header.Set("X-Domain-Id", client.domainID)
	} else if client.projectID != "" {
		request.Header.Set("X-Project-Id", client.projectID)
	}
}

// signAsSDK speaks the Access dialect. The SDK signs its own headers except Content-Type, and so not the host.
func (client signer) signAsSDK(request *http.Request, content []byte, at time.Time) {
	date := at.Format(dateFormat)
	request.Header.Set("User-Agent", "huaweicloud-usdk-go/3.0")
	request.Header.Set("X-Project-Id", client.projectID)
	request.Header.Set("X-Sdk-Date", date)
	values := map[string]string{}
	for name, value := range request.Header {
		values[strings.ToLower(name)] = strings.TrimSpace(value[0])
	}
	canonical, signed := canonicalRequest(request, values, content)
	toSign := strings.Join([]string{algorithm, date, hexDigest([]byte(canonical))}, "\n")
	request.Header.Set("Authorization", fmt.Sprintf("%s Access=%s, SignedHeaders=%s, Signature=%x",
		algorithm, client.accessKey, signed, authenticate([]byte(client.secretKey), toSign)))
	request.Header.Set("Content-Type", "application/json;charset=UTF-8")
}

func canonicalRequest(request *http.Request, values map[string]string, content []byte) (canonical, signed string) {
	names := []string{}
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	signed = strings.Join(names, ";")
	lines := []string{request.Method, canonicalPath(request.URL), canonicalQuery(request.URL)}
	for _, name := range names {
		lines = append(lines, name+":"+values[name])
	}
	lines = append(lines, "", signed, hexDigest(content))
	return strings.Join(lines, "\n"), signed
}

func canonicalPath(address *url.URL) string {
	parts := strings.Split(address.Path, "/")
	for i, part := range parts {
		parts[i] = escape(part)
	}
	return strings.TrimSuffix(strings.Join(parts, "/"), "/") + "/"
}

func canonicalQuery(address *url.URL) string {
	pairs := []string{}
	for name, values := range address.Query() {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func authenticate(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hexDigest(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
