/**
 * Asks a question at the terminal and reads the answer without an echo. It opens the terminal itself
 * (`/dev/tty`), since standard input and output belong to the calling program. Without a terminal it returns
 * at once.
 *
 * On Windows it opens the console by its own names; this is untested.
 */
import { close, open, read, write } from 'node:fs';
import { sep } from 'node:path';
import { ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import { OptionError } from '../../errors.js';

const [INPUT, OUTPUT] = sep === '/' ? ['/dev/tty', '/dev/tty'] : ['\\\\.\\CONIN$', '\\\\.\\CONOUT$'];

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);
const writeFile = promisify(write) as (fd: number, text: string) => Promise<unknown>;

/**
 * @returns the typed line, or undefined without a terminal
 * @throws OptionError `ERR_OPTION_MISSING`: Ctrl-C or Ctrl-D
 */
export async function askHidden(question: string): Promise<string | undefined> {
  let input: ReadStream;
  let output: number;
  try {
    output = await openFile(OUTPUT, 'r+');
  } catch {
    return undefined;
  }
  try {
    input = new ReadStream(await openFile(INPUT, 'r+'));
  } catch {
    await closeFile(output);
    return undefined;
  }
  try {
    // Raw mode: no echo, and Ctrl-C arrives as a character, so that the echo is always restored.
    input.setRawMode(true);
    await writeFile(output, question);
    return await readLine(input);
  } finally {
    input.setRawMode(false);
    input.destroy();
    await writeFile(output, '\n');
    await closeFile(output);
  }
}

/**
 * Asks with an echo; the terminal itself edits the line, and ends this process at Ctrl-C.
 *
 * @returns the typed line, or undefined without a terminal
 * @throws OptionError `ERR_OPTION_MISSING`: Ctrl-D
 */
export async function ask(question: string): Promise<string | undefined> {
  let output: number;
  try {
    output = await openFile(OUTPUT, 'r+');
  } catch {
    return undefined;
  }
  const input = INPUT === OUTPUT ? output : await openFile(INPUT, 'r+');
  try {
    await writeFile(output, question);
    // A terminal returns one line for each read; lines typed ahead stay for the next question.
    const { bytesRead, buffer } = await readFile(input, Buffer.alloc(4096), 0, 4096, null);
    if (bytesRead === 0) {
      await writeFile(output, '\n');
      throw new OptionError('ERR_OPTION_MISSING', 'missing answer: the input ended at the prompt');
    }
    return buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '');
  } finally {
    if (input !== output) await closeFile(input);
    await closeFile(output);
  }
}

async function readLine(input: ReadStream): Promise<string> {
  const decoder = new TextDecoder();
  let typed: readonly string[] = [];
  for await (const chunk of input) {
    // An arrow or a function key comes as one chunk that begins with Escape.
    const text = decoder.decode(chunk, { stream: true });
    for (const key of text.startsWith('\u001b') ? '' : text) {
      if (key === '\r' || key === '\n') return typed.join('');
      typed = edit(typed, key);
    }
  }
  throw interrupted();
}

/** Applies a key to the line typed so far, as terminals do outside raw mode. */
function edit(typed: readonly string[], key: string): readonly string[] {
  switch (key) {
    case '\u0003':
    case '\u0004':
      throw interrupted();
    case '\u007f':
    case '\b':
      return typed.slice(0, -1);
    case '\u0015':
      return [];
    default:
      return key < ' ' ? typed : [...typed, key];
  }
}

function interrupted(): OptionError {
  return new OptionError('ERR_OPTION_MISSING', 'missing passphrase: the prompt was interrupted');
}
