#!/bin/sh
# Signs with a key of HashiCorp Vault's or OpenBao's transit engine: vault-transit.sh KEY [MOUNT]
# VAULT_ADDR and VAULT_TOKEN (or ~/.vault-token) name the server and the caller.
# Needs the program vault (or bao: VAULT=bao).
set -eu
input=$(base64 | tr -d '\n')
case $ROLESANYWHERE_SIGN_ALGORITHM in
  RSASSA_PKCS1_V1_5_SHA_256) set -- "$1" "${2:-transit}" signature_algorithm=pkcs1v15 ;;
  ECDSA_SHA_256) set -- "$1" "${2:-transit}" marshaling_algorithm=asn1 ;;
  *) echo "vault-transit.sh: $ROLESANYWHERE_SIGN_ALGORITHM is not supported" >&2; exit 1 ;;
esac
signature=$("${VAULT:-vault}" write -field=signature "$2/sign/$1/sha2-256" input="$input" "$3")
# vault:v1:BASE64
printf '%s\n' "${signature##*:}"
