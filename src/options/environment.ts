/**
 * The one place of the library that looks at `process`: the environment is the default where a caller hands none
 * in, since AWS users expect `AWS_CA_BUNDLE` and `HTTPS_PROXY` to be heard in programs too.
 */
import type { Environment } from './choose-values.js';

export function ambientEnvironment(): Environment {
  return process.env;
}
