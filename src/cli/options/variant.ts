/**
 * The chosen options of a session and what is different for one more role in, the options of that role out: the roles that
 * `serve` has besides the first one.
 */
import { OptionError, quote } from '../../errors.js';
import type { ChosenValue, ChosenValues } from '../../options/choose-values.js';
import { nearest, readValue } from '../../options/values.js';
import { SESSION_OPTIONS } from '../../session/session-options.js';

/** What may differ from role to role: certificate and network are the machine's. */
const VARIABLE = [
  'roleArn',
  'profileArn',
  'trustAnchorArn',
  'region',
  'durationSeconds',
  'roleSessionName',
] as const;

/**
 * @param changes values by flag, without its dashes
 * @param subject how messages call the role
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 */
export function changeOptions<Name extends string>(
  chosen: ChosenValues<Name>,
  changes: unknown,
  subject: string,
): ChosenValues<Name> {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw new OptionError('ERR_OPTION_INVALID', `${subject} must be a JSON object of flags and values`);
  }
  const flags: string[] = VARIABLE.map((name) => SESSION_OPTIONS[name].flag);
  const changed: Record<string, ChosenValue> = {};
  for (const [flag, raw] of Object.entries(changes)) {
    const name = VARIABLE[flags.indexOf(flag)];
    if (name === undefined) {
      throw new OptionError(
        'ERR_OPTION_UNKNOWN',
        `unknown option ${quote(flag)} in ${subject}, which may have ${flags.join(', ')}${nearest(flag, flags)}`,
      );
    }
    const label = `"${flag}" in ${subject}`;
    changed[name] = { value: readValue(raw, SESSION_OPTIONS[name], label), label, origin: 'caller' };
  }
  return { ...chosen, ...changed };
}
