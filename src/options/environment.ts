/**
 * The one place of the library that uses `process`: the environment, which is the default where a caller passes none
 * (AWS users expect `AWS_CA_BUNDLE` and `HTTPS_PROXY` to count in programs too), and Node's own modules.
 */
import type { Environment } from './choose-values.js';

export function ambientEnvironment(): Environment {
  return process.env;
}

interface Builtins {
  'node:http': typeof import('node:http');
  'node:https': typeof import('node:https');
  'node:net': typeof import('node:net');
  'node:tls': typeof import('node:tls');
}

/**
 * A module of Node, when it is needed. On Node 24 `import('node:http')` takes 20 ms longer, since it also loads undici for
 * the names of its namespace; and no bundler resolves, hoists or replaces this.
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  return process.getBuiltinModule(name);
}
