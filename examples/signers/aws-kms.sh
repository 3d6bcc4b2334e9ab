#!/bin/sh
# Signs with a key of AWS KMS: aws-kms.sh KEY-ID [AWS CLI flags]
# The AWS CLI needs other credentials for this, such as those of another account: --profile keys.
set -eu
key=$1
shift
file=$(mktemp)
trap 'rm -f "$file"' EXIT
case $ROLESANYWHERE_SIGN_ALGORITHM in
  ML_DSA_*) cat >"$file"; type=RAW algorithm=ML_DSA_SHAKE_256 ;;
  # Signs a digest: KMS accepts messages of at most 4096 octets.
  *) openssl dgst -sha256 -binary >"$file"; type=DIGEST algorithm=$ROLESANYWHERE_SIGN_ALGORITHM ;;
esac
aws kms sign --key-id "$key" --message "fileb://$file" --message-type "$type" \
  --signing-algorithm "$algorithm" --query Signature --output text "$@"
