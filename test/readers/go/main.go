// Reads credentials files with the AWS SDK for Go: JSON on stdin, JSON on stdout.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

type input struct {
	// Texts are the files' bytes in base64.
	Texts [][]byte
	// Profiles are the profiles to read from each file.
	Profiles []string
}

// read returns all that the SDK knows of a profile, or its error without the path.
func read(path, profile string) any {
	settings, err := config.LoadSharedConfigProfile(context.Background(), profile,
		func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles = []string{}
			o.CredentialsFiles = []string{path}
		})
	if err != nil {
		return map[string]any{"error": strings.ReplaceAll(err.Error(), path, "FILE")}
	}
	settings.Credentials.Source = ""
	return settings
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "credentials")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "credentials")
	results := make([]map[string]any, 0, len(in.Texts))
	for _, text := range in.Texts {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			log.Fatal(err)
		}
		profiles := make(map[string]any)
		for _, profile := range in.Profiles {
			profiles[profile] = read(path, profile)
		}
		results = append(results, profiles)
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		log.Fatal(err)
	}
}
