import { describe, expect, it } from 'vitest';
import { checkIdentity } from '../../src/identity/check-identity.js';
import { load, manifest, NOW } from '../fixtures.js';

/** The findings of loading and checking a fixture: errors first, then warnings. */
async function verdict(fixture: (typeof manifest.fixtures)[number]): Promise<string[]> {
  try {
    return checkIdentity(await load(fixture), { now: () => NOW }).map(({ code }) => code);
  } catch (error) {
    return [(error as { code: string }).code];
  }
}

describe('every fixture is judged as its manifest says', () => {
  it.each(manifest.fixtures.map((fixture) => [fixture.name, fixture] as const))(
    '%s',
    async (_name, fixture) => {
      const expected = fixture.expect === 'ok' ? [] : [fixture.expect, ...(fixture.also ?? [])];
      expect((await verdict(fixture)).sort()).toEqual(expected.sort());
    },
  );
});
