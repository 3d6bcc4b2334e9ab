/** The lines about the ARNs: their shape, and whether account, region and partition agree. */
import { isRolesAnywhereError, OptionError } from '../../errors.js';
import type { Arn } from '../../options/arn.js';
import { assertNotSwapped, parseArn } from '../../options/arn.js';
import type { Choice, Choices } from '../../options/choose-values.js';
import { partitionOf } from '../../options/partition.js';
import type { Line } from './line.js';
import { failed, ok, skipped, warned } from './line.js';

const KINDS = [
  ['trustAnchorArn', 'trust-anchor', 'trust anchor ARN'],
  ['profileArn', 'profile', 'profile ARN'],
  ['roleArn', 'role', 'role ARN'],
] as const;

type ArnChoices = Choices<'trustAnchorArn' | 'profileArn' | 'roleArn' | 'region'>;

/** @param isOffline without ARNs nothing is sent, hence none are needed */
export function arnLines(choices: ArnChoices, isOffline: boolean): Line[] {
  if (isOffline && KINDS.every(([name]) => choices[name].value === undefined)) {
    return [skipped('ARNs', 'none are given')];
  }
  const swap = errorOf(() =>
    assertNotSwapped(
      KINDS.map(([name, kind]) => ({ text: textOf(choices[name]), kind, label: choices[name].label })),
    ),
  );
  if (swap !== undefined) return [failed('ARNs', swap)];
  const found = KINDS.map(([name, kind, what]) => {
    const { label } = choices[name];
    const text = textOf(choices[name]);
    if (text === '') return { what, error: missing(label) };
    const error = errorOf(() => parseArn(text, kind, label));
    return error === undefined ? { what, text, arn: parseArn(text, kind, label) } : { what, error };
  });
  const lines = found.map((one) =>
    one.error === undefined ? ok(one.what, one.text) : failed(one.what, one.error),
  );
  const arns = found.flatMap((one) => (one.error === undefined ? [one.arn] : []));
  const [anchor, profile, role] = arns;
  if (anchor === undefined || profile === undefined || role === undefined) return lines;
  return [...lines, regionLine(anchor, profile, choices.region), accountLine(arns), partitionLine(arns)];
}

function textOf({ value }: Choice): string {
  return typeof value === 'string' ? value : '';
}

function missing(label: string): OptionError {
  return new OptionError('ERR_OPTION_MISSING', `missing ${label}`, {
    hint: 'the pages of trust anchor and profile in the Roles Anywhere console show their ARNs',
  });
}

function errorOf(work: () => unknown): OptionError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isRolesAnywhereError(error)) return new OptionError('ERR_OPTION_INVALID', error.message, error);
    throw error;
  }
}

function regionLine(anchor: Arn, profile: Arn, { value, label }: Choice): Line {
  if (anchor.region !== profile.region) {
    const found = `${anchor.region} and ${profile.region}`;
    const message = `trust anchor and profile must be in one region, found ${found}`;
    return failed('region', new OptionError('ERR_OPTION_CONFLICT', message), [
      `make the profile in ${anchor.region}, or take a trust anchor of ${profile.region}`,
    ]);
  }
  if (typeof value === 'string' && value !== anchor.region) {
    const message = `${label} is ${value}, trust anchor and profile are in ${anchor.region}`;
    return warned('region', message, `leave out ${label}: the trust anchor's region is the default`);
  }
  return ok('region', anchor.region);
}

function accountLine(arns: readonly Arn[]): Line {
  const [anchor, profile, role] = arns.map(({ accountId }) => accountId);
  if (anchor === profile && profile === role) return ok('account', `${anchor}`);
  const found = `trust anchor ${anchor}, profile ${profile}, role ${role}`;
  return warned(
    'account',
    found,
    'trust anchor, profile and role belong to one account; for a role elsewhere assume it from this role',
  );
}

function partitionLine(arns: readonly Arn[]): Line {
  const [anchor] = arns;
  const partitions = [...new Set(arns.map(({ partition }) => partition))];
  const expected = partitionOf(anchor?.region ?? '').name;
  if (partitions.length === 1 && partitions[0] === expected) return ok('partition', expected);
  const found = partitions.join(' and ');
  const message = `region ${anchor?.region} is in partition ${expected}, found ${found}`;
  return failed('partition', new OptionError('ERR_OPTION_CONFLICT', message), [
    `the ARNs must begin with arn:${expected}: ; copy them from the console`,
  ]);
}
