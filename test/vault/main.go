// Logs in to HashiCorp Vault's AWS auth method (type iam) with login data from standard input: the real plugin, with
// storage in memory, and STS at an address of the caller's.
//
// Usage: vault-plugin STS_ENDPOINT PRINCIPAL_ARN SERVER_ID < login.json
//
// Prints the policies and the metadata of the token, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	log "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/credential/aws"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/rotation"
)

// The system view of tests has no rotation jobs, and the plugin ends them.
type system struct{ logical.StaticSystemView }

func (system) DeregisterRotationJob(context.Context, *rotation.RotationJobDeregisterRequest) error {
	return nil
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(stsEndpoint, principal, serverID string) error {
	var login map[string]interface{}
	if err := json.NewDecoder(os.Stdin).Decode(&login); err != nil {
		return fmt.Errorf("login data: %w", err)
	}
	storage := &logical.InmemStorage{}
	config := logical.TestBackendConfig()
	config.StorageView = storage
	config.Logger = log.NewNullLogger()
	config.System = system{logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: time.Hour}}
	backend, err := awsauth.Factory(context.Background(), config)
	if err != nil {
		return err
	}
	call := func(operation logical.Operation, path string, data map[string]interface{}) (*logical.Response, error) {
		response, err := backend.HandleRequest(context.Background(), &logical.Request{
			Operation: operation, Path: path, Data: data, Storage: storage,
			Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
		})
		if err == nil && response != nil && response.IsError() {
			err = response.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return response, nil
	}
	client := map[string]interface{}{
		"sts_endpoint": stsEndpoint, "sts_region": "us-east-1", "iam_server_id_header_value": serverID,
	}
	if _, err := call(logical.UpdateOperation, "config/client", client); err != nil {
		return err
	}
	// Unique ids would be asked of IAM.
	name, isGiven := login["role"].(string)
	if !isGiven {
		// What Vault takes for a login without a role.
		name = principal[strings.LastIndex(principal, "/")+1:]
	}
	role := map[string]interface{}{
		"auth_type": "iam", "bound_iam_principal_arn": principal, "policies": "demo", "resolve_aws_unique_ids": false,
	}
	if _, err := call(logical.CreateOperation, "role/"+name, role); err != nil {
		return err
	}
	response, err := call(logical.UpdateOperation, "login", login)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"policies": response.Auth.Policies, "metadata": response.Auth.Metadata,
	})
}
