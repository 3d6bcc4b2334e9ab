/**
 * Property test of profile edits: for random files, the parsers of the AWS SDKs read the new values of the
 * written profile, and the same values as before of every other profile. Rust's parser takes minutes to
 * compile: `npm run test:rust-reader` includes it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { editProfile } from '../../../src/cli/update/profile-text.js';
import type { Profiles } from './profile-readers.js';
import {
  buildGoReader,
  buildRustReader,
  PYTHON,
  readWithBotocore,
  readWithGo,
  readWithJavaScript,
  readWithRust,
} from './profile-readers.js';
import { dice, NAMES, randomFile } from './random-file.js';

const folder = mkdtempSync(join(tmpdir(), 'readers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const EDIT = {
  values: {
    aws_access_key_id: 'ASIANEW',
    aws_secret_access_key: 'new/secret+=',
    aws_session_token: 'newtoken==',
    aws_account_id: '111122223333',
  },
  companion: 'aws_account_id',
  remove: ['aws_security_token'],
};
const GO_CREDENTIALS = {
  AccessKeyID: 'ASIANEW',
  SecretAccessKey: 'new/secret+=',
  SessionToken: 'newtoken==',
  AccountID: '111122223333',
};
const edit = (text: string): string => editProfile(text, 'default', EDIT).text;

/** Readers disagree about where profiles begin: such a file is refused. */
function isDisputed(text: string): boolean {
  try {
    edit(text);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_DISPUTED_HEADER', hint: expect.any(String) });
    return true;
  }
}

const random = dice(5);
const drawn = Array.from({ length: 1200 }, () => randomFile(random));
const before = drawn.filter((text) => !isDisputed(text));
const after = before.map(edit);

const withoutDefault = (profiles: Profiles | undefined): object => ({ ...profiles, default: undefined });

it('most random files can be edited, and a second edit changes nothing', () => {
  expect(before.length).toBeGreaterThan(1000);
  for (const text of after) expect(edit(text)).toBe(text);
});

describe('random files, before and after an edit', () => {
  it('the SDK for JavaScript reads the new values, and all other profiles as before', async () => {
    const [old, now] = [await readWithJavaScript(before), await readWithJavaScript(after)];
    for (const [index, text] of before.entries()) {
      const shown = JSON.stringify([text, after[index]]);
      expect(now[index]?.['default'], shown).toMatchObject(EDIT.values);
      expect(withoutDefault(now[index]), shown).toEqual(withoutDefault(old[index]));
    }
  });

  const noPython = PYTHON === undefined ? ' (left out: no Python with botocore)' : '';
  it.skipIf(PYTHON === undefined)(
    `botocore reads the new values, all other keys and profiles as before${noPython}`,
    () => {
      const [old, now] = [readWithBotocore(before), readWithBotocore(after)];
      let compared = 0;
      for (const [index, text] of before.entries()) {
        const [oldProfiles, newProfiles] = [old[index], now[index]];
        // botocore refuses a file with a duplicate key.
        if (oldProfiles === null || oldProfiles === undefined) continue;
        compared++;
        const shown = JSON.stringify([text, after[index]]);
        expect(newProfiles?.['default'], shown).toMatchObject(EDIT.values);
        expect(withoutDefault(newProfiles ?? undefined), shown).toEqual(withoutDefault(oldProfiles));
        // A value loses the lines that the SDK for JavaScript reads as keys to write.
        const strays = Object.entries(oldProfiles['default'] ?? {})
          .filter(([, value]) => /aws_/.test(JSON.stringify(value)))
          .map(([key]) => key);
        const own = (profile: object = {}): unknown =>
          Object.entries(profile).filter(([key]) => ![...Object.keys(EDIT.values), ...strays].includes(key));
        expect(own(newProfiles?.['default']), shown).toEqual(own(oldProfiles['default']));
      }
      expect(compared).toBeGreaterThan(300);
    },
  );

  const go = buildGoReader(folder);
  it.skipIf(go === undefined)(
    'the SDK for Go reads the new values, all other profiles as ' +
      `before${go === undefined ? ' (left out: no Go, or no modules)' : ''}`,
    () => {
      const read = (texts: readonly string[]) => readWithGo(go ?? '', texts, NAMES);
      const [old, now] = [read(before), read(after)];
      for (const [index, text] of before.entries()) {
        const shown = JSON.stringify([text, after[index]]);
        expect(withoutDefault(now[index]), shown).toEqual(withoutDefault(old[index]));
        expect(now[index]?.['default'], shown).toMatchObject({ Credentials: GO_CREDENTIALS });
      }
    },
  );

  if (process.env['RUST_READER'] !== undefined) {
    it('the SDK for Rust reads the new values, all other profiles as before', () => {
      const program = buildRustReader(process.env['CARGO_TARGET_DIR'] ?? folder);
      const keys = ['region', 'output', 'x', 'y', 'cafe', 'credential_process', ...Object.keys(EDIT.values)];
      const [old, now] = [readWithRust(program, before, keys), readWithRust(program, after, keys)];
      let compared = 0;
      for (const [index, text] of before.entries()) {
        const shown = JSON.stringify([text, after[index]]);
        if (old[index]?.['error'] !== undefined) continue;
        compared++;
        expect(withoutDefault(now[index]), shown).toEqual(withoutDefault(old[index]));
        // The SDK for Rust reads indented comments as parts of values.
        if (/^\s+[#;]/m.test(text)) continue;
        expect(now[index]?.['default'], shown).toMatchObject(EDIT.values);
      }
      expect(compared).toBeGreaterThan(100);
    }, 900_000);
  }
});
