/** Random credentials files for property tests. */

/** The profiles that a random file may have. */
export const NAMES = ['default', 'a', 'b', 'default2'];

/** Random numbers in [0, 1), determined by the seed (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A credentials file with the constructs that people and tools write and that parsers read differently. */
export function randomFile(random: () => number): string {
  const pick = (...list: string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const blanks = (): string => pick('', '', '', ' ', '  ', '\t');
  const key = (): string =>
    pick(
      'region',
      'output',
      'x',
      'Y',
      'cafe',
      'aws_access_key_id',
      'aws_secret_access_key',
      'aws_session_token',
      'credential_process',
    ) + (random() < 0.3 ? Math.floor(random() * 9) : '');
  const value = (): string =>
    pick(
      '',
      'v',
      'two words',
      'a=b',
      'c:d',
      '# no',
      'v # c',
      'v;w',
      '[x]',
      'caf\u00C3\u00A9',
      'z'.repeat(300),
    );
  const line = (): string => {
    const which = random();
    if (which < 0.12) return '';
    if (which < 0.24)
      return `${blanks()}${pick('#', ';')} ${pick('note', '[default]', 'aws_access_key_id = C')}`;
    return `${blanks()}${key()}${blanks()}${pick('=', '=', '=', ':')}${blanks()}${value()}`;
  };
  const header = (name: string): string =>
    `${pick('', '', '', blanks())}[${name}]${pick('', '', ' ', ' # c', '\t; c')}`;
  const names = NAMES.filter(() => random() < 0.7);
  const sections = names
    .sort(() => random() - 0.5)
    .map((name) => [header(name), ...Array.from({ length: Math.floor(random() * 8) }, line)].join('\n'));
  const text = [...(random() < 0.3 ? ['# top'] : []), ...sections].join('\n');
  const ended = random() < 0.7 ? `${text}\n` : text;
  return random() < 0.3 ? ended.replaceAll('\n', '\r\n') : ended;
}
