/** Formats the output of `serve` on stdout: shell commands that point programs to the credentials. */
import { resolve } from 'node:path';
import { isLoopback } from '../../options/loopback.js';
import type { Listener } from './listen.js';
import type { Places } from './places.js';
import { hasImds } from './places.js';
import { CONTAINER_PATH, PROCESS_PATH } from './routes.js';

/**
 * @param region boto3, the AWS CLI and the SDK for Go do not read it from IMDS, or not if a container
 * endpoint is set
 * @param isLocal whether clients on this machine alone reach the address
 */
export function formatInstructions(
  { addresses: [bound = ''] }: Pick<Listener, 'addresses'>,
  places: Places,
  { region, isLocal }: { readonly region: string; readonly isLocal: boolean },
): string {
  const { socket, tokenFile, tokenHeaderFile } = places;
  if (socket !== undefined) {
    const path = resolve(socket);
    return [
      `curl --unix-socket ${shellQuoted(path)} http://localhost${CONTAINER_PATH}`,
      ...processLine(`--unix-socket "${path}" http://localhost`),
      '',
    ].join('\n');
  }
  const address = bound.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  const imds =
    hasImds(places) && (isLocal || isLoopback(new URL(address).hostname))
      ? [`export AWS_EC2_METADATA_SERVICE_ENDPOINT=${address}/`]
      : [];
  const container =
    tokenFile === undefined
      ? []
      : [
          ...(imds.length > 0 ? ['# or, for programs that do not ask EC2:'] : []),
          `export AWS_CONTAINER_CREDENTIALS_FULL_URI=${address}${CONTAINER_PATH}`,
          `export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=${shellQuoted(resolve(tokenFile))}`,
        ];
  const inConfig =
    tokenHeaderFile === undefined ? [] : processLine(`-H "@${resolve(tokenHeaderFile)}" ${address}`);
  return [
    `export AWS_REGION=${region} AWS_DEFAULT_REGION=${region}`,
    ...imds,
    ...container,
    ...inConfig,
    '',
  ].join('\n');
}

/** @param where arguments of curl, and the address that the path follows */
function processLine(where: string): string[] {
  return [
    '# or in ~/.aws/config, without Node.js:',
    `# credential_process = curl -sf ${where}${PROCESS_PATH}`,
  ];
}

/** Quoted for a POSIX shell. */
function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
