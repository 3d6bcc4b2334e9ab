/**
 * The flags of role chaining: `--assume-role-arn`, once for each role, followed by the flags of that role.
 */
import { OptionError } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import type { Choice, Choices } from '../../options/choose-values.js';
import type { OptionKind } from '../../options/option-spec.js';
import { parseValue } from '../../options/values.js';
import { ASSUME_ROLE_KINDS, ROLE_SEPARATOR, SESSION_OPTIONS } from '../../session/session-options.js';
import type { Flags } from './flags.js';

const { externalId, durationSeconds, roleSessionName } = ASSUME_ROLE_KINDS;

/** JSON, or the file that holds it, as in the AWS CLI. */
const POLICY = {
  type: 'pattern',
  pattern: /^\s*\{|^file:\/\/./,
  rule: 'a JSON object or file://PATH',
} as const satisfies OptionKind;

/** The members of a role by flag, so that a configuration file has the names of the flags. */
const ROLE_KINDS = {
  'assume-role-arn': ASSUME_ROLE_KINDS.roleArn,
  'external-id': externalId,
  'assume-role-duration': durationSeconds,
  'assume-role-session-name': roleSessionName,
  'session-policy': POLICY,
} as const;

/** Names of the members in the library. */
const MEMBERS: Readonly<Record<string, keyof typeof ASSUME_ROLE_KINDS>> = {
  'assume-role-arn': 'roleArn',
  'external-id': 'externalId',
  'assume-role-duration': 'durationSeconds',
  'assume-role-session-name': 'roleSessionName',
  'session-policy': 'policy',
};

export const CHAIN_FLAGS = {
  assumeRoles: {
    flag: 'assume-role-arn',
    kind: { type: 'records', members: ROLE_KINDS, separator: ROLE_SEPARATOR },
    placeholder: 'ARN',
    help: 'role to assume with the session (role chaining); may be repeated, each followed by its own flags',
  },
  externalId: {
    flag: 'external-id',
    kind: externalId,
    memberOf: 'assumeRoles',
    placeholder: 'ID',
    help: 'external id for the --assume-role-arn before it',
  },
  assumeRoleDuration: {
    flag: 'assume-role-duration',
    kind: durationSeconds,
    memberOf: 'assumeRoles',
    placeholder: 'SECONDS',
    help: 'lifetime to request for the --assume-role-arn before it, 900 to 3600; without it, 3600',
  },
  assumeRoleSessionName: {
    flag: 'assume-role-session-name',
    kind: roleSessionName,
    memberOf: 'assumeRoles',
    placeholder: 'NAME',
    help: "session name for the --assume-role-arn before it; without it, the first session's",
  },
  sessionPolicy: {
    flag: 'session-policy',
    kind: POLICY,
    memberOf: 'assumeRoles',
    placeholder: 'JSON',
    help: 'policy that restricts the session of the --assume-role-arn before it: JSON, or file://PATH',
  },
  stsEndpoint: {
    ...SESSION_OPTIONS.stsEndpoint,
    flag: 'sts-endpoint',
    placeholder: 'URL',
    help: "STS endpoint, for --assume-role-arn; without it, the region's; http only to loopback",
  },
} as const satisfies Flags;

type RoleRecord = Readonly<Record<string, unknown>>;

/**
 * The roles of the chain, with the names of the library.
 *
 * @throws OptionError `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT`: a value of a role that is not known
 * @throws IdentityError `ERR_FILE_UNREADABLE`: the file of a session policy
 */
export async function readRoleChain(choices: Choices<keyof typeof CHAIN_FLAGS>): Promise<Choice> {
  const { assumeRoles } = choices;
  const names = Object.keys(CHAIN_FLAGS) as Array<keyof typeof CHAIN_FLAGS>;
  if (names.every((name) => choices[name].origin === 'default')) return assumeRoles;
  const roles = withLooseValues(recordsOf(assumeRoles), choices).map(async (role) => {
    const policy = role['session-policy'];
    if (typeof policy !== 'string' || !policy.startsWith('file://')) return role;
    const path = policy.slice('file://'.length);
    return { ...role, 'session-policy': (await readTextFile(path, `session policy ${path}`)).text };
  });
  return toLibraryNames({ ...assumeRoles, value: await Promise.all(roles) });
}

/**
 * Renames the members, and parses the policies; those that have the library's names stay.
 *
 * @throws OptionError `ERR_OPTION_INVALID`: a policy that is no JSON
 */
export function toLibraryNames(choice: Choice): Choice {
  const label = `session-policy of ${choice.label}`;
  const convert = (role: RoleRecord): RoleRecord =>
    Object.fromEntries(
      Object.entries(role).map(([name, value]) => [
        MEMBERS[name] ?? name,
        name === 'session-policy' ? parseValue(value, ASSUME_ROLE_KINDS.policy, label) : value,
      ]),
    );
  return { ...choice, value: recordsOf(choice).map(convert) };
}

function recordsOf({ value }: Choice): readonly RoleRecord[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Adds the values that variables and files give besides the ARN. Roles on the command line have their own
 * flags.
 */
function withLooseValues(
  roles: readonly RoleRecord[],
  choices: Choices<keyof typeof CHAIN_FLAGS>,
): readonly RoleRecord[] {
  const loose = Object.entries(CHAIN_FLAGS).flatMap(([name, flag]) => {
    const choice = choices[name as keyof typeof CHAIN_FLAGS];
    return 'memberOf' in flag && choice.origin !== 'default' ? [{ ...choice, flag: flag.flag }] : [];
  });
  const [first] = loose;
  if (first === undefined || choices.assumeRoles.origin === 'caller') return roles;
  if (roles.length === 0) {
    throw new OptionError('ERR_OPTION_MISSING', `${first.label} needs --assume-role-arn`);
  }
  if (roles.length > 1) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `${first.label} may belong to any of ${roles.length} roles`,
      {
        hint: 'write the list as objects: [{"assume-role-arn": "arn:…", "external-id": "…"}]',
      },
    );
  }
  const values = Object.fromEntries(loose.map(({ flag, value }) => [flag, value]));
  return roles.map((role) => ({ ...values, ...role }));
}
