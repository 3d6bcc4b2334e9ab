/**
 * Builds the environment of a child process: without the secrets of this program, which the child does not
 * need.
 */
import type { Environment } from './choose-values.js';

const SECRET = /^ROLESANYWHERE_.*(PASSWORD|PASSPHRASE|PIN|TOKEN)|^AWS_(SECRET_ACCESS_KEY|SESSION_TOKEN)$/;

export function childEnvironment(env: Environment): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRET.test(name)));
}
