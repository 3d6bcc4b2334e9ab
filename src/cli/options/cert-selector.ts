/**
 * Parses `--cert-selector` by the rules of AWS's Go helper: either `Key=x509Subject,Value=CN=host
 * Key=x509Serial,Value=15D1`, or a JSON list of `{"Key": …, "Value": …}` from a file.
 *
 * Source: the helper's README, "Certificate selector". Stricter in one point: the helper ignores a serial
 * number that is not hexadecimal, and would then choose among more certificates than intended.
 */
import { OptionError } from '../../errors.js';

const KEYS = ['x509Subject', 'x509Issuer', 'x509Serial'] as const;

/** The required fields of a certificate: names as RFC 2253 writes them, the serial number in hexadecimal. */
export type CertSelector = Partial<Readonly<Record<(typeof KEYS)[number], string>>>;

/** @throws OptionError `ERR_OPTION_INVALID` */
export function parseCertSelector(text: string): CertSelector {
  const pairs: Array<readonly [string, string]> = [];
  for (let at = skipBlanks(text, 0); at < text.length; ) {
    const comma = text.startsWith('Key=', at) ? text.indexOf(',Value=', at + 5) : -1;
    const start = comma + ',Value='.length;
    if (comma === -1 || start === text.length) throw notPairs();
    // As in the helper, `Key=` ends a value wherever it is.
    const next = text.indexOf('Key=', start + 1);
    const end = next === -1 ? text.length : next;
    const pair = [text.slice(at + 4, comma), text.slice(start, end).trimEnd()] as const;
    if (/[\r\n\u2028\u2029]/.test(pair.join(''))) throw notPairs();
    pairs.push(pair);
    at = end;
  }
  return selectorOf(pairs, '--cert-selector');
}

function skipBlanks(text: string, at: number): number {
  return text.length - text.slice(at).trimStart().length;
}

function notPairs(): OptionError {
  return invalid('--cert-selector must be pairs such as Key=x509Subject,Value=CN=host, separated by a space');
}

/**
 * @param subject how messages name the file
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseCertSelectorJson(json: string, subject: string): CertSelector {
  let entries: unknown;
  try {
    entries = JSON.parse(json);
  } catch {
    throw invalid(`${subject} must be JSON`);
  }
  // As in Go, `null` is an empty list, and a member that is not there an empty text.
  const list = entries === null ? [] : entries;
  if (!Array.isArray(list)) throw invalid(`${subject} must be a list of {"Key": …, "Value": …}`);
  return selectorOf(
    list.map((entry: unknown) => [memberOf(entry, 'Key', subject), memberOf(entry, 'Value', subject)]),
    subject,
  );
}

function memberOf(entry: unknown, name: string, subject: string): string {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw invalid(`${subject} must be a list of {"Key": …, "Value": …}`);
  }
  // Go's JSON reader takes the names of members in any case.
  const found =
    Object.entries(entry).findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? '';
  if (typeof found !== 'string') throw invalid(`${name} in ${subject} must be text`);
  return found;
}

function selectorOf(pairs: ReadonlyArray<readonly [string, string]>, subject: string): CertSelector {
  const selector: Record<string, string> = {};
  for (const [key, value] of pairs) {
    if (!KEYS.some((known) => known === key)) {
      throw invalid(`a Key in ${subject} must be one of ${KEYS.join(', ')}`);
    }
    if (Object.hasOwn(selector, key)) throw invalid(`${subject} has ${key} twice`);
    if (key === 'x509Serial' && !/^[-+]?[0-9a-f]+$/i.test(value)) {
      throw invalid(`x509Serial in ${subject} must be hexadecimal`);
    }
    selector[key] = value;
  }
  return selector;
}

function invalid(message: string): OptionError {
  return new OptionError('ERR_OPTION_INVALID', message);
}
