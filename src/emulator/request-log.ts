/**
 * What happened in, lines that a person reads out: one for each request. Verbose, what is long goes on in indented
 * lines, and a signature that does not fit is shown from both sides, the first differing line marked with `>`.
 * No secret gets here but in canonical requests, which hold session tokens: those are left out.
 */
import { oneLine } from '../errors.js';

/** What was signed, or should have been. */
export interface Side {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
}

export interface Sides {
  readonly emulator: Side;
  readonly client: Side | undefined;
  /** How the client's side is known, or what to do where it is not. */
  readonly note: string;
}

export interface LogEntry {
  readonly at: Date;
  /** Method and path. */
  readonly route: string;
  /** A number, or what is told instead. */
  readonly status: number | string;
  /** What was granted, or what the client was told. */
  readonly text: string;
  /** Why it was refused. */
  readonly reason?: string;
  /** Finds a better reason, where that takes time which nobody should spend who has no log. */
  readonly explain?: (() => Explanation) | undefined;
}

export interface Explanation {
  readonly reason: string;
  readonly sides?: Sides | undefined;
}

export type RequestLog = (entry: LogEntry) => void;

/** Beyond this, verbose lines are wrapped. */
const WIDTH = 110;

/** @param log gets lines; one that fails, at once or later, is no reason to fail a request or to end the process */
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

/** At blanks alone: an ARN is copied whole. */
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
  // What one side has more of, at its end.
  const marked =
    differing === -1 && others !== undefined && lines.length < others.length ? lines.length : differing;
  const shown = [...lines, ...(marked === lines.length ? ['(ends here)'] : [])];
  return shown.map((line, index) =>
    index === marked ? `  > ${abridge(line, others?.[index] ?? '')}` : `    ${abridge(line, line)}`,
  );
}

/** A certificate is thousands of letters: shown is the beginning, or the place of the first difference. */
function abridge(line: string, other: string): string {
  const [text, otherText] = [line, other].map((one) => oneLine(hideSecrets(one), Number.POSITIVE_INFINITY));
  if (text === undefined || text.length <= WIDTH) return text ?? '';
  const place = text.split('').findIndex((letter, index) => letter !== otherText?.[index]);
  const from = place < WIDTH / 2 ? 0 : Math.floor(place - WIDTH / 4);
  const end = from + WIDTH;
  return `${from === 0 ? '' : '…'}${text.slice(from, end)}${end < text.length ? '…' : ''} (${text.length} characters)`;
}

function hideSecrets(line: string): string {
  return line
    .replace(/^(x-amz-security-token|authorization):.*/i, '$1:(not shown)')
    .replace(/(X-Amz-(?:Security-Token|Signature)(?:=|%3D|%253D))[^&]*/gi, '$1(not shown)');
}
