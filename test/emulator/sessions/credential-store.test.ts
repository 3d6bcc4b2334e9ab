import { describe, expect, it } from 'vitest';
import { createCredentialStore } from '../../../src/emulator/sessions/credential-store.js';

const NOW = new Date('2026-06-01T12:00:00.900Z');
const DAY = 86_400;
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const names = (sessionName = 's') => ({
  roleArn: 'arn:aws:iam::123456789012:role/a/b/Demo',
  roleId: 'AROAAAAAAAAAAAAAAAAA2',
  sessionName,
});

describe('credentials', () => {
  it('are found again as they were issued', () => {
    const store = createCredentialStore();
    const issued = store.issue({ ...names(), sourceIdentity: 'CN=a', tags: { a: '1' } }, 900, NOW);
    expect(issued).toMatchObject({
      accessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
      secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
      sessionToken: expect.stringMatching(/^IQoJ[A-Za-z0-9+/]{400}$/),
      assumedRoleArn: 'arn:aws:sts::123456789012:assumed-role/Demo/s',
      assumedRoleId: 'AROAAAAAAAAAAAAAAAAA2:s',
      sourceIdentity: 'CN=a',
      tags: { a: '1' },
      transitiveTagKeys: [],
      expiration: new Date('2026-06-01T12:15:00Z'),
    });
    expect(store.find(issued.accessKeyId)).toEqual(issued);
  });

  it('are unique, also between stores', () => {
    const stores = [createCredentialStore(), createCredentialStore()];
    const issued = stores.flatMap((store) => [
      store.issue(names(), 900, NOW),
      store.issue(names(), 900, NOW),
    ]);
    for (const member of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
      expect(new Set(issued.map((one) => one[member])).size).toBe(4);
    }
    expect(stores[1]?.find(issued[0]?.accessKeyId ?? '')).toBeUndefined();
  });
});

describe('the store', () => {
  it('keeps expired sessions for a day', () => {
    const store = createCredentialStore();
    const long = store.issue(names(), 43_200, NOW);
    const short = store.issue(names(), 900, NOW);
    store.issue(names(), 900, later(900 + DAY - 2));
    expect(store.find(short.accessKeyId)).toBeDefined();
    store.issue(names(), 900, later(900 + DAY + 60));
    expect(store.find(short.accessKeyId)).toBeUndefined();
    expect(store.find(long.accessKeyId)).toBeDefined();
    expect(store.issuedCount).toBe(4);
  });

  it('is bounded: drops the oldest sessions, expired ones first', () => {
    const store = createCredentialStore(3);
    const [long, short, last] = [43_200, 900, 43_200].map((seconds) => store.issue(names(), seconds, NOW));
    const next = store.issue(names(), 900, later(1000));
    expect(store.size).toBe(3);
    expect(store.find(short?.accessKeyId ?? '')).toBeUndefined();
    for (const one of [long, last, next]) expect(store.find(one?.accessKeyId ?? '')).toBeDefined();
    store.issue(names(), 900, later(1001));
    expect(store.size).toBe(3);
    expect(store.find(long?.accessKeyId ?? '')).toBeUndefined();
  });

  it('works if the clock is set back', () => {
    const store = createCredentialStore(2);
    for (const seconds of [0, DAY, -DAY, -3 * DAY]) store.issue(names(), 900, later(seconds));
    expect(store.size).toBe(2);
  });
});
