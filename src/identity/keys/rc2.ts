/**
 * Decrypts RC2 (RFC 2268) in CBC mode. OpenSSL 3 has it only in its legacy provider, which Node does not
 * load; the certificates of PKCS#12 files that Windows and Java have written for decades are encrypted with
 * it.
 */

/** RFC 2268 §2: a permutation of 0 to 255. */
const PI = Buffer.from(
  [
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2',
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82',
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626',
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7',
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec',
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731',
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9',
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  ].join(''),
  'hex',
);

const BLOCK = 8;
/** §3.1: how far each of the four words of a block is rotated. */
const ROTATIONS = [1, 2, 3, 5];

/**
 * @param key 1 to 128 octets
 * @param effectiveBits how many bits of the key count (§2)
 * @param data whole blocks of 8 octets
 * @returns the padded plaintext
 */
export function decryptRc2Cbc(key: Buffer, effectiveBits: number, iv: Buffer, data: Buffer): Buffer {
  if (data.length % BLOCK !== 0 || iv.length !== BLOCK) throw new Error('not whole blocks of RC2');
  const expanded = expandKey(key, effectiveBits);
  const plain = Buffer.alloc(data.length);
  for (let at = 0; at < data.length; at += BLOCK) {
    const before = at === 0 ? iv : data.subarray(at - BLOCK, at);
    const words = decryptBlock(expanded, data, at);
    for (const [index, word] of words.entries()) {
      plain.writeUInt16LE(word ^ before.readUInt16LE(2 * index), at + 2 * index);
    }
  }
  expanded.fill(0);
  return plain;
}

/** §2: 64 words of 16 bits. */
function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const octets = new Uint8Array(128);
  octets.set(key);
  for (let at = key.length; at < 128; at++) {
    octets[at] = pi((octets[at - 1] ?? 0) + (octets[at - key.length] ?? 0));
  }
  const count = Math.ceil(effectiveBits / 8);
  const mask = 0xff >> (8 * count - effectiveBits);
  octets[128 - count] = pi((octets[128 - count] ?? 0) & mask);
  for (let at = 127 - count; at >= 0; at--) {
    octets[at] = pi((octets[at + 1] ?? 0) ^ (octets[at + count] ?? 0));
  }
  const words = Uint16Array.from(
    { length: 64 },
    (_, at) => (octets[2 * at] ?? 0) | ((octets[2 * at + 1] ?? 0) << 8),
  );
  octets.fill(0);
  return words;
}

function pi(index: number): number {
  return PI[index & 0xff] ?? 0;
}

/** §4: five mixing rounds, a mash, six, a mash, five, backwards. */
function decryptBlock(key: Uint16Array, data: Buffer, at: number): Uint16Array {
  const words = Uint16Array.from({ length: 4 }, (_, index) => data.readUInt16LE(at + 2 * index));
  let next = 63;
  for (const [stage, rounds] of [5, 6, 5].entries()) {
    if (stage > 0) unmash(words, key);
    for (let round = 0; round < rounds; round++) {
      for (let index = 3; index >= 0; index--) unmix(words, index, key[next--] ?? 0);
    }
  }
  return words;
}

/** §4.1, from the other three words of the block, counted backwards around it. */
function unmix(words: Uint16Array, index: number, key: number): void {
  const [one, two, three] = [
    words[(index + 3) & 3] ?? 0,
    words[(index + 2) & 3] ?? 0,
    words[(index + 1) & 3] ?? 0,
  ];
  const rotation = ROTATIONS[index] ?? 0;
  const word = words[index] ?? 0;
  const rotated = (word >> rotation) | (word << (16 - rotation));
  words[index] = rotated - key - (one & two) - (~one & three);
}

/** §4.2. */
function unmash(words: Uint16Array, key: Uint16Array): void {
  for (let index = 3; index >= 0; index--) {
    const other = words[(index + 3) & 3] ?? 0;
    words[index] = (words[index] ?? 0) - (key[other & 63] ?? 0);
  }
}
