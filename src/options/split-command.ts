/**
 * Splits a command line into words as a POSIX shell does, without expanding anything in it: the way botocore
 * reads `credential_process` (Python's `shlex.split`).
 *
 * Source: POSIX, Shell Command Language §2.2, "Quoting".
 */
import { OptionError } from '../errors.js';

/** The next piece of a line: spaces, text in quotes, an escaped character, or a run of plain ones. */
const PIECE = /(\s+)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;

/**
 * @param label how messages name the text, such as `--sign-command`
 * @throws OptionError `ERR_OPTION_INVALID`: a quote that is not closed, a backslash at the end
 */
export function splitCommand(text: string, label: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const at = PIECE.lastIndex;
    const piece = PIECE.exec(text);
    if (piece === null) throw unfinished(text[at], label);
    const [, blanks, single, double, escaped, plain] = piece;
    if (blanks === undefined) {
      // In double quotes a backslash stands for itself, except before a quote and another backslash.
      word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain);
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}

function unfinished(character: string | undefined, label: string): OptionError {
  const problem = character === '\\' ? 'ends in a backslash' : `has a ${character} that is not closed`;
  return new OptionError('ERR_OPTION_INVALID', `${label} ${problem}`);
}
