/** Changes the options of a session to those of another role, for the further roles that `serve` has. */
import { OptionError, quote } from '../../errors.js';
import type { Choice, Choices } from '../../options/choose-values.js';
import { nearest, parseValue } from '../../options/values.js';
import { ALL_SESSION_FLAGS } from './session-flags.js';

/** Options that may differ from role to role. Certificate and network are the same for all. */
const VARIABLE = [
  'roleArn',
  'profileArn',
  'trustAnchorArn',
  'region',
  'durationSeconds',
  'roleSessionName',
  'instanceProperties',
  'assumeRoles',
] as const;

/**
 * @param changes values by flag, without the dashes
 * @param subject how messages name the role
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 */
export function changeRole<Name extends string>(
  choices: Choices<Name>,
  changes: unknown,
  subject: string,
): Choices<Name> {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw new OptionError('ERR_OPTION_INVALID', `${subject} must be a JSON object of flags and values`);
  }
  const flags: string[] = VARIABLE.map((name) => ALL_SESSION_FLAGS[name].flag);
  const changed: Record<string, Choice> = {};
  for (const [flag, raw] of Object.entries(changes)) {
    const name = VARIABLE[flags.indexOf(flag)];
    if (name === undefined) {
      throw new OptionError(
        'ERR_OPTION_UNKNOWN',
        `unknown option ${quote(flag)} in ${subject}, which may have ` +
          `${flags.join(', ')}${nearest(flag, flags)}`,
      );
    }
    const label = `"${flag}" in ${subject}`;
    changed[name] = { value: parseValue(raw, ALL_SESSION_FLAGS[name].kind, label), label, origin: 'caller' };
  }
  return { ...choices, ...changed };
}
