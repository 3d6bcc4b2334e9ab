/** Formats text for a terminal: width, wrapping, and bold text if the terminal shows it. */
import type { Io, Output } from './io.js';

export interface Style {
  /** Whether the terminal interprets escape sequences. */
  readonly isColoured: boolean;
  readonly bold: (text: string) => string;
}

/** No escape sequences in files and pipes, with `NO_COLOR` (https://no-color.org), or for dumb terminals. */
export function styleOf(output: Output, { env }: Pick<Io, 'env'>): Style {
  const isPlain = output.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return { isColoured: !isPlain, bold: (text) => (isPlain ? text : `\u001b[1m${text}\u001b[22m`) };
}

/**
 * The width of the terminal, between 40 and 120 columns; 80 for files and pipes. `COLUMNS` is the user's wish
 * (POSIX, "Environment Variables").
 */
export function widthOf({ isTTY, columns = 80 }: Output, { env }: Pick<Io, 'env'>): number {
  const { COLUMNS = '' } = env;
  const width = /^[1-9]\d{0,4}$/.test(COLUMNS) ? Number(COLUMNS) : isTTY === true ? columns : 80;
  return Math.min(Math.max(width, 40), 120);
}

/**
 * Breaks a text at spaces into lines of at most `width` characters; longer words keep a line of their own.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
