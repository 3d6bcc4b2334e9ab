#!/usr/bin/env python3
"""
Writes sign-request.json, known answers for signing a request, from the certificates and keys of certs/.

A second implementation of the X.509 variant of Signature Version 4, written from the specification
("Authentication signing process" in the IAM Roles Anywhere user guide, and "Create a signed AWS API request"
in the IAM user guide). It shares no code with src/signing. Needs Python 3 and the `cryptography` package.

ECDSA signatures are not unique, so EC cases have the Authorization header up to `Signature=` and one signature
that verifies (deterministic, RFC 6979, so that each run writes the same file).
"""

import base64
import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

HERE = Path(__file__).resolve().parent
CERTS = HERE.parent.parent / "certs"

SERVICE = "rolesanywhere"

# Headers that proxies and HTTP stacks add, change or drop; `proxy-…` and `sec-…` are unsigned too.
UNSIGNED = {
    "authorization", "cache-control", "connection", "expect", "from", "keep-alive", "max-forwards", "pragma",
    "referer", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
}


# ------------------------------------------------------------------------------ the steps of the specification


def percent_encode(text):
    """RFC 3986: every octet of the UTF-8 form but the unreserved ones, in upper-case hex."""
    unreserved = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
    return "".join(chr(octet) if octet in unreserved else f"%{octet:02X}" for octet in text.encode("utf-8"))


def canonical_uri(path):
    """Removes dot segments and empty segments (RFC 3986, 5.2.4) and encodes each segment once more."""
    segments = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(percent_encode(segment))
    if not segments:
        return "/"
    return "/" + "/".join(segments) + ("/" if path.endswith("/") else "")


def canonical_query(query):
    """Pairs sorted by encoded name, then by encoded value. A name without a value keeps its `=`."""
    pairs = [
        (percent_encode(name), percent_encode(value))
        for name, values in query.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def is_signed(name):
    return name not in UNSIGNED and not name.startswith(("proxy-", "sec-"))


def canonical_headers(headers):
    """Lower-case names in order; values trimmed, each run of spaces inside them becomes one."""
    return {name: re.sub(r"[ \t]+", " ",
                         headers[name]).strip(" ") for name in sorted(headers) if is_signed(name)}


def canonical_request(request, headers):
    signed = canonical_headers(headers)
    return "\n".join(
        [
            request["method"],
            canonical_uri(request["path"]),
            canonical_query(request["query"]),
            "".join(f"{name}:{value}\n" for name, value in signed.items()),
            ";".join(signed),
            hashlib.sha256(request["body"].encode("utf-8")).hexdigest(),
        ]
    )


def string_to_sign(algorithm, long_date, scope, canonical):
    return "\n".join([algorithm, long_date, scope, hashlib.sha256(canonical.encode("utf-8")).hexdigest()])


# --------------------------------------------------------------------------------------- keys and certificates


def load_certificates(name):
    return x509.load_pem_x509_certificates((CERTS / name).read_bytes())


def load_key(name):
    return serialization.load_pem_private_key((CERTS / name).read_bytes(), password=None)


def base64_der(certificate):
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode("ascii")


def sign(key, message):
    """The algorithm's name and the signature. SHA-256 whatever the key's size, curve or certificate."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "AWS4-X509-RSA-SHA256", key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        # A DER SEQUENCE of r and s, which is what this package returns.
        return "AWS4-X509-ECDSA-SHA256", key.sign(message,
                                                  ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    raise TypeError(f"no algorithm for {type(key).__name__}")


def verify(certificate, signature, message):
    """Raises unless the certificate's own key accepts the signature."""
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    else:
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))


# ---------------------------------------------------------------------------------------------------- one case


def added_headers(case, certificate):
    """The headers that signing adds to the request or replaces."""
    request = case["request"]
    moment = datetime.fromisoformat(case["date"].replace("Z", "+00:00")).astimezone(timezone.utc)
    added = {
        "host": request["hostname"] + (f":{request['port']}" if "port" in request else ""),
        "x-amz-date": moment.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-x509": base64_der(certificate),
    }
    if "intermediates" in case:
        chain = load_certificates(case["intermediates"])
        added["x-amz-x509-chain"] = ",".join(base64_der(each) for each in chain)
    return added


def answer(case):
    certificate = load_certificates(case["certificate"])[0]
    key = load_key(case["privateKey"])
    added = added_headers(case, certificate)
    headers = {name.lower(): value for name, value in case["request"]["headers"].items()} | added

    long_date = added["x-amz-date"]
    scope = f"{long_date[:8]}/{case['region']}/{SERVICE}/aws4_request"
    algorithm, _ = sign(key, b"")
    canonical = canonical_request(case["request"], headers)
    to_sign = string_to_sign(algorithm, long_date, scope, canonical)
    _, signature = sign(key, to_sign.encode("utf-8"))
    verify(certificate, signature, to_sign.encode("utf-8"))

    prefix = (
        f"{algorithm} Credential={certificate.serial_number}/{scope}, "
        f"SignedHeaders={';'.join(canonical_headers(headers))}, Signature="
    )
    expect = {"headers": added, "canonicalRequest": canonical, "stringToSign": to_sign}
    if isinstance(key, rsa.RSAPrivateKey):
        expect["authorization"] = prefix + signature.hex()
    else:
        expect["authorizationPrefix"] = prefix
        expect["exampleSignature"] = signature.hex()
    return case | {"expect": expect}


# --------------------------------------------------------------------------------------------------- the cases

ARNS = {
    "profileArn": "arn:aws:rolesanywhere:us-east-1:123456789012:profile/2f6d3a0c-5c0e-4a53-9b5f-1f0f4f7f2a10",
    "roleArn": "arn:aws:iam::123456789012:role/service-role/Fixture",
    "trustAnchorArn": "arn:aws:rolesanywhere:us-east-1:123456789012:"
                      "trust-anchor/8a1e9c2b-0d7a-4d0e-8f3c-6b5a4c3d2e1f",
}
CHINA_ARNS = {
    name: arn.replace("arn:aws:", "arn:aws-cn:").replace("us-east-1", "cn-north-1") for name,
    arn in ARNS.items()
}


def create_session(**changes):
    """CreateSession as AWS's helper sends it: ARNs in the query, the rest in the body."""
    request = {
        "method": "POST",
        "protocol": "https:",
        "hostname": "rolesanywhere.us-east-1.amazonaws.com",
        "path": "/sessions",
        "query": ARNS,
        "headers": {"content-type": "application/json"},
        "body": '{"durationSeconds":3600}',
    }
    return request | changes


def case(name, identity, request=None, **changes):
    return {
        "name": name,
        "certificate": f"{identity}.pem",
        "privateKey": f"{identity}.key.pem",
        "region": "us-east-1",
        "date": "2026-03-01T09:08:07Z",
        "request": request or create_session(),
    } | changes


KEYS = ["rsa-2048", "rsa-3072", "rsa-4096", "rsa-2048-sha384", "ec-p256", "ec-p384", "ec-p521"]

CASES = [
    *(case(f"CreateSession, {identity}", identity) for identity in KEYS),
    case("one intermediate, RSA", "chain-1", intermediates="chain-1.intermediates.pem"),
    case("three intermediates, EC: issuer of the leaf first", "chain-3",
         intermediates="chain-3.intermediates.pem"),
    case("serial number of 20 octets in decimal", "serial-long"),
    case("serial number 1", "serial-small"),
    case("serial number that DER pads with a zero octet", "serial-padded"),
    case(
        "role session name in the body",
        "rsa-2048",
        create_session(body='{"durationSeconds":900,"roleSessionName":"build-agent@7"}'),
    ),
    case("body outside ASCII is hashed as UTF-8", "ec-p256",
         create_session(body='{"roleSessionName":"büro 世界 🔑"}')),
    case("no query, empty body, no headers", "rsa-2048", create_session(query={}, headers={}, body="")),
    case("port in the host header", "rsa-2048", create_session(hostname="127.0.0.1", port=9911)),
    case(
        "another region and partition",
        "rsa-2048",
        create_session(hostname="rolesanywhere.cn-north-1.amazonaws.com.cn", query=CHINA_ARNS),
        region="cn-north-1",
    ),
    case("fraction of a second is cut off, not rounded", "rsa-2048", date="2026-12-31T23:59:59.999Z"),
    case(
        "query that needs encoding and sorting",
        "rsa-2048",
        create_session(
            query={
                "z": "last",
                "a-b": "a name that continues another sorts after it",
                "a": ["two", "one", "One", ""],
                "empty": "",
                "reserved": "a b+c/d:e=f&g?h#i%j",
                "unreserved": "A-Z_a.z~0",
                "others": "!'()*,;@[]\"\\",
                "utf-8": "Grüße, 世界 🔑",
                "ключ": "name outside ASCII",
                "with space": "name",
                "Upper": "before lower case",
            }
        ),
    ),
    case(
        "path with dot segments, empty segments and an escape",
        "rsa-2048",
        create_session(path="/my%20proxy//./unused/../sessions"),
    ),
    case(
        "header values and names are normalised",
        "rsa-2048",
        create_session(
            headers={
                "X-Padded": "  both sides   ",
                "x-Inner": "many    blanks \t and tabs",
                "X-Quoted": '"a   b"',
                "x-empty": "",
                "x-a-b": "after x-a",
                "X-A": "before x-a-b",
                "Content-Type": "application/json",
                "Content-Length": "24",
                "amz-sdk-invocation-id": "0d9b6a6e-6d3c-4f0c-9f0a-3a1a5b7c9d11",
                "amz-sdk-request": "attempt=1; max=3",
            }
        ),
    ),
    case(
        "headers that are never signed",
        "rsa-2048",
        create_session(
            headers={
                "content-type": "application/json",
                "User-Agent": "fixture/1.0",
                "Cache-Control": "no-cache",
                "Connection": "keep-alive",
                "Expect": "100-continue",
                "Transfer-Encoding": "chunked",
                "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
                "Proxy-Authorization": "Basic Zml4dHVyZTpmaXh0dXJl",
                "Sec-Fetch-Mode": "cors",
            }
        ),
    ),
    case(
        "what an earlier attempt left is replaced",
        "rsa-2048",
        create_session(
            headers={
                "content-type": "application/json",
                "user-agent": "fixture/1.0",
                "Authorization": "AWS4-X509-RSA-SHA256 "
                                 "Credential=1/20200101/us-east-1/rolesanywhere/aws4_request",
                "Host": "stale.example.com",
                "X-Amz-Date": "20200101T000000Z",
                "X-Amz-X509": "c3RhbGU=",
            }
        ),
    ),
]


def main():
    answers = [answer(each) for each in CASES]
    text = json.dumps(answers, indent=2, ensure_ascii=False) + "\n"
    (HERE / "sign-request.json").write_text(text, encoding="utf-8")
    print(f"{len(answers)} cases")


if __name__ == "__main__":
    main()
