/**
 * Finds keys that give a profile credentials. Programs use those of the profile `default` before a container
 * endpoint, and most of them before `credential_process` in the same profile.
 *
 * Source: "Standardized credential providers" (AWS SDKs and Tools reference), the order of the chain.
 */
import { RolesAnywhereError } from '../../errors.js';
import { readAwsFile } from '../../files/read-file.js';
import type { Environment } from '../../options/choose-values.js';
import type { Section } from './aws-config.js';
import { parseSections, sectionsOf } from './aws-config.js';
import { awsConfigPath, sharedCredentialsPath } from './aws-paths.js';

const PROCESS = 'credential_process';

const KEYS: readonly string[] = [
  ...['aws_access_key_id', PROCESS, 'role_arn', 'web_identity_token_file'],
  ...['sso_session', 'sso_start_url', 'login_session'],
];

/**
 * @param ignoresProcess whether `credential_process` in the config file does not count
 * @returns the key and the file; undefined if there is none. Broken files have none.
 */
export async function findProfileCredentials(
  env: Environment,
  profile: string,
  { ignoresProcess = false } = {},
): Promise<string | undefined> {
  const files = [
    [sharedCredentialsPath(env), 'credentials'],
    [awsConfigPath(env), 'config'],
  ] as const;
  for (const [path, kind] of files) {
    const section = await readProfile(path, kind, profile);
    const keys = ignoresProcess && kind === 'config' ? KEYS.filter((key) => key !== PROCESS) : KEYS;
    const found = keys.find((key) => section?.has(key));
    if (found !== undefined) return `${found} in ${path}`;
  }
  return undefined;
}

async function readProfile(
  path: string,
  kind: 'config' | 'credentials',
  profile: string,
): Promise<Section | undefined> {
  try {
    const file = await readAwsFile(path, path);
    if (file === undefined) return undefined;
    const sections = parseSections(file.text, path);
    return (kind === 'config' ? sectionsOf(sections, 'profile') : sections).get(profile);
  } catch (error) {
    if (error instanceof RolesAnywhereError) return undefined;
    throw error;
  }
}
