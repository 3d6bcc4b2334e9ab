/** The elliptic curves, for checking keys before OpenSSL parses them. */

export interface Curve {
  /** As OpenSSL and Node name it. */
  readonly name: string;
  readonly oid: string;
  /** Octets of a coordinate, of a private scalar too. */
  readonly length: number;
  /** The prime of the field and the order of the group, in `length` octets. */
  readonly prime: Buffer;
  readonly order: Buffer;
}

/** Name, OID, prime and order: FIPS 186-5 and SP 800-186, SEC 2, RFC 5639. */
const ROWS: ReadonlyArray<readonly [name: string, oid: string, prime: string, order: string]> = [
  [
    'prime256v1',
    '1.2.840.10045.3.1.7',
    'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff',
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ],
  [
    'secp384r1',
    '1.3.132.0.34',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff',
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ],
  [
    'secp521r1',
    '1.3.132.0.35',
    '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      'fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  ],
  [
    'secp256k1',
    '1.3.132.0.10',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f',
    'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
  ],
  [
    'secp224r1',
    '1.3.132.0.33',
    'ffffffffffffffffffffffffffffffff000000000000000000000001',
    'ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d',
  ],
  [
    'prime192v1',
    '1.2.840.10045.3.1.1',
    'fffffffffffffffffffffffffffffffeffffffffffffffff',
    'ffffffffffffffffffffffff99def836146bc9b1b4d22831',
  ],
  [
    'brainpoolP224r1',
    '1.3.36.3.3.2.8.1.1.5',
    'd7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ff',
    'd7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f',
  ],
  [
    'brainpoolP256r1',
    '1.3.36.3.3.2.8.1.1.7',
    'a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377',
    'a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7',
  ],
  [
    'brainpoolP320r1',
    '1.3.36.3.3.2.8.1.1.9',
    'd35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec28fcd412b1f1b32e27',
    'd35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311',
  ],
  [
    'brainpoolP384r1',
    '1.3.36.3.3.2.8.1.1.11',
    '8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53',
    '8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565',
  ],
  [
    'brainpoolP512r1',
    '1.3.36.3.3.2.8.1.1.13',
    'aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871' +
      '7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3',
    'aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870' +
      '553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069',
  ],
];

export const CURVES: readonly Curve[] = ROWS.map(([name, oid, prime, order]) => ({
  name,
  oid,
  length: prime.length / 2,
  prime: Buffer.from(prime, 'hex'),
  order: Buffer.from(order, 'hex'),
}));
