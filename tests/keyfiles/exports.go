// Exports a private key as Go does: go run exports.go FILE.der PASSPHRASE; a line "name Base64" each.
package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func print(name string, content []byte) {
	fmt.Println(name, base64.StdEncoding.EncodeToString(content))
}

func main() {
	key := must(x509.ParsePKCS8PrivateKey(must(os.ReadFile(os.Args[1]))))
	print("PKCS#8", must(x509.MarshalPKCS8PrivateKey(key)))
	var old []byte
	var label string
	switch key := key.(type) {
	case *rsa.PrivateKey:
		old, label = x509.MarshalPKCS1PrivateKey(key), "RSA PRIVATE KEY"
	case *ecdsa.PrivateKey:
		old, label = must(x509.MarshalECPrivateKey(key)), "EC PRIVATE KEY"
	}
	print("traditional", pem.EncodeToMemory(&pem.Block{Type: label, Bytes: old}))
	block := must(x509.EncryptPEMBlock(rand.Reader, label, old, []byte(os.Args[2]), x509.PEMCipherAES256))
	print("encrypted", pem.EncodeToMemory(block))
}
