/**
 * Chooses the advice for a refusal by the service's error code and the facts in its message.
 *
 * The service documents no list of its messages: those below were quoted by its users. They are matched
 * loosely, and the message itself is always shown beside the advice.
 */
import type { ServiceErrorCode } from '../errors.js';

/** The advice for a response that is not the service's. */
export const NOT_THE_SERVICE =
  'check the endpoint: a proxy or another server may have answered instead of IAM Roles Anywhere';

export interface Refusal {
  readonly code: ServiceErrorCode;
  /** The service's name for the error, such as `AccessDeniedException`. */
  readonly type: string | undefined;
  /** The service's message. */
  readonly text: string | undefined;
  /** Whether this machine's clock differs from the service's by more than a signature may. */
  readonly hasSkew: boolean;
  /** The certificate that was sent, to name the values of attributes that the message only names. */
  readonly certificate?: { readonly subject: string; readonly issuer: string } | undefined;
}

const UNMAPPED = 'Some attributes failed to be mapped into session tags.';

/** The first text that the message contains counts. */
const DENIALS: ReadonlyArray<readonly [text: string, advice: string]> = [
  [
    'Untrusted signing certificate',
    'the trust anchor must hold the CA that issued the certificate; give the CAs between the two as ' +
      'intermediates',
  ],
  [
    'Insufficient certificate',
    'the certificate must have keyUsage digitalSignature, must not be a CA, and its signature and ' +
      'critical extensions must be of kinds that the service knows',
  ],
  [
    'DurationSeconds exceeds',
    'ask for a shorter session duration, or raise the MaxSessionDuration of the role',
  ],
  ['roleSessionName', 'leave out the role session name, or set acceptRoleSessionName on the profile'],
  [
    'Unable to assume role',
    'the role must be listed in the profile, and its trust policy must allow ' +
      'rolesanywhere.amazonaws.com sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity under ' +
      'conditions that the certificate meets',
  ],
  [
    'Invalid signature',
    'a proxy that alters requests or a wrong clock causes this; the debug log shows what was signed',
  ],
];

export function adviceFor({ code, type, text = '', hasSkew, certificate }: Refusal): string | undefined {
  if (code === 'ERR_SERVICE_THROTTLED') {
    return 'the service takes 10 sessions a second of an account and region: start fewer programs at once';
  }
  if (code === 'ERR_SERVICE_FAILED') return 'this is a failure of the service: try again later';
  if (hasSkew) return 'set the clock of this machine (NTP)';
  if (type === 'ResourceNotFoundException') {
    return 'check that trust anchor and profile exist in this account and region, and are enabled';
  }
  if (text.includes(UNMAPPED)) return unmappedAdvice(text, certificate);
  return DENIALS.find(([part]) => text.includes(part))?.[1];
}

/** The text of a known denial that a message contains. */
export function denialIn(message: string): string | undefined {
  return DENIALS.find(([part]) => message.includes(part))?.[0];
}

/** The lists of an unmapped message, and the certificate field of the mapping that each stands for. */
const FIELDS = { Issuer: 'x509Issuer', Subject: 'x509Subject', SAN: 'x509SAN' } as const;

type List = keyof typeof FIELDS;

/** The attribute that the example mapping keeps: the first one that did not fail. */
const SPECIFIERS: Readonly<Record<List, readonly string[]>> = {
  Issuer: ['CN', 'O', 'OU'],
  Subject: ['CN', 'OU', 'O'],
  SAN: ['DNS', 'URI'],
};

/**
 * The service names the attributes that it could not map: `Issuer: [ O ]; Subject: [ CN, OU ]; SAN: [ DNS/2
 * ]`. Values of tags may only have letters, digits, spaces and `_ . : / = + - @ *`, and at most 256 of them.
 * Their values are known from the certificate.
 */
function unmappedAdvice(text: string, certificate: Refusal['certificate']): string {
  const names = { Issuer: certificate?.issuer, Subject: certificate?.subject, SAN: undefined };
  const lists = (Object.keys(FIELDS) as List[]).filter((list) => attributesIn(text, list).length > 0);
  const found = lists.flatMap((list) =>
    attributesIn(text, list).map((attribute) => {
      const value = attributeValue(names[list], attribute);
      return `${list} ${attribute}${value === undefined ? '' : ` "${value}"`}`;
    }),
  );
  const [list = 'Subject'] = lists;
  const field = FIELDS[list];
  // `DNS/2` is the second name that the specifier DNS maps.
  const failed = attributesIn(text, list).map((attribute) => attribute.split('/')[0]);
  const kept = SPECIFIERS[list].find((specifier) => !failed.includes(specifier)) ?? 'ATTRIBUTE';
  const command = (operation: string): string =>
    `aws rolesanywhere ${operation} --profile-id PROFILE_ID --certificate-field ${field}`;
  return [
    `${found.join(', ') || 'an attribute of the certificate'} cannot be a session tag, which has ` +
      'letters, digits, spaces and _.:/=+-@* only, at most 256',
    `map only the attributes that conditions use: ${command('put-attribute-mapping')} --mapping-rules ` +
      `specifier=${kept}`,
    `or none: ${command('delete-attribute-mapping')}`,
  ].join('; ');
}

function attributesIn(text: string, list: List): string[] {
  const [, behind = ''] = text.split(`${list}: [`);
  const [inside = ''] = behind.split(']');
  return inside
    .split(',')
    .map((attribute) => attribute.trim())
    .filter((attribute) => attribute !== '');
}

/** @param name as `Certificate.subject` writes it: `O=Example, CN=host` */
function attributeValue(name: string | undefined, attribute: string): string | undefined {
  const start = `, ${name ?? ''}`.indexOf(`, ${attribute}=`);
  if (name === undefined || start === -1) return undefined;
  const value = name.slice(start + attribute.length + 1);
  // A value may have a comma itself: the next attribute is one with a name and an equals sign.
  const next = value.search(/, [A-Za-z0-9.]{1,40}=/);
  return next === -1 ? value : value.slice(0, next);
}
