#!/usr/bin/env python3
"""Makes the fixtures that OpenSSL 3.0 cannot make, beside the EC fixtures of make.sh in a folder.

These are ML-DSA (OpenSSL has it from 3.5 on), scrypt beyond 32 MiB, and PBMAC1 of PKCS#12 (RFC 9579, OpenSSL 3.4). The
independent implementations are Python's `cryptography`, `hashlib` and `dilithium-py`. Where their builders do not take
such keys, the DER of RFC 9881 and RFC 9579 is put together here.

    pip install 'cryptography>=48' dilithium-py
    make-with-python.py FOLDER
"""
import base64
import datetime
import hashlib
import hmac
import os
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from dilithium_py import ml_dsa

PASSPHRASE = b'correct horse battery staple'
OIDS = {44: 17, 65: 18, 87: 19}
KINDS = {44: mldsa.MLDSA44PrivateKey, 65: mldsa.MLDSA65PrivateKey, 87: mldsa.MLDSA87PrivateKey}
PBES2 = bytes.fromhex('06092a864886f70d01050d')
SCRYPT = bytes.fromhex('06092b06010401da47040b')
AES_256_CBC = bytes.fromhex('060960864801650304012a')
PBKDF2 = bytes.fromhex('06092a864886f70d01050c')
PBMAC1 = bytes.fromhex('06092a864886f70d01050e')
HMAC_SHA256 = bytes.fromhex('300c06082a864886f70d02090500')
ECDSA_SHA256 = bytes.fromhex('300a06082a8648ce3d040302')


def der(tag, *parts):
    content = b''.join(parts)
    length = len(content)
    octets = length.to_bytes((length.bit_length() + 7) // 8 or 1, 'big')
    return bytes([tag]) + (octets if length < 0x80 else bytes([0x80 | len(octets)]) + octets) + content


def children(element):
    """The elements inside an element, each with its header."""
    def header(at):
        first = element[at + 1]
        octets = 0 if first < 0x80 else first & 0x7F
        start = at + 2 + octets
        return start, start + (first if octets == 0 else int.from_bytes(element[at + 2 : start], 'big'))

    at, end = header(0)
    found = []
    while at < end:
        start, stop = header(at)
        found.append(element[at:stop])
        at = stop
    return found


def content(element):
    octets = 0 if element[1] < 0x80 else element[1] & 0x7F
    return element[2 + octets :]


def integer(number):
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, 'big'))


def algorithm(level):
    return der(0x30, der(0x06, bytes([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, OIDS[level]])))


def bits(content):
    return der(0x03, b'\0', content)


def utc(moment):
    # RFC 5280 section 4.1.2.5: from 2050 on as GeneralizedTime.
    if moment.year < 2050:
        return der(0x17, moment.strftime('%y%m%d%H%M%SZ').encode())
    return der(0x18, moment.strftime('%Y%m%d%H%M%SZ').encode())


def name(common_name):
    pairs = [(NameOID.COUNTRY_NAME, 'DE'), (NameOID.ORGANIZATION_NAME, 'Example')]
    pairs += [(NameOID.ORGANIZATIONAL_UNIT_NAME, 'Fixtures'), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def extensions(is_ca):
    names = 'digital_signature content_commitment key_encipherment data_encipherment key_agreement'
    names += ' key_cert_sign crl_sign encipher_only decipher_only'
    usage = dict.fromkeys(names.split(), False)
    usage |= {'key_cert_sign': True, 'crl_sign': True} if is_ca else {'digital_signature': True}
    values = [x509.BasicConstraints(is_ca, None), x509.KeyUsage(**usage)]
    items = [
        der(
            0x30,
            der(0x06, bytes.fromhex({'2.5.29.19': '551d13', '2.5.29.15': '551d0f'}[value.oid.dotted_string])),
            der(0x01, b'\xff'),
            der(0x04, value.public_bytes()),
        )
        for value in values
    ]
    return der(0xA3, der(0x30, *items))


def spki(level, key):
    return der(0x30, algorithm(level), bits(key.public_key().public_bytes_raw()))


def certificate(subject, public_info, issuer, signature_algorithm, sign, is_ca):
    tbs = der(
        0x30,
        der(0xA0, integer(2)),
        integer(x509.random_serial_number()),
        signature_algorithm,
        issuer.public_bytes(),
        der(0x30, utc(datetime.datetime(2024, 1, 1)), utc(datetime.datetime(2124, 1, 1))),
        subject.public_bytes(),
        public_info,
        extensions(is_ca),
    )
    return x509.load_der_x509_certificate(der(0x30, tbs, signature_algorithm, bits(sign(tbs))))


def sign_with_ec(data):
    return root_ec.sign(data, ec.ECDSA(hashes.SHA256()))


def private_key(level, content):
    return der(0x30, integer(0), algorithm(level), der(0x04, content))


def expand(level, key):
    """FIPS 204 section 6.1. `cryptography` keeps the seed alone; a third implementation expands it."""
    public, expanded = getattr(ml_dsa, f'ML_DSA_{level}')._keygen_internal(key.private_bytes_raw())
    assert public == key.public_key().public_bytes_raw()
    return expanded


def write(file, label, content):
    text = base64.b64encode(content).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    (folder / file).write_text('\n'.join([f'-----BEGIN {label}-----', *lines, f'-----END {label}-----', '']))


def write_certificate(file, *args):
    write(file, 'CERTIFICATE', certificate(*args).public_bytes(serialization.Encoding.DER))


folder = pathlib.Path(sys.argv[1])
root_ec = serialization.load_pem_private_key((folder / 'root-ec.key.pem').read_bytes(), None)
root_ec_name = x509.load_pem_x509_certificate((folder / 'root-ec.pem').read_bytes()).subject

root = KINDS[87].generate()
root_info = spki(87, root)
write_certificate('root-ml-dsa.pem', name('root-ml-dsa'), root_info, name('root-ml-dsa'), algorithm(87), root.sign, True)
write('root-ml-dsa.key.pem', 'PRIVATE KEY', private_key(87, der(0x80, root.private_bytes_raw())))

intermediate = KINDS[65].generate()
write_certificate(
    'ml-dsa-chain.intermediates.pem',
    *(name('ml-dsa-intermediate'), spki(65, intermediate), name('root-ml-dsa'), algorithm(87), root.sign, True),
)

for level, kind in KINDS.items():
    key = kind.generate()
    seed, expanded = key.private_bytes_raw(), expand(level, key)
    leaf = (name(f'ml-dsa-{level}'), spki(level, key))
    write_certificate(f'ml-dsa-{level}.pem', *leaf, name('root-ml-dsa'), algorithm(87), root.sign, False)
    both = der(0x30, der(0x04, seed), der(0x04, expanded))
    write(f'ml-dsa-{level}.key.pem', 'PRIVATE KEY', private_key(level, der(0x80, seed)))
    write(f'ml-dsa-{level}.expanded.pem', 'PRIVATE KEY', private_key(level, der(0x04, expanded)))
    write(f'ml-dsa-{level}.both.pem', 'PRIVATE KEY', private_key(level, both))
    encryption = serialization.BestAvailableEncryption(PASSPHRASE)
    encrypted = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)
    write(f'ml-dsa-{level}.encrypted.pem', 'ENCRYPTED PRIVATE KEY', encrypted)
    if level == 65:
        write_certificate('ml-dsa-65-by-ec.pem', *leaf, root_ec_name, ECDSA_SHA256, sign_with_ec, False)
        chained = (name('ml-dsa-intermediate'), algorithm(65), intermediate.sign, False)
        write_certificate('ml-dsa-chain.pem', name('ml-dsa-chain'), spki(level, key), *chained)
        other = expand(level, kind.generate())
        disagree = der(0x30, der(0x04, seed), der(0x04, other))
        write('bad-ml-dsa-both.key.pem', 'PRIVATE KEY', private_key(level, disagree))


def scrypt_key(cost):
    """An encrypted PKCS#8 key (RFC 8018, RFC 7914) whose scrypt takes 128 * 8 * cost octets."""
    salt, iv = os.urandom(16), os.urandom(16)
    derived = hashlib.scrypt(PASSPHRASE, salt=salt, n=cost, r=8, p=1, dklen=32, maxmem=2**31 - 1)
    encoding = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    plain = leaf_ec.private_bytes(*encoding)
    padding = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(iv)).encryptor()
    encrypted = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    derivation = der(0x30, SCRYPT, der(0x30, der(0x04, salt), integer(cost), integer(8), integer(1)))
    scheme = der(0x30, AES_256_CBC, der(0x04, iv))
    return der(0x30, der(0x30, PBES2, der(0x30, derivation, scheme)), der(0x04, encrypted))


def pbmac1_file():
    """A PKCS#12 file whose MAC is that of RFC 9579."""
    encryption = serialization.BestAvailableEncryption(PASSPHRASE)
    plain = pkcs12.serialize_key_and_certificates(b'fixture', leaf_ec, leaf_ec_certificate, None, encryption)
    version, safe, _ = children(plain)
    authenticated = content(children(children(safe)[1])[0])
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac('sha256', PASSPHRASE, salt, 4096, 32)
    derivation = der(0x30, PBKDF2, der(0x30, der(0x04, salt), integer(4096), integer(32), HMAC_SHA256))
    algorithm = der(0x30, PBMAC1, der(0x30, derivation, HMAC_SHA256))
    digest = der(0x30, algorithm, der(0x04, hmac.digest(key, authenticated, 'sha256')))
    # Salt and iterations of the old MAC are required, and have no meaning.
    return der(0x30, version, safe, der(0x30, digest, der(0x04, b'unused'), integer(1)))


leaf_ec = serialization.load_pem_private_key((folder / 'ec-p256.key.pem').read_bytes(), None)
leaf_ec_certificate = x509.load_pem_x509_certificate((folder / 'ec-p256.pem').read_bytes())
write('ec-p256.scrypt-65536.pem', 'ENCRYPTED PRIVATE KEY', scrypt_key(65536))
(folder / 'ec-p256.pbmac1.p12').write_bytes(pbmac1_file())
