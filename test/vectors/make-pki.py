#!/usr/bin/env python3
"""
Writes pki.json: certificates, revocation lists and chains that the emulator must judge, each with the expected
verdict and the verdict of `openssl verify`.

Certificates are encoded as DER by hand, so that any part can be wrong, and signed by the `cryptography`
package: neither shares code with src. Needs Python 3, `cryptography` (with ML-DSA: 47 or later) and openssl
3. Each run makes new keys. Everything is valid at 2026-06-01T12:00:00Z, except in cases about validity.
"""

import base64
import hashlib
import json
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding, rsa

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)

# ------------------------------------------------------------------------------------------------- DER by hand


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def seq(*parts):
    return tlv(0x30, *parts)


def integer(value):
    size = 1
    while not -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
        size += 1
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def oid(text):
    first, second, *rest = (int(arc) for arc in text.split("."))
    octets = b""
    for arc in [first * 40 + second, *rest]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.insert(0, 0x80 | (arc & 0x7F))
        octets += bytes(groups)
    return tlv(0x06, octets)


def time(text):
    """`2026-01-01` or `2026-01-01T00:00:00`; GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5)."""
    digits = text.replace("-", "").replace("T", "").replace(":", "").ljust(14, "0") + "Z"
    return tlv(0x17, digits[2:].encode()) if digits < "2050" else tlv(0x18, digits.encode())


UTF8, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
CODECS = {UTF8: "utf-8", PRINTABLE: "latin-1", TELETEX: "latin-1", IA5: "latin-1", UNIVERSAL: "utf-32-be",
          BMP: "utf-16-be"}
OIDS = {"CN": "2.5.4.3", "SN": "2.5.4.4", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10",
        "OU": "2.5.4.11", "email": "1.2.840.113549.1.9.1", "DC": "0.9.2342.19200300.100.1.25",
        "custom": "1.3.6.1.4.1.99999.7"}


def attribute(kind, value, tag=UTF8):
    return seq(oid(OIDS[kind]), tlv(tag, value.encode(CODECS[tag])))


def name(*rdns):
    """Each RDN is (kind, value[, tag]), or a list of them."""
    sets = [[rdn] if isinstance(rdn, tuple) else rdn for rdn in rdns]
    return seq(*(tlv(0x31, *sorted(attribute(*one) for one in rdn)) for rdn in sets))


def cn(text):
    return name(("O", "Example"), ("CN", text))


# ------------------------------------------------------------------------------------------------------- keys

KEYS = {}


def key(label, kind="P-256"):
    """One key for each label, made at the first request."""
    if label not in KEYS:
        makers = {
            "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
            "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
            "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
            "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
            "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
        }
        KEYS[label] = makers[kind]()
    return KEYS[label]


def spki(private):
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(encoding, form)


def key_id(private):
    return hashlib.sha1(spki(private)).digest()


HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
SIGNATURES = {
    "rsa sha1": seq(oid("1.2.840.113549.1.1.5"), tlv(5)),
    "rsa sha256": seq(oid("1.2.840.113549.1.1.11"), tlv(5)),
    "rsa sha512": seq(oid("1.2.840.113549.1.1.13"), tlv(5)),
    "ec sha1": seq(oid("1.2.840.10045.4.1")),
    "ec sha256": seq(oid("1.2.840.10045.4.3.2")),
    "ec sha384": seq(oid("1.2.840.10045.4.3.3")),
    "ec sha512": seq(oid("1.2.840.10045.4.3.4")),
    "pss sha256": seq(oid("1.2.840.113549.1.1.10"), seq(
        tlv(0xA0, seq(oid("2.16.840.1.101.3.4.2.1"))),
        tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), seq(oid("2.16.840.1.101.3.4.2.1")))),
        tlv(0xA2, integer(32)))),
    "ML-DSA-44": seq(oid("2.16.840.1.101.3.4.3.17")),
    "ML-DSA-65": seq(oid("2.16.840.1.101.3.4.3.18")),
    "ML-DSA-87": seq(oid("2.16.840.1.101.3.4.3.19")),
}


def algorithm_of(private, digest="sha256", pss=False):
    if isinstance(private, rsa.RSAPrivateKey):
        return SIGNATURES[f"{'pss' if pss else 'rsa'} {digest}"]
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return SIGNATURES[f"ec {digest}"]
    return SIGNATURES[type(private).__name__.replace("MLDSA", "ML-DSA-").replace("PrivateKey", "")]


def sign(private, data, digest="sha256", pss=False):
    algorithm = HASHES[digest]()
    if isinstance(private, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(algorithm), 32) if pss else padding.PKCS1v15()
        return private.sign(data, scheme, algorithm)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(data, ec.ECDSA(algorithm))
    return private.sign(data)


def signed(content, private, algorithm, digest="sha256", pss=False):
    return seq(content, algorithm, tlv(0x03, b"\0", sign(private, content, digest, pss)))


# ----------------------------------------------------------------------------------------------- certificates


def extension(identifier, value, critical=False):
    flag = tlv(0x01, b"\xff") if critical else b""
    return seq(oid(identifier), flag, tlv(0x04, value))


USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
          "keyCertSign",
          "cRLSign"]


def key_usage(*usages):
    bits = sum(0x80 >> USAGES.index(usage) for usage in usages)
    unused = next((n for n in range(8) if bits >> n & 1), 0)
    return extension("2.5.29.15", tlv(0x03, bytes([unused, bits])), True)


def basic_constraints(authority=False, path=None):
    parts = [tlv(0x01, b"\xff")] if authority else []
    return extension("2.5.29.19", seq(*parts, *([] if path is None else [integer(path)])), True)


def dns(text):
    return tlv(0x82, text.encode())


def mail(text):
    return tlv(0x81, text.encode())


def uri(text):
    return tlv(0x86, text.encode())


def ip(*octets):
    return tlv(0x87, bytes(octets))


def directory(*rdns):
    return tlv(0xA4, name(*rdns))


def registered(text):
    return tlv(0x88, oid(text)[2:])


def alternative_names(*names, critical=False):
    return extension("2.5.29.17", seq(*names), critical)


def name_constraints(permitted=(), excluded=(), critical=True):
    lists = [tlv(tag, *(seq(base) for base in bases))
             for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases]
    return extension("2.5.29.30", seq(*lists), critical)


def pem(der, label="CERTIFICATE"):
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


class Certificate:
    def __init__(self, subject, private, der, serial):
        self.subject, self.private, self.der, self.serial = subject, private, der, serial


SERIAL = [0x1000]


def certificate(subject, issuer=None, *, private=None, extensions=(), serial=None, version=2,
                start="2026-01-01",
                end="2027-01-01", digest="sha256", pss=False, inner=None, change=None, public=None):
    """`issuer` is a Certificate, or None for a self-signed one. `change` alters the finished DER."""
    SERIAL[0] += 1
    serial = SERIAL[0] if serial is None else serial
    private = private or key(f"{subject.hex()} {serial}")
    signer = issuer.private if issuer else private
    algorithm = algorithm_of(signer, digest, pss)
    # Without key identifiers openssl takes a self-issued certificate for a self-signed one.
    identifiers = [extension("2.5.29.14", tlv(0x04, key_id(private))),
                   extension("2.5.29.35", seq(tlv(0x80, key_id(signer))))]
    content = seq(
        tlv(0xA0, integer(version)) if version else b"",
        integer(serial),
        inner or algorithm,
        issuer.subject if issuer else subject,
        seq(time(start), time(end)),
        subject,
        public or spki(private),
        tlv(0xA3, seq(*extensions, *identifiers)),
    )
    der = signed(content, signer, algorithm, digest, pss)
    return Certificate(subject, private, change(der) if change else der, serial)


def root(text="Root", *, extensions=(), path=None, usages=("keyCertSign", "cRLSign"), **more):
    subject = more.pop("subject", cn(text))
    return certificate(subject, extensions=[basic_constraints(True, path), key_usage(*usages), *extensions],
                       **more)


def authority(issuer, text, *, extensions=(), path=None, usages=("keyCertSign", "cRLSign"), **more):
    subject = more.pop("subject", cn(text))
    own = [basic_constraints(True, path), key_usage(*usages), *extensions]
    return certificate(subject, issuer, extensions=own, **more)


def leaf(issuer, subject=None, *, extensions=(), usages=("digitalSignature",), **more):
    own = [basic_constraints(), key_usage(*usages), *extensions]
    return certificate(subject or cn("Host One"), issuer, extensions=own, **more)


# ------------------------------------------------------------------------------------------- revocation lists


def reason(code):
    return extension("2.5.29.21", tlv(0x0A, bytes([code])))


def entry(serial, *extensions, date="2026-05-01"):
    return seq(integer(serial), time(date), seq(*extensions) if extensions else b"")


def crl(issuer, *entries, extensions=None, start="2026-05-15", end="2026-06-15", digest="sha256", signer=None,
        change=None):
    private = signer or issuer.private
    algorithm = algorithm_of(private, digest)
    more = [extension("2.5.29.20", integer(7))] if extensions is None else extensions
    content = seq(
        integer(1), algorithm, issuer.subject, time(start), time(end) if end else b"",
        seq(*entries) if entries else b"", tlv(0xA0, seq(*more)) if more else b"",
    )
    der = signed(content, private, algorithm, digest)
    return change(der) if change else der


# ------------------------------------------------------------------------------------------------------- cases

CASES = []


def case(title, anchors, certificate_, chain=(), *, expect=None, lists=(), differs=None, tags=None,
         identity=None):
    """
    `expect`: None if accepted, else the beginning of the reason in the log. `differs`: why openssl disagrees.
    `tags`: expected session tags, or the beginning of them; `identity`: the source identity.
    """
    anchors = anchors if isinstance(anchors, list) else [anchors]
    found = openssl(anchors, certificate_, chain, lists)
    if (found == "OK") != (expect is None) and differs is None:
        raise SystemExit(f"{title}: openssl says {found}, expected {expect}")
    if (found == "OK") == (expect is None) and differs is not None:
        raise SystemExit(f"{title}: openssl agrees ({found}), so nothing differs")
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    CASES.append({
        "name": title,
        "expect": expect,
        "openssl": found,
        **({"differs": differs} if differs else {}),
        **({"tags": tags} if tags is not None else {}),
        **({"sourceIdentity": identity} if identity is not None else {}),
        "anchors": [b64(one.der) for one in anchors],
        "lists": [b64(one) for one in lists],
        "chain": [b64(one.der) for one in chain],
        "certificate": b64(certificate_.der),
        "serial": str(certificate_.serial),
        "key": certificate_.private.private_bytes(encoding, form, serialization.NoEncryption()).decode(),
    })


def b64(octets):
    return base64.b64encode(octets).decode()


def openssl(anchors, certificate_, chain, lists):
    """Verdict of `openssl verify` for the same trust: `OK`, or its first error."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "anchors": "".join(pem(one.der) for one in anchors),
            "chain": "".join(pem(one.der) for one in chain),
            "lists": "".join(pem(one, "X509 CRL") for one in lists),
            "leaf": pem(certificate_.der),
        }
        for label, text in files.items():
            Path(folder, label).write_text(text)
        command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-partial_chain",
                   "-check_ss_sig",
                   "-CAfile", "anchors", *(["-untrusted", "chain"] if chain else []),
                   *(["-crl_check", "-extended_crl", "-CRLfile", "lists"] if lists else []), "leaf"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return "OK"
        lines = (done.stderr + done.stdout).splitlines()
        return next((line for line in lines if line.startswith("error ") and " at " in line),
                    lines[0] if lines else "failed")


UNKNOWN_TO_OPENSSL = "a rule of the service, which openssl verify does not have"


def name_cases():
    def below(constraints, subject=None, names=(), critical=False, text="Middle"):
        anchor = root()
        middle = authority(anchor, text, extensions=[constraints])
        own = [alternative_names(*names)] if names else []
        return anchor, leaf(middle, subject, extensions=own), [middle]

    def check(title, constraints, inside, outside, why, subject=False):
        """One certificate that is allowed and one that is not, by alternative name or by subject."""
        for verdict, given in ((None, inside),
                               (f'path: "O=Example, CN=Host One": name constraints: {why}', outside)):
            for number, one in enumerate(given):
                kind = "is refused" if verdict else "is accepted"
                made = below(constraints, names=one if isinstance(one, tuple) else (one,))
                case(f"name constraints: {title} {kind}, {number + 1}", *made, expect=verdict)

    check("permitted DNS", name_constraints([dns("example.com")]),
          [dns("example.com"), dns("a.b.example.com"), dns("WWW.Example.COM"), mail("a@other.org")],
          [dns("example.org"), dns("notexample.com"), dns("com"), (dns("example.com"), dns("x.org"))],
          "dns ")
    check("excluded DNS", name_constraints(excluded=[dns("bad.example.com")]),
          [dns("good.example.com"), dns("example.com"), dns("notbad.example.com")],
          [dns("bad.example.com"), dns("a.bad.example.com"), dns("A.BAD.example.com")], "dns ")
    check("permitted and excluded DNS", name_constraints([dns("example.com")], [dns("bad.example.com")]),
          [dns("good.example.com")], [dns("a.bad.example.com"), dns("example.org")], "dns ")
    check("every DNS name excluded", name_constraints(excluded=[dns("")]), [mail("a@b.org")], [dns("a.org")],
          "dns ")
    check("DNS below a dot", name_constraints([dns(".example.com")]), [dns("a.example.com")],
          [dns("aexample.com")],
          "dns ")
    check("two permitted DNS", name_constraints([dns("a.org"), dns("b.org")]), [dns("a.org"), dns("x.b.org")],
          [dns("c.org")], "dns ")
    check("permitted host of URIs", name_constraints([uri("example.com")]),
          [uri("spiffe://example.com/a"), uri("https://EXAMPLE.com:443/x?y"), uri("https://example.com")],
          [uri("spiffe://a.example.com/b"), uri("https://example.org/"), uri("urn:uuid:1"),
           uri("https://10.0.0.1/")],
          "uri ")
    check("permitted hosts below", name_constraints([uri(".example.com")]), [uri("spiffe://a.example.com/b")],
          [uri("spiffe://example.com/a"), uri("spiffe://badexample.com/a")], "uri ")
    check("excluded host of URIs", name_constraints(excluded=[uri("bad.org")]), [uri("https://good.org/")],
          [uri("https://bad.org/x"), uri("https://bad.org:8443/"), uri("mailto:x@good.org")], "uri ")
    check("permitted mailboxes of a host", name_constraints([mail("example.com")]),
          [mail("a@example.com"), mail("A.B@EXAMPLE.com")], [mail("a@b.example.com"), mail("a@example.org")],
          "email ")
    check("permitted mailboxes of hosts below", name_constraints([mail(".example.com")]),
          [mail("a@b.example.com")],
          [mail("a@example.com")], "email ")
    check("one permitted mailbox", name_constraints([mail("root@example.com")]),
          [mail("root@example.com"), mail("root@EXAMPLE.COM")],
          [mail("Root@example.com"), mail("x@example.com")],
          "email ")
    check("excluded mailbox host", name_constraints(excluded=[mail("bad.org")]), [mail("a@good.org")],
          [mail("a@bad.org")], "email ")
    check("permitted IPv4 network", name_constraints([ip(10, 1, 0, 0, 255, 255, 0, 0)]), [ip(10, 1, 2, 3)],
          [ip(10, 2, 0, 1), ip(*[0] * 15, 1)], "ip ")
    six = [0x20, 1, 0x0D, 0xB8, *[0] * 12]
    check("permitted IPv6 network", name_constraints([ip(*six, *[255] * 4, *[0] * 12)]), [ip(*six[:15], 1)],
          [ip(0xFE, 0x80, *[0] * 14), ip(10, 1, 2, 3)], "ip ")
    check("excluded IPv4 network", name_constraints(excluded=[ip(10, 0, 0, 0, 255, 0, 0, 0)]),
          [ip(11, 0, 0, 1)],
          [ip(10, 9, 9, 9)], "ip ")
    check("permitted directory", name_constraints([directory(("O", "Example"))]),
          [directory(("O", "Example"), ("CN", "x")), directory(("O", "EXAMPLE", PRINTABLE), ("CN", "x"))],
          [directory(("O", "Other"), ("CN", "x"))], "directory ")
    check("excluded directory", name_constraints(excluded=[directory(("O", "Other"))]),
          [directory(("C", "DE"), ("O", "Other"))], [directory(("O", "other"), ("CN", "x"))], "directory ")
    check("a form that nobody compares", name_constraints([registered("1.2.3")]), [dns("a.org")],
          [registered("1.2.3")],
          "form 8 cannot be compared")

    constraints = name_constraints([directory(("O", "Example"))])
    case("name constraints: a subject inside is accepted", *below(constraints, cn("x")))
    outside = name(("O", "Other"), ("CN", "x"))
    case("name constraints: a subject outside is refused", *below(constraints, outside),
         expect='path: "O=Other, CN=x": name constraints: directory O=Other, CN=x is not within')
    nowhere = name_constraints([directory(("O", "Example"))], critical=False)
    case("name constraints: they count where they are not critical", *below(nowhere, outside), expect="path: ")
    letter = name(("O", "Example"), ("CN", "x"), ("email", "a@bad.org", IA5))
    case("name constraints: an address in the subject counts",
         *below(name_constraints(excluded=[mail("bad.org")]), letter),
         expect='path: "O=Example, CN=x, emailAddress=a@bad.org": name constraints: email a@bad.org')
    case("name constraints: a common name is no host name",
         *below(name_constraints([dns("example.com")]), cn("host.example.org")),
         differs="openssl reads a common name as a host name where there is no other, RFC 5280 does not")

    # Two authorities: both must agree. A self-issued intermediate is exempt, its leaf is not.
    anchor = root()
    upper = authority(anchor, "Upper", extensions=[name_constraints([dns("example.com")])])
    lower = authority(upper, "Lower", extensions=[name_constraints([dns("a.example.com")])])
    both = leaf(lower, extensions=[alternative_names(dns("x.a.example.com"))])
    case("name constraints: within both of two", anchor, both, [lower, upper])
    one = leaf(lower, extensions=[alternative_names(dns("b.example.com"))])
    case("name constraints: within one of two", anchor, one, [lower, upper], expect="path: ")
    wide = authority(upper, "Wide", extensions=[name_constraints([dns("example.org")])])
    widened = leaf(wide, extensions=[alternative_names(dns("x.example.org"))])
    case("name constraints: the lower one cannot widen", anchor, widened, [wide, upper], expect="path: ")
    off = authority(anchor, "Off", extensions=[name_constraints([directory(("O", "Elsewhere"))])])
    rolled = authority(off, "Off", subject=off.subject)
    case("name constraints: a self-issued intermediate is exempt", anchor,
         leaf(rolled, name(("O", "Elsewhere"), ("CN", "x"))), [rolled, off])
    case("name constraints: the leaf of a self-issued intermediate is not", anchor, leaf(rolled),
         [rolled, off],
         expect='path: "O=Example, CN=Host One": name constraints: directory')
    stray = authority(off, "Stray")
    case("name constraints: an intermediate counts as well", anchor, leaf(stray, name(("O", "Elsewhere"))),
         [stray, off], expect='path: "O=Example, CN=Stray": name constraints: directory')
    tight = root(extensions=[name_constraints([dns("example.com")])])
    case("name constraints: of the trust anchor, inside", tight,
         leaf(tight, extensions=[alternative_names(dns("a.example.com"))]))
    case("name constraints: of the trust anchor, outside", tight,
         leaf(tight, extensions=[alternative_names(dns("a.org"))]), expect="path: ")
    case("name constraints: in a leaf", anchor, leaf(anchor, extensions=[name_constraints([dns("a.org")])]),
         expect="nameConstraints: belong in the certificates of authorities",
         differs="openssl asks for it only with -x509_strict")
    far = authority(anchor, "Far", extensions=[
        extension("2.5.29.30", seq(tlv(0xA0, seq(dns("a.org"), tlv(0x80, b"\1")))), True)])
    case("name constraints: a minimum", anchor, leaf(far, extensions=[alternative_names(dns("a.org"))]), [far],
         expect="x-amz-x509-chain: nameConstraints: minimum and maximum")
    void = authority(anchor, "Void", extensions=[extension("2.5.29.30", seq(), True)])
    case("name constraints: empty", anchor, leaf(void), [void],
         expect="x-amz-x509-chain: nameConstraints: expected",
         differs="openssl asks for it only with -x509_strict")


def path_cases():
    anchor = root()
    middle = authority(anchor, "Middle")
    case("path: one intermediate", anchor, leaf(middle), [middle])

    other = root("Other Root")
    crossed = authority(other, "Middle", private=middle.private)
    case("path: cross-signed, by the anchor and by another", anchor, leaf(middle), [crossed, middle],
         differs="openssl follows the first issuer that fits, and does not turn back")
    case("path: cross-signed, the right one first", anchor, leaf(middle), [middle, crossed])
    case("path: cross-signed, by the anchor of another alone", other, leaf(middle), [crossed, middle])
    case("path: cross-signed, by neither", root("Third"), leaf(middle), [crossed, middle],
         expect='path: "O=Example, CN=Middle" was issued by')

    # A and B certify each other: a loop besides the path to the anchor, and one without a path.
    a_key, b_key = key("loop a"), key("loop b")
    a = Certificate(cn("A"), a_key, b"", 0)
    b = Certificate(cn("B"), b_key, b"", 0)
    a_by_b, b_by_a = authority(b, "A", private=a_key), authority(a, "B", private=b_key)
    a_by_root = authority(anchor, "A", private=a_key)
    case("path: a loop beside the way out", anchor, leaf(a), [a_by_b, b_by_a, a_by_root])
    case("path: nothing but a loop", anchor, leaf(a), [a_by_b, b_by_a], expect="path: ")

    twin_1, twin_2 = authority(anchor, "Twin"), authority(anchor, "Twin")
    case("path: two intermediates of one name, the right one last", anchor, leaf(twin_1), [twin_2, twin_1])
    case("path: two intermediates of one name, the right one first", anchor, leaf(twin_2), [twin_2, twin_1])
    case("path: an intermediate of the right name and another key", anchor, leaf(twin_1), [twin_2],
         expect='path: "O=Example, CN=Twin": has the name of the issuer, but its key did not sign')
    same = root()
    case("path: two anchors of one name, one of them right", [same, anchor], leaf(anchor))
    case("path: an anchor of the right name and another key", same, leaf(anchor),
         expect='path: "O=Example, CN=Root": has the name of the issuer, but its key')
    case("path: a bundle of two authorities, the first", [anchor, other], leaf(anchor))
    case("path: a bundle of two authorities, the second", [anchor, other], leaf(other))
    case("path: a bundle without the right one", [same, other], leaf(anchor), expect="path: ")

    old = authority(anchor, "Renewed", start="2024-01-01", end="2025-01-01")
    new = authority(anchor, "Renewed", private=old.private)
    case("path: an expired intermediate and its renewed twin", anchor, leaf(old), [old, new])
    case("path: an expired intermediate", anchor, leaf(old), [old],
         expect='path: "O=Example, CN=Renewed": validity: ended 2025-01-01T00:00:00.000Z')
    future = authority(anchor, "Future", start="2026-07-01")
    case("path: an intermediate of tomorrow", anchor, leaf(future), [future],
         expect='path: "O=Example, CN=Future": validity: begins 2026-07-01')
    gone = root("Gone", start="2024-01-01", end="2025-01-01")
    case("path: an expired anchor", gone, leaf(gone), expect='path: "O=Example, CN=Gone": validity: ended')
    renewed = root("Gone", private=gone.private, subject=gone.subject)
    case("path: an expired anchor and its renewed twin", [gone, renewed], leaf(gone))
    case("path: the last second of an intermediate", anchor,
         *(lambda one: (leaf(one), [one]))(authority(anchor, "Last", end="2026-06-01T12:00:00")),
         differs="openssl lets a certificate end before its last second, RFC 5280 section 4.1.2.5 does not")

    zero = authority(anchor, "Zero", path=0)
    under = authority(zero, "Under")
    case("path: no intermediate below a path length of 0", anchor, leaf(zero), [zero])
    case("path: one below a path length of 0", anchor, leaf(under), [under, zero],
         expect='path: "O=Example, CN=Zero": pathLenConstraint: allows 0 intermediates below it, found 1')
    narrow = root("Narrow", path=0)
    case("path: the anchor's path length, kept", narrow, leaf(narrow))
    under = authority(narrow, "Under")
    case("path: the anchor's path length, passed", narrow, leaf(under), [under], expect="path: ")

    no_ca = certificate(cn("No CA"), anchor, extensions=[basic_constraints(), key_usage("keyCertSign")])
    case("path: an issuer without the CA flag", anchor, leaf(no_ca), [no_ca],
         expect='path: "O=Example, CN=No CA": basicConstraints: an issuer has CA:TRUE')
    no_sign = authority(anchor, "No Sign", usages=["cRLSign"])
    case("path: an issuer without keyCertSign", anchor, leaf(no_sign), [no_sign],
         expect='path: "O=Example, CN=No Sign": keyUsage: an issuer has keyCertSign, found cRLSign')
    strange = authority(anchor, "Strange", extensions=[extension("1.2.3.4", seq(), True)])
    case("path: an issuer with a critical extension of its own", anchor, leaf(strange), [strange],
         expect='path: "O=Example, CN=Strange": extensions: the emulator does not evaluate 1.2.3.4')
    calm = authority(anchor, "Calm", extensions=[extension("1.2.3.4", seq())])
    case("path: an issuer with an extension of its own that is not critical", anchor, leaf(calm), [calm])
    policy = authority(anchor, "Policy", extensions=[extension("2.5.29.36", seq(tlv(0x80, b"\0")), True)])
    case("path: an issuer that demands a policy", anchor, leaf(policy), [policy],
         expect='path: "O=Example, CN=Policy": extensions: the emulator does not evaluate 2.5.29.36',
         differs="openssl asks for policies only with -policy_check; whether AWS does is unknown")
    weak = authority(anchor, "Weak", digest="sha1")
    case("path: an issuer signed with SHA-1", anchor, leaf(weak), [weak],
         expect='path: "O=Example, CN=Weak": signature algorithm: expected', differs=UNKNOWN_TO_OPENSSL)
    rsa_root = root("RSA Root", private=key("rsa root", "RSA"))
    case("path: RSA with SHA-512", rsa_root, leaf(rsa_root, digest="sha512"))
    padded = authority(rsa_root, "PSS", pss=True)
    case("path: an issuer signed with RSASSA-PSS", rsa_root, leaf(padded), [padded],
         expect='path: "O=Example, CN=PSS": signature algorithm: expected', differs=UNKNOWN_TO_OPENSSL)
    odd = root(subject=name(("O", "Example", PRINTABLE), ("CN", "ROOT", PRINTABLE)), private=anchor.private)
    case("path: an anchor whose name is in another case and encoding", odd, leaf(anchor))
    large = root("Large", private=key("large", "P-521"))
    case("path: an anchor on P-521", large, leaf(large, digest="sha512"))


def list_cases():
    anchor = root()
    host = leaf(anchor)
    other = root("Other Root")

    def lists(title, *made, expect=None, differs=None, certificate_=host, chain=(), anchors=anchor):
        case(f"list: {title}", anchors, certificate_, chain, lists=made, expect=expect, differs=differs)

    number = host.serial
    revoked = (f"path: \"O=Example, CN=Host One\": revocation: serial {number} "
               "was revoked 2026-05-01T00:00:00.000Z, ")
    lists("others are revoked", crl(anchor, entry(1), entry(number + 5000)))
    lists("nobody is revoked", crl(anchor))
    lists("the leaf is revoked", crl(anchor, entry(number)), expect=revoked + "unspecified")
    for code, word in ((1, "keyCompromise"), (4, "superseded"), (6, "certificateHold"),
                       (9, "privilegeWithdrawn")):
        lists(f"revoked for {word}", crl(anchor, entry(number, reason(code))), expect=revoked + word)
    lists("removeFromCRL, which only delta lists may say", crl(anchor, entry(number, reason(8))),
          expect=revoked + "removeFromCRL", differs="openssl takes it for no revocation")
    invalidity = extension("2.5.29.24", tlv(0x18, b"20260401000000Z"))
    lists("revoked since a date", crl(anchor, entry(number, reason(1), invalidity)),
          expect=revoked + "keyCompromise")
    lists("revoked tomorrow, and on the list today", crl(anchor, entry(number, date="2026-06-02")),
          expect="path: ")
    lists("of a foreign issuer", crl(other, entry(number)),
          differs="openssl -crl_check demands a list for each certificate, the service does not")
    lists("one of ours, one of a foreign issuer", crl(anchor), crl(other, entry(number)))
    lists("ours revokes, after a foreign one", crl(other), crl(anchor, entry(number)), expect=revoked)
    what = 'path: "O=Example, CN=Host One": revocation: the list of O=Example, CN=Root '
    lists("expired", crl(anchor, end="2026-05-31"), expect=what + "ended 2026-05-31")
    lists("of tomorrow", crl(anchor, start="2026-06-02"), expect=what + "begins 2026-06-02")
    lists("its last second", crl(anchor, end="2026-06-01T12:00:00"),
          differs="openssl lets a list end before its last second")
    lists("signed by another key", crl(anchor, signer=other.private),
          expect=what + "was not signed by an authority")
    lists("altered", crl(anchor, change=lambda der: der[:-1] + bytes([der[-1] ^ 1])),
          expect=what + "was not signed")
    lists("signed with SHA-1", crl(anchor, digest="sha1"), expect=what + "was not signed",
          differs=UNKNOWN_TO_OPENSSL)
    mute = root("Mute", usages=["keyCertSign"])
    lists("of an issuer without cRLSign", crl(mute), anchors=mute, certificate_=leaf(mute), expect="path: ")
    point = extension("2.5.29.28", seq(tlv(0x81, b"\xff")), True)
    lists("for users alone, revoked", crl(anchor, entry(number), extensions=[point]), expect=revoked)
    lists("for users alone", crl(anchor, extensions=[point]))

    middle = authority(anchor, "Middle")
    below = leaf(middle)
    lists("the intermediate is revoked", crl(anchor, entry(middle.serial)), crl(middle), certificate_=below,
          chain=[middle], expect='path: "O=Example, CN=Middle": revocation: serial ',
          differs="openssl looks at the leaf alone with -crl_check")
    lists("the leaf is revoked by the intermediate", crl(middle, entry(below.serial)), certificate_=below,
          chain=[middle], expect='path: "O=Example, CN=Host One": revocation: serial ')
    lists("the intermediate's serial on a list of the intermediate's own", crl(middle, entry(middle.serial)),
          certificate_=below, chain=[middle])
    twin = authority(anchor, "Middle", private=middle.private)
    lists("the intermediate is revoked, its twin is not", crl(anchor, entry(middle.serial)),
          certificate_=below,
          chain=[middle, twin], differs="openssl has no list for the leaf")
    # The same authority with a new key: its list, by either key, covers what either key signed.
    new = root(subject=anchor.subject)
    lists("signed by the issuer's newer key", crl(anchor, entry(number), signer=new.private),
          anchors=[anchor, new],
          expect=revoked)
    lists("signed by the issuer's newer key, not revoked", crl(anchor, signer=new.private),
          anchors=[anchor, new],
          differs="openssl takes the key that signed the certificate alone, unless it has extended rules")


def leaf_cases():
    anchor = root()

    def check(title, *arguments, expect=None, differs=None, tags=None, identity=None, **more):
        made = leaf(anchor, *arguments, **more)
        case(f"leaf: {title}", anchor, made, expect=expect, differs=differs, tags=tags, identity=identity)

    stray = extension("1.2.3.4", seq())
    check("an extension twice", extensions=[stray, stray],
          expect="x-amz-x509: the certificate has an extension twice",
          differs="openssl asks for it only with -x509_strict")
    check("serial number 0", serial=0, expect="serial number: must be positive", differs=UNKNOWN_TO_OPENSSL)
    check("a negative serial number", serial=-5, expect="serial number: must be positive",
          differs=UNKNOWN_TO_OPENSSL)
    check("a serial number of 20 octets", serial=0x7F << 152, identity="CN=Host One")
    check("a serial number of 21 octets", serial=0xFF << 152,
          expect="serial number: must be positive and at most 20",
          differs=UNKNOWN_TO_OPENSSL)
    check("serial number 1", serial=1)

    # BER that is not DER. The signature covers the BER, so that nothing else is wrong.
    check("an indefinite length", change=lambda der: b"\x30\x80" + der[4:] + b"\0\0",
          expect="x-amz-x509: DER: an indefinite length", differs="openssl reads BER")
    check("a length in too many octets", change=lambda der: b"\x30\x83\0" + der[2:],
          expect="x-amz-x509: DER: a length in more octets", differs="openssl reads BER")
    check("octets after the end", change=lambda der: der + b"\0\0",
          expect="x-amz-x509: DER: 2 octets after the end",
          differs="openssl ignores them in PEM")
    truthy = seq(oid("1.2.3.4"), tlv(0x01, b"\x01"), tlv(0x04, seq()))
    check("a BOOLEAN of 01", extensions=[truthy], expect="x-amz-x509: DER: a BOOLEAN")
    other = SIGNATURES["ec sha384"]
    check("two signature algorithms", inner=other,
          expect="x-amz-x509: certificate: its two signature algorithms differ")
    check("v1 with extensions", version=0, expect="x-amz-x509: certificate: extensions need X.509 v3",
          differs="openssl asks for it only with -x509_strict")
    check("v2 with extensions", version=1, expect="x-amz-x509: certificate: extensions need X.509 v3",
          differs="openssl asks for it only with -x509_strict")

    for label, tag, text in (("UTF8String", UTF8, "Zoë 東京"), ("PrintableString", PRINTABLE, "Zoe Tokyo"),
                             ("TeletexString", TELETEX, "Zoë"), ("BMPString", BMP, "Zoë 東京"),
                             ("UniversalString", UNIVERSAL, "Zoë 東京")):
        check(f"a subject in {label}", name(("CN", text, tag)), tags={"x509Subject/CN": text},
              identity=f"CN={text}")
    check("several attributes in one RDN", name([("CN", "multi"), ("OU", "one")], ("OU", "two")),
          tags={"x509Subject/CN": "multi", "x509Subject/OU": "one/two"}, identity="CN=multi")
    check("no common name", name(("O", "Example")), serial=0xABCDE, identity="ID=0abcde",
          tags={"x509Subject/O": "Example"})
    check("an empty common name", name(("O", "Example"), ("CN", "")), serial=0xABCDF, identity="ID=0abcdf",
          tags={"x509Subject/O": "Example", "x509Subject/CN": ""})
    for size in (61, 62, 64):
        check(f"a common name of {size} characters", name(("CN", "c" * size)),
              identity=("CN=" if size == 61 else "") + "c" * size)
    check("a common name of 65 characters", name(("CN", "c" * 65)),
          expect="source identity: STS takes 64 characters",
          differs=UNKNOWN_TO_OPENSSL)
    check("no subject", name(), extensions=[alternative_names(dns("a.org"), critical=True)],
          expect="subject: must not be empty", differs=UNKNOWN_TO_OPENSSL)
    many = [dns(f"h{n}.example.org") for n in range(200)]
    check("two hundred alternative names", extensions=[alternative_names(*many)],
          tags={"x509SAN/DNS": "h0.example.org"})
    every = [mail("a@example.org"), ip(10, 0, 0, 1), registered("1.2.3"), dns("a.org"), dns("b.org"),
             uri("spiffe://td/x"), uri("urn:x"), directory(("O", "Dir"), ("CN", "d")),
             directory(("O", "Second"))]
    check("alternative names of every kind", extensions=[alternative_names(*every)],
          tags={"x509SAN/DNS": "a.org", "x509SAN/URI": "spiffe://td/x", "x509SAN/Name/O": "Dir",
                "x509SAN/Name/CN": "d"})
    purpose = extension("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1")), True)
    check("a critical extendedKeyUsage, server alone", extensions=[purpose])
    check("a critical extension of its own", extensions=[extension("1.2.3.4", seq(), True)],
          expect="extensions: the emulator does not evaluate 1.2.3.4")
    check("keyUsage without digitalSignature", usages=["keyAgreement"],
          expect="keyUsage: expected digitalSignature, found keyAgreement", differs=UNKNOWN_TO_OPENSSL)
    check("keyUsage of several", usages=["digitalSignature", "keyAgreement"])
    for curve in ("P-384", "P-521", "secp256k1"):
        check(f"a key on {curve}", private=key(f"leaf {curve}", curve))
    rsa_root = root("RSA Root", private=key("rsa root", "RSA"))
    case("leaf: signed with RSASSA-PSS", rsa_root, leaf(rsa_root, pss=True),
         expect="signature algorithm: expected",
         differs=UNKNOWN_TO_OPENSSL)
    case("leaf: signed with SHA-1", rsa_root, leaf(rsa_root, digest="sha1"),
         expect="signature algorithm: expected",
         differs=UNKNOWN_TO_OPENSSL)
    check("its last second", end="2026-06-01T12:00:00",
          differs="openssl lets a certificate end before its last second, RFC 5280 section 4.1.2.5 does not")
    check("a second too late", end="2026-06-01T11:59:59", expect="validity: ended 2026-06-01T11:59:59.000Z")
    check("its first second", start="2026-06-01T12:00:00")
    check("a second too early", start="2026-06-01T12:00:01",
          expect="validity: begins 2026-06-01T12:00:01.000Z")
    check("valid beyond 2050", end="2099-12-31")
    explicit = explicit_curve(key("explicit"))
    check("a key with explicit parameters", private=key("explicit"), public=explicit,
          expect="x-amz-x509: public key: an EC key names its curve")
    check("three common names", name(("CN", "first"), ("CN", "second"), ("CN", "third")), identity="CN=first",
          tags={"x509Subject/CN": "first/second/third"})
    check("an attribute without a short name", name(("CN", "x"), ("custom", "secret")),
          tags={"x509Subject/CN": "x"})


def explicit_curve(private):
    """The same key, P-256 written out instead of named."""
    numbers = private.public_key().public_numbers()
    point = b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = seq(oid("1.2.840.10045.1.1"), integer(p))
    curve = seq(tlv(0x04, (p - 3).to_bytes(32, "big")), tlv(0x04, b.to_bytes(32, "big")))
    base = tlv(0x04, b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    parameters = seq(integer(1), field, curve, base, integer(n), integer(1))
    return seq(seq(oid("1.2.840.10045.2.1"), parameters), tlv(0x03, b"\0", point))


def revocation_lists():
    """Lists that the parser must refuse, and some that it must accept."""
    anchor = root()
    delta = extension("2.5.29.27", integer(1), True)
    indirect = extension("2.5.29.28", seq(tlv(0x84, b"\xff")), True)
    strange = extension("1.2.3.4", seq(), True)
    direct = extension("2.5.29.28", seq(tlv(0x82, b"\xff")), True)
    return [
        {"name": title, "der": b64(der), "expect": expect}
        for title, der, expect in (
            ("a plain list", crl(anchor, entry(5)), None),
            ("a list without extensions", crl(anchor, entry(5), extensions=[]), None),
            ("a list for authorities alone", crl(anchor, extensions=[direct]), None),
            ("a delta list", crl(anchor, extensions=[delta]), "CRL: critical extension 2.5.29.27"),
            ("an indirect list", crl(anchor, extensions=[indirect]), "CRL: an indirect list"),
            ("a critical extension", crl(anchor, extensions=[strange]), "CRL: critical extension 1.2.3.4"),
            ("a critical extension in an entry", crl(anchor, entry(5, strange)),
             "CRL: critical extension 1.2.3.4 in an entry"),
            ("no nextUpdate", crl(anchor, end=None), "CRL: nextUpdate: expected a time"),
            ("a certificate", anchor.der, "CRL: "),
            ("half a list", crl(anchor, entry(5))[:80], "DER: an element is longer than what holds it"),
            ("octets after the end", crl(anchor) + b"\0", "DER: 1 octets after the end"),
        )
    ]


def ml_dsa_cases():
    without = {"differs": "the openssl that made this has no ML-DSA"}
    anchor = root()
    for kind in ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87"):
        case(f"{kind}: a leaf below EC", anchor, leaf(anchor, private=key(f"leaf {kind}", kind)), **without)
    top = root("ML-DSA Root", private=key("ml-dsa root", "ML-DSA-87"))
    middle = authority(top, "ML-DSA Middle", private=key("ml-dsa middle", "ML-DSA-65"))
    case("ML-DSA-87: an anchor, and an intermediate of ML-DSA-65", top, leaf(middle), [middle], **without)
    end = leaf(middle, private=key("leaf ML-DSA-44", "ML-DSA-44"))
    case("ML-DSA-44: a leaf, and ML-DSA all the way up", top, end, [middle], lists=[crl(top), crl(middle)],
         **without)
    case("ML-DSA-44: a leaf that is revoked", top, end, [middle], lists=[crl(middle, entry(end.serial))],
         expect='path: "O=Example, CN=Host One": revocation: serial ')
    false = authority(top, "ML-DSA Middle", private=key("ml-dsa false", "ML-DSA-65"))
    case("ML-DSA-65: an intermediate with another key", top, end, [false],
         expect='path: "O=Example, CN=ML-DSA Middle": has the name of the issuer, but its key')


# ---------------------------------------------------------------------------------------------------- requests

ARNS = {
    "profileArn": "arn:aws:rolesanywhere:us-east-1:123456789012:profile/11111111-1111-1111-1111-111111111111",
    "roleArn": "arn:aws:iam::123456789012:role/Demo",
    "trustAnchorArn": "arn:aws:rolesanywhere:us-east-1:123456789012:"
                      "trust-anchor/22222222-2222-2222-2222-222222222222",
}


def request(title, anchor, certificate_, chain=(), *, in_query=True, extra=(), body=None):
    """A complete CreateSession request, signed by the user guide's "Signing process"."""
    if body is None:
        body = {"durationSeconds": 900} if in_query else {**ARNS, "durationSeconds": 900}
    text = json.dumps(body) if body else ""
    query = "&".join(f"{name_}={quote(arn, safe='')}" for name_,
                     arn in sorted(ARNS.items())) if in_query else ""
    headers = {
        "host": "rolesanywhere.us-east-1.amazonaws.com",
        "x-amz-date": "20260601T120000Z",
        "x-amz-x509": b64(certificate_.der),
        **({"x-amz-x509-chain": ",".join(b64(one.der) for one in chain)} if chain else {}),
        **({"content-type": "application/json"} if text else {}),
        **dict(extra),
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name_}:{headers[name_]}\n" for name_ in sorted(headers))
    canonical = f"POST\n/sessions\n{query}\n{lines}\n{names}\n{hashlib.sha256(text.encode()).hexdigest()}"
    private = certificate_.private
    kinds = {rsa.RSAPrivateKey: "RSA-SHA256", ec.EllipticCurvePrivateKey: "ECDSA-SHA256"}
    kind = next((found for base, found in kinds.items() if isinstance(private, base)), "MLDSA")
    scope = "20260601/us-east-1/rolesanywhere/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-X509-{kind}\n20260601T120000Z\n{scope}\n{digest}"
    signature = sign(private, to_sign.encode()).hex()
    headers["authorization"] = (
        f"AWS4-X509-{kind} Credential={certificate_.serial}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return {"name": title, "anchor": b64(anchor.der), "query": query, "body": text, "headers": headers}


def requests():
    anchor = root()
    middle = authority(anchor, "Middle")
    kinds = ("RSA", "P-256", "P-384", "P-521", "secp256k1", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87")
    ends = {kind: leaf(anchor, private=key(f"leaf {kind}", kind)) for kind in kinds}
    sdk = [("amz-sdk-invocation-id", "6f5a"), ("amz-sdk-request", "attempt=1; max=3"),
           ("content-length", "24")]
    return [
        *(request(kind, anchor, end) for kind, end in ends.items()),
        request("ARNs in the body", anchor, ends["P-256"], in_query=False),
        request("with a chain", anchor, leaf(middle), [middle]),
        request("with more signed headers", anchor, ends["RSA"], extra=sdk),
        request("with an empty body", anchor, ends["RSA"], body={}),
    ]


def main():
    name_cases()
    path_cases()
    list_cases()
    leaf_cases()
    ml_dsa_cases()
    now = NOW.isoformat().replace("+00:00", "Z")
    data = {"now": now, "arns": ARNS, "cases": CASES, "lists": revocation_lists(), "requests": requests()}
    (HERE / "pki.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(CASES)} cases")


main()
