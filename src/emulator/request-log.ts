/**
 * Formats the log: one line for each request. With `verbose`, long reasons continue on indented lines, and a
 * signature that does not match is shown from both sides, the first line that differs marked with `>`.
 *
 * Canonical requests hold session tokens: they are removed. No other secret reaches the log.
 */
import { oneLine } from '../errors.js';

/** The text that one side signed. */
export interface Side {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
}

export interface Sides {
  readonly emulator: Side;
  readonly client: Side | undefined;
  /** The source of the client's side, or how to get it. */
  readonly note: string;
}

export interface LogEntry {
  readonly at: Date;
  /** Method and path. */
  readonly route: string;
  /** A number, or text if there was no response. */
  readonly status: number | string;
  /** The granted session, or the message to the client. */
  readonly text: string;
  /** The reason of a refusal. */
  readonly reason?: string;
  /** Finds a better reason. It takes time, so it is called only if there is a log. */
  readonly explain?: (() => Explanation) | undefined;
}

export interface Explanation {
  readonly reason: string;
  readonly sides?: Sides | undefined;
}

export type RequestLog = (entry: LogEntry) => void;

/** The width at which verbose lines are wrapped. */
const WIDTH = 110;

/** @param log receives lines; if it throws or rejects, the request goes on */
export function createRequestLog(log: ((line: string) => void) | undefined, isVerbose: boolean): RequestLog {
  if (log === undefined) return () => undefined;
  return (entry) => {
    const explanation = entry.explain?.() ?? entry;
    const lines = isVerbose ? formatVerbose(entry, explanation) : [formatLine(entry, explanation.reason)];
    for (const line of lines) void (async () => log(line))().catch(() => undefined);
  };
}

function formatLine({ at, route, status, text }: LogEntry, reason: string | undefined): string {
  const why = reason === undefined ? '' : ` [${reason}]`;
  return oneLine(`${at.toISOString()} ${route} ${status} ${text}${why}`);
}

function formatVerbose(entry: LogEntry, { reason, sides }: Partial<Explanation>): string[] {
  const line = formatLine(entry, reason);
  const isLong = line.length > WIDTH && reason !== undefined;
  return [
    ...(isLong ? [formatLine(entry, undefined), ...reason.split(/(?<=;) |\n/).flatMap(wrap)] : [line]),
    ...(sides === undefined ? [] : formatSides(sides)),
  ];
}

/** Wraps at spaces only, so that an ARN stays whole. */
function wrap(text: string): string[] {
  const lines = [''];
  for (const word of oneLine(text, 20_000).split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length > WIDTH && lines.at(-1) !== '') lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line, index) => `${index === 0 ? '  ' : '    '}${line}`);
}

function formatSides({ emulator, client, note }: Sides): string[] {
  const show = (what: string, member: keyof Side) => [
    `  ${what}, as the emulator has it:`,
    ...formatSide(emulator[member], client?.[member]),
    ...(client === undefined
      ? []
      : [`  ${what}, as the client has it:`, ...formatSide(client[member], emulator[member])]),
  ];
  return [
    ...show('canonical request', 'canonicalRequest'),
    ...show('string to sign', 'stringToSign'),
    ...wrap(note),
  ];
}

function formatSide(text: string, other: string | undefined): string[] {
  const lines = text.split('\n');
  const others = other?.split('\n');
  const differing = others === undefined ? -1 : lines.findIndex((line, index) => line !== others[index]);
  // One side is longer: mark its first additional line.
  const marked =
    differing === -1 && others !== undefined && lines.length < others.length ? lines.length : differing;
  const shown = [...lines, ...(marked === lines.length ? ['(ends here)'] : [])];
  return shown.map((line, index) =>
    index === marked ? `  > ${abridge(line, others?.[index] ?? '')}` : `    ${abridge(line, line)}`,
  );
}

/** Shortens a long line, such as a certificate, to its beginning or to the place of the first difference. */
function abridge(line: string, other: string): string {
  const [text, otherText] = [line, other].map((one) => oneLine(hideSecrets(one), Number.POSITIVE_INFINITY));
  if (text === undefined || text.length <= WIDTH) return text ?? '';
  const place = text.split('').findIndex((letter, index) => letter !== otherText?.[index]);
  const from = place < WIDTH / 2 ? 0 : Math.floor(place - WIDTH / 4);
  const end = from + WIDTH;
  const [before, after] = [from === 0 ? '' : '…', end < text.length ? '…' : ''];
  return `${before}${text.slice(from, end)}${after} (${text.length} characters)`;
}

function hideSecrets(line: string): string {
  return line
    .replace(/^(x-amz-security-token|authorization):.*/i, '$1:(not shown)')
    .replace(/(X-Amz-(?:Security-Token|Signature)(?:=|%3D|%253D))[^&]*/gi, '$1(not shown)');
}
