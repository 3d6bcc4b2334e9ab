/**
 * Keeps the account in a file, so that it survives the emulator.
 *
 * A change is on disk before the client gets the response: a kill at any moment loses only changes that were
 * not yet answered. A file belongs to one emulator: the one that finds it changed by another refuses, instead
 * of overwriting it.
 */

import { OptionError, OutputError } from '../../errors.js';
import { readTextFileIfThere, stampOfFile } from '../../files/read-file.js';
import { writeFileWhole } from '../../files/write-file.js';
import type { Account } from '../account/resources.js';
import type { Handler } from '../wire/handler.js';
import { formatState, parseState, restoreState } from './state.js';

/** The limit of the file. 250 profiles, 100 CRLs and thousands of subjects need far less. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * @returns undefined if the file does not exist
 * @throws OptionError `ERR_OPTION_INVALID`: the file is damaged; it is not changed
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function loadState(path: string): Promise<Account | undefined> {
  const text = await readTextFileIfThere(path, `state file ${path}`, MAX_BYTES);
  if (text === undefined) return undefined;
  try {
    return parseState(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown';
    throw new OptionError('ERR_OPTION_INVALID', `state file ${path} is damaged: ${reason}`, {
      hint: 'move it away to begin with an empty account; it has not been changed',
      cause,
    });
  }
}

/**
 * Returns a function that writes the account to the file if it has changed. Calls during a write share the
 * next one, so that bursts need few writes. The promise settles when the account as it was at the call is on
 * disk.
 *
 * If a write fails, the account is set back to what the file holds, and the calls that wait for the next write
 * fail as well: their changes are gone with it. So memory never has a change that a client was told had
 * failed.
 *
 * @throws OutputError `ERR_FILE_WRITE`
 */
export function createSaver(path: string, account: Account): () => Promise<void> {
  let written: string | undefined;
  let stamp: string | undefined;
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const write = async () => {
    const text = formatState(account);
    if (text === written) return;
    if (written !== undefined && (await stampOfFile(path)) !== stamp) await refuseForeign(path, written);
    await writeFileWhole(path, text, { subject: `state file ${path}` });
    stamp = await stampOfFile(path);
    written = text;
  };
  const save = async (before: Promise<void> | undefined) => {
    try {
      await before;
      running = waiting;
      waiting = undefined;
      await write();
    } catch (error) {
      if (running === undefined) waiting = undefined;
      if (written !== undefined) restoreState(account, written);
      throw error;
    } finally {
      running = undefined;
    }
  };
  return () => {
    waiting ??= save(running);
    return waiting;
  };
}

/** A file that was deleted, or whose content is the same, does no harm. */
async function refuseForeign(path: string, written: string): Promise<void> {
  const subject = `state file ${path}`;
  const found = await readTextFileIfThere(path, subject, MAX_BYTES);
  if (found === undefined || found === written) return;
  const message = `${subject} has been changed by another program: each emulator needs a file of its own`;
  throw new OutputError('ERR_FILE_WRITE', message);
}

/**
 * Wraps a handler so that an answer waits for the state file. If it cannot be written, the client gets 500.
 */
export function keepState(handle: Handler, save: () => Promise<void>, log: (line: string) => void): Handler {
  return async (request) => {
    const response = await handle(request);
    if (request.method === 'GET') return response;
    try {
      await save();
      return response;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'the state cannot be written';
      // The line above is the answer that the client would have got.
      log(`${reason}; the client was told 500 InternalFailure`);
      const headers = { ...response.headers, 'X-Amzn-ErrorType': 'InternalFailure' };
      return {
        ...response,
        status: 500,
        headers,
        body: '{"message":"The emulator could not keep its state"}',
      };
    }
  };
}
