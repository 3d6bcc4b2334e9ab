/**
 * Writes a command as the value of `credential_process`: one line, which botocore splits as a shell would, and
 * which the other SDKs give to a shell.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */
import { OptionError, quote } from '../../errors.js';

/** @throws OptionError `ERR_OPTION_INVALID`: a word that such a line cannot hold */
export function formatProcessLine(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (/\p{Cc}/u.test(word)) {
    throw unsupported(word, 'has control characters, which one line of the AWS config cannot hold');
  }
  // The SDK for JavaScript and others read a comment there, whatever the quotes.
  if (/\s[#;]|^[#;]/.test(word)) {
    throw unsupported(word, 'has a space before # or ;, which begins a comment in the AWS config');
  }
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // Shells expand these in double quotes. Windows knows double quotes only.
  return /["$`\\!']/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}

function unsupported(word: string, reason: string): OptionError {
  return new OptionError('ERR_OPTION_INVALID', `${quote(word)} ${reason}`, { hint: 'rename the file' });
}
