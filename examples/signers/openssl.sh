#!/bin/sh
# Signs with a key file: openssl.sh KEY.pem
# The data comes on standard input; the signature leaves as raw octets (ECDSA in DER).
exec openssl dgst -sha256 -sign "$1"
