#!/bin/sh
# Signs with a key file: openssl.sh KEY.pem
# Reads the data on standard input, and writes the signature as raw octets (ECDSA in DER).
exec openssl dgst -sha256 -sign "$1"
