/** Formats the report of `doctor`: text with a mark for each line, or JSON. */

import { printable } from '../../errors.js';
import { jsonText } from '../terminal/json-text.js';
import type { Group, Line, Mark } from './line.js';

const MARKS: Readonly<Record<Mark, string>> = { ok: '✓', warning: '!', error: '✗', skipped: '-' };
/** Of terminals: green, yellow, red, grey. */
const COLOURS: Readonly<Record<Mark, number>> = { ok: 32, warning: 33, error: 31, skipped: 90 };

/** @param isColoured whether escape sequences are shown */
export function formatGroup({ title, lines, drawing = [] }: Group, isColoured: boolean): string {
  const drawn = drawing.map((line) => `  ${printable(line)}`);
  return `${[title, ...lines.flatMap((line) => formatLine(line, isColoured)), ...drawn].join('\n')}\n\n`;
}

function formatLine({ mark, what, found, advice }: Line, isColoured: boolean): string[] {
  const sign = isColoured ? `\u001b[${COLOURS[mark]}m${MARKS[mark]}\u001b[39m` : MARKS[mark];
  const below = advice.flatMap((text) =>
    printable(text)
      .split('\n')
      .map((line, index) => `    ${index === 0 ? '→' : ' '} ${line}`),
  );
  return [`  ${sign} ${what}: ${found}`, ...below];
}

export function formatSummary(lines: readonly Line[]): string {
  const count = (mark: Mark, name: string): string => {
    const number = lines.filter((line) => line.mark === mark).length;
    return `${number} ${name}${number === 1 ? '' : 's'}`;
  };
  return `${count('error', 'error')}, ${count('warning', 'warning')}\n`;
}

/** The facts that AWS derives from the certificate. */
export interface Derived {
  readonly sessionName: string;
  readonly sourceIdentity: string;
  readonly tags: ReadonlyMap<string, string>;
}

export function formatJson(groups: readonly Group[], status: number, derived: Derived | undefined): string {
  const checks = groups.flatMap(({ title, lines }) =>
    lines.map(({ mark, what, found, advice, code }) => ({ group: title, what, mark, found, advice, code })),
  );
  const chain = groups.find(({ title }) => title === 'Chain')?.drawing;
  const session = derived && {
    ...{ name: derived.sessionName, sourceIdentity: derived.sourceIdentity },
    tags: Object.fromEntries(derived.tags),
  };
  return jsonText({ status, checks, chain, session });
}
