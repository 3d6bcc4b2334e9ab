/**
 * ARN text in, its parts out. The shapes are those of the CreateSession members (rolesanywhere and IAM models,
 * 1 to 1011 characters), a little stricter than the service's own patterns: a region, an account of 12 digits
 * and a resource id must be there, since without them no request could succeed.
 */
import { OptionError, quote } from '../errors.js';

/** Which kind of ARN an option takes. */
export type ArnKind = 'trust-anchor' | 'profile' | 'role';

export interface Arn {
  readonly partition: string;
  /** Empty for roles: IAM is global. */
  readonly region: string;
  /** 12 digits. */
  readonly accountId: string;
}

/** A region's name, as in `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. */
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
 * @param label how the caller knows the option: a flag or a property name
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseArn(text: string, kind: ArnKind, label: string): Arn {
  const { pattern, example } = SHAPES[kind];
  const match = text.length <= 1011 ? pattern.exec(text) : null;
  if (match === null) {
    throw new OptionError('ERR_OPTION_INVALID', `${label} must look like ${example}, found ${quote(text)}`);
  }
  const [, partition = '', region = '', accountId = ''] = match;
  return { partition, region, accountId };
}
