/**
 * Parses the ARNs of CreateSession. The patterns are stricter than the service's (rolesanywhere and IAM
 * models, 1 to 1011 characters): region, account of 12 digits and resource id are required, because no
 * request succeeds without.
 */
import { OptionError, quote } from '../errors.js';

/** Kinds of ARNs that options take. */
export type ArnKind = 'trust-anchor' | 'profile' | 'role';

export interface Arn {
  readonly partition: string;
  /** Empty for roles: IAM is global. */
  readonly region: string;
  /** 12 digits. */
  readonly accountId: string;
}

/** The pattern of a region, such as `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const REGION = '[a-z]{2,5}(?:-[a-z]+)+-\\d{1,2}';

const SHAPES: Record<ArnKind, { readonly pattern: RegExp; readonly example: string }> = {
  'trust-anchor': {
    pattern: new RegExp(`^arn:(aws(?:-[a-z-]+)?):rolesanywhere:(${REGION}):(\\d{12}):trust-anchor/\\S+$`),
    example: 'arn:aws:rolesanywhere:<region>:<account>:trust-anchor/<id>',
  },
  profile: {
    pattern: new RegExp(`^arn:(aws(?:-[a-z-]+)?):rolesanywhere:(${REGION}):(\\d{12}):profile/\\S+$`),
    example: 'arn:aws:rolesanywhere:<region>:<account>:profile/<id>',
  },
  role: {
    pattern: /^arn:(aws(?:-[a-z-]+)?):iam:():(\d{12}):role\/\S+$/,
    example: 'arn:aws:iam::<account>:role/<name>',
  },
};

/**
 * @param label how messages name the option
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseArn(text: string, kind: ArnKind, label: string): Arn {
  const { pattern, example } = SHAPES[kind];
  const match = text.length <= 1011 ? pattern.exec(text) : null;
  if (match === null) {
    const other = kindOf(text);
    const found = other === undefined || other === kind ? '' : `the ARN of ${NAMES[other]}, `;
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `${label} must look like ${example}, found ${found}${quote(text)}`,
    );
  }
  const [, partition = '', region = '', accountId = ''] = match;
  return { partition, region, accountId };
}

/** Parses the ARNs of several options, and notices those that are swapped. @throws as `parseArn` */
export function parseArns(arns: readonly LabeledArn[]): Arn[] {
  try {
    return arns.map(({ text, kind, label }) => parseArn(text, kind, label));
  } catch (error) {
    assertNotSwapped(arns);
    throw error;
  }
}

const NAMES: Record<ArnKind, string> = {
  'trust-anchor': 'a trust anchor',
  profile: 'a profile',
  role: 'a role',
};

/** The kind of a valid ARN. */
function kindOf(text: string): ArnKind | undefined {
  return (Object.keys(SHAPES) as ArnKind[]).find((kind) => SHAPES[kind].pattern.test(text));
}

interface LabeledArn {
  readonly text: string;
  readonly kind: ArnKind;
  readonly label: string;
}

/**
 * Detects swapped ARNs: all are valid and each kind occurs once, but in the wrong option.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function assertNotSwapped(arns: readonly LabeledArn[]): void {
  const found = arns.map((arn) => ({ ...arn, found: kindOf(arn.text) }));
  const misplaced = found.filter((arn) => arn.found !== arn.kind);
  const isSwap = misplaced.every((arn) => misplaced.some((other) => other.found === arn.kind));
  if (misplaced.length < 2 || !isSwap) return;
  const fixes = misplaced.map((arn) => {
    const owner = misplaced.find((other) => other.kind === arn.found);
    return `the value of ${arn.label} belongs to ${owner?.label}`;
  });
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${misplaced.map(({ label }) => label).join(' and ')} are swapped`,
    { hint: fixes.join('; ') },
  );
}
