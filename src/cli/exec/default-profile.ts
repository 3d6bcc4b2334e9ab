/**
 * Finds credentials in the profile `default`, which programs take before they ask a container endpoint.
 *
 * Source: "Standardized credential providers" (AWS SDKs and Tools reference), the order of the chain.
 */
import { RolesAnywhereError } from '../../errors.js';
import { readAwsFile } from '../../files/read-file.js';
import type { Environment } from '../../options/choose-values.js';
import type { Section } from '../options/aws-config.js';
import { parseSections, sectionsOf } from '../options/aws-config.js';
import { awsConfigPath, sharedCredentialsPath } from '../options/aws-paths.js';

const GIVES_CREDENTIALS: ReadonlySet<string> = new Set([
  ...['aws_access_key_id', 'credential_process', 'role_arn', 'web_identity_token_file'],
  ...['sso_session', 'sso_start_url', 'login_session'],
]);

/** The key and the file of such credentials; undefined if there are none. Broken files give none. */
export async function findDefaultCredentials(env: Environment): Promise<string | undefined> {
  const files = [
    [sharedCredentialsPath(env), 'credentials'],
    [awsConfigPath(env), 'config'],
  ] as const;
  for (const [path, kind] of files) {
    const profile = await readDefault(path, kind);
    const key = [...(profile?.keys() ?? [])].find((name) => GIVES_CREDENTIALS.has(name));
    if (key !== undefined) return `${key} in ${path}`;
  }
  return undefined;
}

async function readDefault(path: string, kind: 'config' | 'credentials'): Promise<Section | undefined> {
  try {
    const file = await readAwsFile(path, path);
    if (file === undefined) return undefined;
    const sections = parseSections(file.text, path);
    return kind === 'config' ? sectionsOf(sections, 'profile').get('default') : sections.get('default');
  } catch (error) {
    if (error instanceof RolesAnywhereError) return undefined;
    throw error;
  }
}
