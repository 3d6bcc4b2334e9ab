/**
 * The paths of the user's AWS files.
 *
 * Source: "Location of the shared files" (AWS SDKs and Tools reference).
 */
import { join } from 'node:path';
import { expandHome } from '../../files/home.js';
import type { Environment } from '../../options/choose-values.js';

/** `AWS_CONFIG_FILE`, else `~/.aws/config`. */
export function awsConfigPath(env: Environment): string {
  return expandHome(env['AWS_CONFIG_FILE'] || join('~', '.aws', 'config'), env);
}

/** `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`. */
export function sharedCredentialsPath(env: Environment): string {
  return expandHome(env['AWS_SHARED_CREDENTIALS_FILE'] || join('~', '.aws', 'credentials'), env);
}
