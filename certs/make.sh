#!/usr/bin/env bash
# Makes every certificate and key of this folder with OpenSSL 3.0 or later and make-with-python.py, and
# manifest.json.
#
# OpenSSL is the independent implementation: the results of our parser and our checks for these files are compared
# with how the files were made. Each fixture is made next to the line that records it in the manifest.
# The rules that the bad ones break are RFC 5280 and the trust model of the IAM Roles Anywhere user guide.
#
# New keys and serials at each run, so test/vectors/make.py must run afterwards.
set -euo pipefail

export LC_ALL=C
export PASSPHRASE='correct horse battery staple'

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
# Fixtures are made in the working folder itself; issuers whose keys nobody needs again go to unkept/.
mkdir "$work/made" "$work/made/unkept"
cd "$work/made"

# ---------------------------------------------------------------------------------------------- settings

# Fixed moments, so that a fixture means the same whenever this script ran.
readonly from=20240101000000Z until=21240101000000Z
readonly past_from=20200101000000Z past_until=20210101000000Z
readonly future_from=21230101000000Z

# Our own configuration: the one of the machine may add extensions or forbid algorithms.
export OPENSSL_CONF="$work/openssl.cnf"
cat >"$OPENSSL_CONF" <<CONF
[req]
distinguished_name = from_command_line
[from_command_line]

[ca]
default_ca = fixtures
[fixtures]
database = $work/index.txt
serial = $work/serial
new_certs_dir = $work
unique_subject = no
default_md = sha256
policy = anything
[anything]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional

[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = none

[ca_below_root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf_no_basic_constraints]
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf_no_key_usage]
basicConstraints = critical, CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf_key_encipherment]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf_is_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf_alternative_name]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectAltName = critical, DNS:host.example.com
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

# Without key identifiers, which OpenSSL adds unless told "none": only the signature distinguishes two issuers of the
# same name apart.
[plain_leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = none
authorityKeyIdentifier = none
[plain_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = none
authorityKeyIdentifier = none

[tls_server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONF
: >"$work/index.txt"

# ----------------------------------------------------------------------------------------------- tools

# quietly COMMAND...: openssl reports progress on stderr; show it only when the command failed.
quietly() {
  "$@" 2>"$work/log" || {
    cat "$work/log" >&2
    return 1
  }
}

# new_key NAME KIND: KIND is rsa:BITS, rsa-pss:BITS, ec:CURVE, dsa:BITS or ed25519.
new_key() {
  local options
  case $2 in
    rsa:*) options=(-algorithm RSA -pkeyopt "rsa_keygen_bits:${2#*:}") ;;
    rsa-pss:*) options=(-algorithm RSA-PSS -pkeyopt "rsa_keygen_bits:${2#*:}") ;;
    ec:*) options=(-algorithm EC -pkeyopt "ec_paramgen_curve:${2#*:}") ;;
    ed25519) options=(-algorithm ED25519) ;;
    dsa:*)
      quietly openssl genpkey -genparam -algorithm DSA -pkeyopt "dsa_paramgen_bits:${2#*:}" -out "$work/dsa.pem"
      options=(-paramfile "$work/dsa.pem")
      ;;
    *)
      echo "make.sh: unknown kind of key: $2" >&2
      return 1
      ;;
  esac
  quietly openssl genpkey "${options[@]}" -out "$1.key.pem"
}

# 20 octets, the most that RFC 5280 allows, positive.
random_serial() {
  printf '4%s' "$(openssl rand -hex 20 | cut -c 2-40)"
}

# issue NAME ISSUER PROFILE [OPTION...]: certifies NAME.key.pem. PROFILE is a section above, or none, which
# makes X.509 v1. Self-signed if ISSUER is NAME. OPTIONs go to "openssl ca", after ours, so that they win.
# SERIAL (hex) and SUBJECT may be set for one call.
issue() {
  local name=$1 issuer=$2 profile=$3 signer extensions=()
  shift 3
  signer=(-cert "$issuer.pem" -keyfile "$issuer.key.pem")
  if [[ $issuer == "$name" ]]; then signer=(-selfsign -keyfile "$name.key.pem"); fi
  if [[ $profile != none ]]; then extensions=(-extensions "$profile"); fi
  printf '%s\n' "${SERIAL:-$(random_serial)}" >"$work/serial"
  quietly openssl req -new -key "$name.key.pem" -out "$work/request.csr" \
    -subj "${SUBJECT:-/C=DE/O=Example/OU=Fixtures/CN=$(basename -- "$name")}"
  # "openssl x509 -req" can't set the two dates before OpenSSL 3.4; "openssl ca" always could.
  quietly openssl ca -batch -notext "${signer[@]}" ${extensions[@]+"${extensions[@]}"} \
    -startdate "$from" -enddate "$until" "$@" -in "$work/request.csr" -out "$name.pem"
}

# leaf NAME KIND ISSUER [OPTION...]: a key, and a certificate that is good but for what OPTIONs change.
leaf() {
  local name=$1 kind=$2 issuer=$3
  shift 3
  new_key "$name" "$kind"
  issue "$name" "$issuer" leaf "$@"
}

# chain NAME ROOT LEAF_KIND KIND...: a leaf with one intermediate of each KIND between it and ROOT, from the
# root down. The file of intermediates goes the other way: the issuer of the leaf is first.
chain() {
  local name=$1 issuer=$2 leaf_kind=$3 level=0 kind ca
  shift 3
  : >"$name.intermediates.pem"
  for kind in "$@"; do
    level=$((level + 1))
    ca=unkept/$name-ca-$level
    new_key "$ca" "$kind"
    issue "$ca" "$issuer" ca_below_root
    cat "$ca.pem" "$name.intermediates.pem" >"$work/longer.pem"
    mv "$work/longer.pem" "$name.intermediates.pem"
    issuer=$ca
  done
  leaf "$name" "$leaf_kind" "$issuer"
  cat "$name.pem" "$name.intermediates.pem" >"$name.fullchain.pem"
}

# encrypt NAME SUFFIX OPTION...: NAME.key.pem as encrypted PKCS#8 (RFC 5958, PBES2 of RFC 8018).
encrypt() {
  local name=$1 suffix=$2
  shift 2
  quietly openssl pkcs8 -topk8 -in "$name.key.pem" -passout env:PASSPHRASE "$@" -out "$name.$suffix"
}

# junk: 300 octets, the same at each run, that are neither PEM nor the beginning of a DER SEQUENCE.
junk() {
  local i
  for ((i = 0; i < 300; i++)); do
    # The inner printf writes the escape sequence that the outer one turns into an octet.
    # shellcheck disable=SC2059
    printf "$(printf '\\x%02x' $(((i * i * 7 + i * 73 + 41) % 256)))"
  done
}

# half FILE: its first half, so that the last line of base64 and the END line are missing.
half() {
  head -c $(($(wc -c <"$1") / 2)) "$1"
}

# ------------------------------------------------------------------------------------------- manifest

entries=()

# fixture NAME ROOT EXPECT MADE [MEMBER=VALUE...]: one entry. Members: certificate, key, intermediates (files,
# with NAME.pem and NAME.key.pem as defaults), also (a further code that the fixture necessarily causes).
# An entry that is expected to be good must convince OpenSSL before it is written.
fixture() {
  local name=$1 root=$2 expect=$3 made=$4 member files entry
  local certificate=$1.pem key=$1.key.pem intermediates='' also=''
  shift 4
  for member in "$@"; do
    case $member in
      certificate=*) certificate=${member#*=} ;;
      key=*) key=${member#*=} ;;
      intermediates=*) intermediates=${member#*=} ;;
      also=*) also=${member#*=} ;;
      *)
        echo "make.sh: unknown member: $member" >&2
        return 1
        ;;
    esac
  done
  # Not what Python has made, which OpenSSL 3.0 cannot read, and not containers, which are proved where they are made.
  if [[ $expect == ok && $made != *Python* && $made != *PKCS#12* && $made != *PKCS#7* && $made != *'written as'* ]]; then prove "$certificate" "$key" "${intermediates:-$certificate}" "$root.pem"; fi

  files="\"certificate\": \"$certificate\""
  if [[ -n $key ]]; then files+=", \"privateKey\": \"$key\""; fi
  if [[ -n $intermediates ]]; then files+=", \"intermediates\": \"$intermediates\""; fi
  entry="    {\n      \"name\": \"$name\",\n      \"files\": { $files },\n"
  if is_encrypted "${key:-$certificate}"; then entry+="      \"passphrase\": true,\n"; fi
  entry+="      \"trustAnchor\": \"$root.pem\",\n      \"made\": \"$made\",\n      \"expect\": \"$expect\""
  if [[ -n $also ]]; then entry+=",\n      \"also\": [\"$also\"]"; fi
  case $expect in
    ok) ;;
    WARN_*) entry+=",\n      \"severity\": \"warning\"" ;;
    *) entry+=",\n      \"severity\": \"error\"" ;;
  esac
  entries+=("$entry\n    }")
}

is_encrypted() {
  [[ $1 == *.pbkdf2-* || $1 == *.pbes1-* || $1 == *.scrypt* || $1 == *.encrypted.pem ]] ||
    [[ $1 == *.p12 && $1 != *.legacy-empty.p12 ]]
}

# prove CERTIFICATE KEY INTERMEDIATES ROOT: there is a path to the root, and the key is that of a certificate in
# the file. The other blocks of CERTIFICATE are harmless as -untrusted.
prove() {
  local key keys
  quietly openssl verify -CAfile "$4" -untrusted "$3" "$1" >/dev/null
  key=$(openssl pkey -in "$2" -passin env:PASSPHRASE -pubout)
  keys=$(public_keys "$1")
  [[ $keys == *"$key"* ]] || {
    echo "make.sh: $2 is not the key of $1" >&2
    return 1
  }
}

# public_keys FILE: the public key of each certificate in a file.
public_keys() {
  local certificate
  if [[ $1 == *.der ]]; then
    openssl x509 -in "$1" -noout -pubkey
    return
  fi
  rm -f "$work"/block-*
  tr -d '\r' <"$1" | awk -v prefix="$work/block-" '
    /^-----BEGIN CERTIFICATE-----$/ { n++; inside = 1 }
    inside { print > (prefix n) }
    /^-----END CERTIFICATE-----$/ { inside = 0 }'
  for certificate in "$work"/block-*; do openssl x509 -in "$certificate" -noout -pubkey; done
}

write_manifest() {
  local i
  printf '{\n  "passphrase": "%s",\n  "fixtures": [\n' "$PASSPHRASE"
  for ((i = 0; i < ${#entries[@]}; i++)); do
    # The entries hold \n for line breaks, and nothing else that printf would change.
    printf '%b' "${entries[i]}"
    if ((i + 1 < ${#entries[@]})); then printf ',\n'; else printf '\n'; fi
  done
  printf '  ]\n}\n'
}

# ------------------------------------------------------------------------------------- trust anchors

for name in root-rsa tls-root; do new_key "$name" rsa:2048; done
new_key root-ec ec:P-256
for name in root-rsa root-ec tls-root; do
  issue "$name" "$name" root
done
as_identity='as an identity it is refused, being a CA that may not sign data'
fixture root-rsa root-rsa ERR_CERTIFICATE_IS_CA "trust anchor, self-signed, RSA 2048; $as_identity" \
  also=ERR_CERTIFICATE_KEY_USAGE
fixture root-ec root-ec ERR_CERTIFICATE_IS_CA "trust anchor, self-signed, EC P-256; $as_identity" \
  also=ERR_CERTIFICATE_KEY_USAGE
fixture tls-root tls-root ERR_CERTIFICATE_IS_CA "root for the TLS test server alone, RSA 2048; $as_identity" \
  also=ERR_CERTIFICATE_KEY_USAGE

# ----------------------------------------------------------------------------- good leaves below a root

for bits in 2048 3072 4096; do
  leaf "rsa-$bits" "rsa:$bits" root-rsa
  fixture "rsa-$bits" root-rsa ok "RSA key of $bits bits, issued by root-rsa with SHA-256"
done
for size in 256 384 521; do
  leaf "ec-p$size" "ec:P-$size" root-ec
  fixture "ec-p$size" root-ec ok "EC key on P-$size, issued by root-ec with SHA-256"
done
leaf ec-secp256k1 ec:secp256k1 root-ec
fixture ec-secp256k1 root-ec ok 'EC key on secp256k1, which no rule of the service excludes'

leaf rsa-2048-sha384 rsa:2048 root-rsa -md sha384
fixture rsa-2048-sha384 root-rsa ok \
  'RSA key, certificate signed with SHA-384: requests are still signed with SHA-256'

# As long as RFC 5280 allows: 20 octets, which leave the sign bit of DER's INTEGER clear; 48 decimal digits.
SERIAL=7FFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0EFEEEDEC leaf serial-long rsa:2048 root-rsa
fixture serial-long root-rsa ok 'serial number of 20 octets, beginning with 7F'
SERIAL=01 leaf serial-small rsa:2048 root-rsa
fixture serial-small root-rsa ok 'serial number 1'
# 16 octets of which the first is 80 or more: DER puts a zero octet before them, which is no part of the number.
SERIAL=FEDCBA98765432100123456789ABCDEF leaf serial-padded rsa:2048 root-rsa
fixture serial-padded root-rsa ok 'serial number of 16 octets, beginning with FE, so that DER adds a zero octet'

new_key no-basic-constraints rsa:2048
issue no-basic-constraints root-rsa leaf_no_basic_constraints
fixture no-basic-constraints root-rsa ok \
  'v3 with digitalSignature but without basicConstraints, which makes it no CA'

# ---------------------------------------------------------------------------------------------- chains

chain chain-1 root-rsa rsa:2048 rsa:2048
chain chain-2 root-ec ec:P-256 ec:P-256 ec:P-256
chain chain-3 root-ec ec:P-256 ec:P-384 rsa:2048 ec:P-256
chain chain-5 root-ec ec:P-256 ec:P-256 ec:P-256 ec:P-256 ec:P-256 ec:P-256
chain chain-6 root-ec ec:P-256 ec:P-256 ec:P-256 ec:P-256 ec:P-256 ec:P-256 ec:P-256

# chain_fixture NAME ROOT EXPECT MADE: the two forms of a chain.
chain_fixture() {
  fixture "$1" "$2" "$3" "$4, in a file of their own" intermediates="$1.intermediates.pem"
  fixture "$1.fullchain" "$2" "$3" "$4, after the leaf in one file" key="$1.key.pem"
}
chain_fixture chain-1 root-rsa ok 'RSA leaf and one RSA intermediate'
chain_fixture chain-2 root-ec ok 'EC leaf and two EC intermediates'
chain_fixture chain-3 root-ec ok 'EC leaf and intermediates P-256, RSA 2048 and P-384'
chain_fixture chain-5 root-ec ok 'EC leaf and five intermediates, as many as the service takes'
chain_fixture chain-6 root-ec ERR_CHAIN_TOO_LONG 'EC leaf and six intermediates, one more than the service takes'

# Files pasted together by hand: in any order, with the root, and with the text that tools write around the blocks.
{
  printf 'Certificates of the fixture service, collected by hand.\n\n'
  openssl x509 -in unkept/chain-3-ca-2.pem -text
  printf '\n\nBag Attributes\n    friendlyName: root\n    localKeyID: 01 02 03 04\n'
  openssl x509 -in root-ec.pem -subject -issuer
  openssl x509 -in chain-3.pem | sed $'s/$/\r/'
  printf '\n# next: the one below the root\n\n\n'
  cat unkept/chain-3-ca-1.pem
  printf 'Bag Attributes: <Empty Attributes>\n'
  openssl x509 -in unkept/chain-3-ca-3.pem -subject -issuer
  printf '\nend of file\n'
} >chain-3.shuffled.pem
fixture chain-3.shuffled root-ec ok \
  'leaf, intermediates and root of chain-3 out of order, with text between the blocks and one block in CRLF' \
  key=chain-3.key.pem

# ------------------------------------------------------------------------------------------- key forms

openssl x509 -in rsa-2048.pem -outform DER -out rsa-2048.der
openssl pkcs8 -topk8 -nocrypt -in rsa-2048.key.pem -outform DER -out rsa-2048.key.der
quietly openssl pkey -in rsa-2048.key.pem -traditional -out rsa-2048.pkcs1.pem
cat rsa-2048.key.pem rsa-2048.pem >rsa-2048.combined.pem
fixture rsa-2048.der root-rsa ok 'certificate and PKCS#8 key as DER' \
  certificate=rsa-2048.der key=rsa-2048.key.der
fixture rsa-2048.pkcs1 root-rsa ok 'key as RSA PRIVATE KEY (PKCS#1)' \
  certificate=rsa-2048.pem key=rsa-2048.pkcs1.pem
fixture rsa-2048.combined root-rsa ok 'key and certificate in one file, the key first' key=rsa-2048.combined.pem

# "openssl ecparam -genkey" writes the curve as a block of its own before the key.
{
  openssl ecparam -name prime256v1
  openssl pkey -in ec-p256.key.pem -traditional
} >ec-p256.sec1.pem
for size in 384 521; do
  quietly openssl pkey -in "ec-p$size.key.pem" -traditional -out "ec-p$size.sec1.pem"
done
quietly openssl ec -in ec-p256.key.pem -outform DER -out ec-p256.sec1.der
fixture ec-p256.sec1 root-ec ok 'key as EC PRIVATE KEY (SEC 1) after a block of EC PARAMETERS' \
  certificate=ec-p256.pem key=ec-p256.sec1.pem
fixture ec-p384.sec1 root-ec ok 'key as EC PRIVATE KEY (SEC 1)' certificate=ec-p384.pem key=ec-p384.sec1.pem
fixture ec-p521.sec1 root-ec ok 'key as EC PRIVATE KEY (SEC 1)' certificate=ec-p521.pem key=ec-p521.sec1.pem
fixture ec-p256.sec1.der root-ec ok 'key as DER of SEC 1' certificate=ec-p256.pem key=ec-p256.sec1.der

# encrypted_fixture NAME ROOT SUFFIX MADE OPTION...: OPTIONs go to "openssl pkcs8".
encrypted_fixture() {
  local name=$1 root=$2 suffix=$3 made=$4
  shift 4
  encrypt "$name" "$suffix" "$@"
  fixture "$name.${suffix%.pem}" "$root" ok "key as encrypted PKCS#8: $made" \
    certificate="$name.pem" key="$name.$suffix"
}
aes256=(-v2 aes-256-cbc -v2prf hmacWithSHA256)
encrypted_fixture rsa-2048 root-rsa pbkdf2-aes256.pem 'PBKDF2 with HMAC-SHA-256, AES-256-CBC' "${aes256[@]}"
# SHA-1 is the default of the standard, so DER leaves the PRF out.
encrypted_fixture rsa-2048 root-rsa pbkdf2-aes128-sha1.pem 'PBKDF2 with HMAC-SHA-1, AES-128-CBC' \
  -v2 aes-128-cbc -v2prf hmacWithSHA1
encrypted_fixture rsa-2048 root-rsa pbkdf2-sha512.pem 'PBKDF2 with HMAC-SHA-512, AES-256-CBC' \
  -v2 aes-256-cbc -v2prf hmacWithSHA512
encrypted_fixture rsa-2048 root-rsa scrypt.pem 'scrypt, AES-256-CBC' -scrypt
encrypted_fixture ec-p256 root-ec pbkdf2-aes256.pem 'PBKDF2 with HMAC-SHA-256, AES-256-CBC' "${aes256[@]}"
encrypted_fixture ec-p256 root-ec pbkdf2-aes256.der 'PBKDF2 with HMAC-SHA-256, AES-256-CBC, as DER' \
  "${aes256[@]}" -outform DER
encrypted_fixture ec-p256 root-ec scrypt.pem 'scrypt, AES-256-CBC' -scrypt

# ------------------------------------------------------------------------------------------- containers

# p12 FILE LEAF [OPTION...]: leaf and key in PKCS#12.
p12() {
  openssl pkcs12 -export -in "$2.pem" -inkey "$2.key.pem" -passout env:PASSPHRASE -out "$1" "${@:3}"
}
p12 chain-3.p12 chain-3 -certfile chain-3.intermediates.pem
openssl crl2pkcs7 -nocrl -certfile chain-3.intermediates.pem -certfile root-ec.pem -outform DER -out chain-3.p7b
chain_p12='leaf, key and intermediates in one PKCS#12 file, as OpenSSL 3 writes it'
openssl pkcs12 -in chain-3.p12 -passin env:PASSPHRASE -noenc -out "$work/chain-3.pem"
prove "$work/chain-3.pem" chain-3.key.pem "$work/chain-3.pem" root-ec.pem
fixture chain-3.p12 root-ec ok "$chain_p12" certificate=chain-3.p12 key=
fixture chain-3.p7b root-ec ok 'intermediates and root as a PKCS#7 bundle, DER' \
  certificate=chain-3.pem key=chain-3.key.pem intermediates=chain-3.p7b

# ------------------------------------------------------------------------------- old encryptions

# As Windows, Java 8 and OpenSSL before 3.0 wrote them.
chain_legacy=(-legacy -certfile chain-3.intermediates.pem)
p12 chain-3.legacy-rc2.p12 chain-3 "${chain_legacy[@]}" -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1
p12 chain-3.legacy-3des.p12 chain-3 "${chain_legacy[@]}" -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1
PASSPHRASE='' p12 ec-p256.legacy-empty.p12 ec-p256 -legacy -macalg sha1
fixture chain-3.legacy-rc2 root-ec WARN_KEY_ENCRYPTION \
  'leaf, key and intermediates in PKCS#12 with RC2 of 40 bits and 3DES' certificate=chain-3.legacy-rc2.p12 key=
fixture chain-3.legacy-3des root-ec WARN_KEY_ENCRYPTION \
  'leaf, key and intermediates in PKCS#12 with 3DES' certificate=chain-3.legacy-3des.p12 key=
fixture ec-p256.legacy-empty root-ec WARN_KEY_ENCRYPTION \
  'leaf and key in PKCS#12 with RC2 of 40 bits and 3DES, under the empty password' \
  certificate=ec-p256.legacy-empty.p12 key=
legacy_provider=(-provider default -provider legacy)
encrypt rsa-2048 pbes1-des.pem "${legacy_provider[@]}" -v1 PBE-MD5-DES
encrypt ec-p256 pbes1-3des.pem "${legacy_provider[@]}" -v1 PBE-SHA1-3DES
fixture rsa-2048.pbes1-des root-rsa WARN_KEY_ENCRYPTION 'key as encrypted PKCS#8: PBES1 with MD5 and DES' \
  certificate=rsa-2048.pem key=rsa-2048.pbes1-des.pem
fixture ec-p256.pbes1-3des root-ec WARN_KEY_ENCRYPTION \
  'key as encrypted PKCS#8: the key derivation of PKCS#12 with SHA-1, and 3DES' \
  certificate=ec-p256.pem key=ec-p256.pbes1-3des.pem

# ------------------------------------------------------------------------------ what happens on the way

# AD CS hands a PKCS#7 bundle over under the label of a certificate.
{
  echo '-----BEGIN CERTIFICATE-----'
  openssl crl2pkcs7 -nocrl -certfile chain-3.pem -certfile chain-3.intermediates.pem -outform DER | openssl base64
  echo '-----END CERTIFICATE-----'
} >chain-3.adcs.pem
fixture chain-3.adcs root-ec ok 'leaf and intermediates as PKCS#7 under BEGIN CERTIFICATE' key=chain-3.key.pem
# PowerShell, Kubernetes and environment files.
iconv -f ASCII -t UTF-16LE rsa-2048.pem >rsa-2048.utf16.pem
openssl base64 -A -in rsa-2048.pem -out rsa-2048.base64.pem
awk '{ printf "%s\\n", $0 }' rsa-2048.pem >rsa-2048.escaped.pem
fixture rsa-2048.utf16 root-rsa ok 'certificate PEM, written as UTF-16' key=rsa-2048.key.pem
fixture rsa-2048.base64 root-rsa ok 'certificate PEM, written as base64' key=rsa-2048.key.pem
fixture rsa-2048.escaped root-rsa ok 'certificate PEM, written as one line with the letters backslash and n' \
  key=rsa-2048.key.pem

# ------------------------------------------------------------------------- what OpenSSL 3.0 cannot make

python3 "$here/make-with-python.py" .
fixture ec-p256.scrypt-65536 root-ec ok 'key encrypted with scrypt of 64 MiB, by Python' \
  certificate=ec-p256.pem key=ec-p256.scrypt-65536.pem
fixture ec-p256.pbmac1 root-ec ok 'PKCS#12 with the MAC of RFC 9579, by Python' certificate=ec-p256.pbmac1.p12 key=
fixture root-ml-dsa root-ml-dsa ERR_CERTIFICATE_IS_CA \
  'trust anchor, self-signed, ML-DSA-87, by Python; as an identity it is refused' also=ERR_CERTIFICATE_KEY_USAGE
for level in 44 65 87; do
  fixture "ml-dsa-$level" root-ml-dsa ok "ML-DSA-$level key as seed, issued by root-ml-dsa, by Python"
  for form in expanded both encrypted; do
    fixture "ml-dsa-$level.$form" root-ml-dsa ok "key of ml-dsa-$level: $form, by Python" \
      certificate="ml-dsa-$level.pem" key="ml-dsa-$level.$form.pem"
  done
done
fixture ml-dsa-65-by-ec root-ec ok 'certificate of the key of ml-dsa-65, issued by root-ec, by Python' \
  key=ml-dsa-65.key.pem
fixture ml-dsa-chain root-ml-dsa ok 'ML-DSA-65 leaf and intermediate below root-ml-dsa, by Python' \
  key=ml-dsa-65.key.pem intermediates=ml-dsa-chain.intermediates.pem
fixture bad-ml-dsa-both root-ml-dsa ERR_KEY_INVALID 'seed and expanded key of two ML-DSA-65 keys, by Python' \
  certificate=ml-dsa-65.pem

# ------------------------------------------------------------------------- leaves that break one rule

new_key bad-v1 rsa:2048
issue bad-v1 root-rsa none
fixture bad-v1 root-rsa ERR_CERTIFICATE_VERSION 'X.509 v1, which has no extensions, so no keyUsage either' \
  also=ERR_CERTIFICATE_KEY_USAGE

# bad_extensions NAME PROFILE CODE MADE
bad_extensions() {
  new_key "$1" rsa:2048
  issue "$1" root-rsa "$2"
  fixture "$1" root-rsa "$3" "$4"
}
bad_extensions bad-ca leaf_is_ca ERR_CERTIFICATE_IS_CA 'basicConstraints CA:TRUE, with digitalSignature'
bad_extensions bad-no-key-usage leaf_no_key_usage ERR_CERTIFICATE_KEY_USAGE 'no keyUsage'
bad_extensions bad-key-usage leaf_key_encipherment ERR_CERTIFICATE_KEY_USAGE \
  'keyUsage keyEncipherment, without digitalSignature'
SUBJECT=/ bad_extensions bad-empty-subject leaf_alternative_name ERR_CERTIFICATE_SUBJECT \
  'empty subject, named only by a critical subjectAltName'

for hash in md5 sha1; do
  leaf "bad-$hash" rsa:2048 root-rsa -md "$hash"
  fixture "bad-$hash" root-rsa ERR_CERTIFICATE_SIGNATURE "certificate signed with $hash"
done

leaf bad-expired rsa:2048 root-rsa -startdate "$past_from" -enddate "$past_until"
fixture bad-expired root-rsa ERR_CERTIFICATE_EXPIRED 'valid from 2020-01-01 to 2021-01-01'
leaf bad-not-yet-valid rsa:2048 root-rsa -startdate "$future_from"
fixture bad-not-yet-valid root-rsa ERR_CERTIFICATE_NOT_YET_VALID 'valid from 2123-01-01 to 2124-01-01'

# bad_key NAME KIND EXPECT MADE
bad_key() {
  leaf "$1" "$2" root-rsa
  fixture "$1" root-rsa "$3" "$4"
}
bad_key bad-ed25519 ed25519 ERR_KEY_UNSUPPORTED 'Ed25519 key'
bad_key bad-dsa dsa:2048 ERR_KEY_UNSUPPORTED 'DSA key of 2048 bits'
bad_key bad-rsa-pss rsa-pss:2048 ERR_KEY_UNSUPPORTED 'key of the type RSASSA-PSS, which must not sign PKCS#1 v1.5'
bad_key warn-rsa-1024 rsa:1024 WARN_KEY_SIZE 'RSA key of 1024 bits'

leaf bad-mismatch rsa:2048 root-rsa
new_key bad-mismatch rsa:2048
fixture bad-mismatch root-rsa ERR_KEY_MISMATCH \
  'the key is another one than that in the certificate, of the same kind'

# ---------------------------------------------------------------------------------- chains that break

# bad_chain NAME CODE MADE: the files are there; record them.
bad_chain() {
  fixture "$1" root-ec "$2" "$3" intermediates="$1.intermediates.pem"
}

# below_root NAME PROFILE [OPTION...]: an EC issuer below root-ec that will not be kept.
below_root() {
  local name=unkept/$1 profile=$2
  shift 2
  new_key "$name" ec:P-256
  issue "$name" root-ec "$profile" "$@"
}

below_root bad-chain-broken-ca ca_below_root
below_root unrelated-ca ca_below_root
leaf bad-chain-broken ec:P-256 unkept/bad-chain-broken-ca
cp unkept/unrelated-ca.pem bad-chain-broken.intermediates.pem
bad_chain bad-chain-broken WARN_CHAIN_SURPLUS \
  'the intermediate is a CA below the root, but not the issuer of the leaf'

# Names alone don't make a chain: the intermediate has the name of the issuer and another key.
SUBJECT='/C=DE/O=Example/OU=Fixtures/CN=same-name-ca'
below_root same-name-ca-1 plain_ca
below_root same-name-ca-2 plain_ca
unset SUBJECT
new_key bad-chain-same-name ec:P-256
issue bad-chain-same-name unkept/same-name-ca-1 plain_leaf
cp unkept/same-name-ca-2.pem bad-chain-same-name.intermediates.pem
bad_chain bad-chain-same-name ERR_CHAIN_BROKEN \
  'the intermediate has the name of the issuer of the leaf, but another key'

# faulty_ca NAME CODE PROFILE MADE [OPTION...]: a good leaf issued by an intermediate that is at fault.
faulty_ca() {
  local name=$1 code=$2 profile=$3 made=$4
  shift 4
  below_root "$name-ca" "$profile" "$@"
  leaf "$name" ec:P-256 "unkept/$name-ca"
  cp "unkept/$name-ca.pem" "$name.intermediates.pem"
  bad_chain "$name" "$code" "$made"
}
faulty_ca bad-chain-not-ca ERR_CHAIN_NOT_CA leaf \
  'the issuer of the leaf is itself an ordinary leaf: CA:FALSE, digitalSignature'
faulty_ca bad-chain-expired ERR_CHAIN_EXPIRED ca_below_root \
  'the intermediate was valid from 2020-01-01 to 2021-01-01' -startdate "$past_from" -enddate "$past_until"
faulty_ca bad-chain-not-yet-valid ERR_CHAIN_NOT_YET_VALID ca_below_root \
  'the intermediate is valid from 2123-01-01 to 2124-01-01' -startdate "$future_from"

# ------------------------------------------------------------------------------------ not certificates

openssl req -new -key rsa-2048.key.pem -subj /C=DE/O=Example/OU=Fixtures/CN=not-csr -out not-csr.pem
openssl pkey -in rsa-2048.key.pem -pubout -out not-public-key.pem
junk >not-garbage.pem
half rsa-2048.pem >not-truncated.pem
half rsa-2048.key.pem >not-truncated.key.pem
: >not-empty.pem
printf -- '-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n' \
  'This is a sentence, not base64: it has blanks, commas & a full stop.' >not-base64.pem
printf -- '-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n' "$(junk | openssl base64)" >not-der.pem

# not_certificate NAME CODE MADE: the key that goes with it is a good one, so that nothing else is wrong.
not_certificate() {
  fixture "$1" root-rsa "$2" "$3" key=rsa-2048.key.pem
}
not_certificate not-csr ERR_PEM_INVALID 'a CERTIFICATE REQUEST instead of a certificate'
not_certificate not-public-key ERR_PEM_INVALID 'a PUBLIC KEY instead of a certificate'
not_certificate not-garbage ERR_PEM_INVALID '300 octets that are neither PEM nor DER'
not_certificate not-truncated ERR_PEM_INVALID 'the first half of the certificate rsa-2048.pem as a file'
not_certificate not-empty ERR_PEM_INVALID 'no octets at all'
not_certificate not-base64 ERR_PEM_INVALID 'BEGIN and END CERTIFICATE around a sentence'
not_certificate not-der ERR_CERTIFICATE_INVALID \
  'BEGIN and END CERTIFICATE around base64 of the junk of not-garbage.pem'
fixture not-truncated.key root-rsa ERR_PEM_INVALID 'a good certificate, and the first half of its key as a file' \
  certificate=rsa-2048.pem key=not-truncated.key.pem

# ------------------------------------------------------------------------------------- TLS test server

new_key tls-localhost rsa:2048
issue tls-localhost tls-root tls_server
fixture tls-localhost tls-root ok 'certificate of the TLS test server: localhost, 127.0.0.1 and ::1, serverAuth'

# ----------------------------------------------------------------------------------------- put in place

write_manifest >manifest.json

# Manifest and folder must name the same files: one difference, and nothing of the old set is replaced.
grep -oE '"[a-z0-9.-]+\.(pem|der|p12|p7b)"' manifest.json | tr -d '"' | sort -u >"$work/named"
find . -maxdepth 1 -type f ! -name manifest.json | sed 's|^\./||' | sort >"$work/found"
diff "$work/named" "$work/found" >&2 || {
  echo 'make.sh: < is named in the manifest only, > is a file without an entry' >&2
  exit 1
}

rm -f -- "$here"/*.{pem,der,p12,p7b}
chmod 644 -- *.{pem,der,p12,p7b} manifest.json
cp -- *.{pem,der,p12,p7b} manifest.json "$here/"
echo "${#entries[@]} fixtures in $(wc -l <"$work/found" | tr -d ' ') files; next: test/vectors/make.py"
