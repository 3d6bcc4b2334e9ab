/**
 * Checks that the listening options of `serve` do not expose credentials, and describes who can read them.
 */
import { OptionError, OutputError } from '../../errors.js';
import type { Neighbourhood } from './peer.js';

/** The options that decide where credentials are served, and to whom. */
export interface Places {
  readonly bind: string | undefined;
  readonly socket: string | undefined;
  readonly socketMode: string;
  readonly tokenFile: string | undefined;
  readonly tokenHeaderFile: string | undefined;
  readonly metricsTokenFile: string | undefined;
  readonly imds: boolean;
  readonly hopLimit: number;
}

const DEFAULT_MODE = '0600';
const DEFAULT_HOP_LIMIT = 64;

/**
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT`
 * @throws OutputError `ERR_LISTEN`: the machine does not have the address
 */
export function checkPlaces(places: Places, neighbourhood: Neighbourhood): void {
  const { bind, socket, socketMode, tokenFile, tokenHeaderFile, metricsTokenFile } = places;
  if (socket === undefined && socketMode !== DEFAULT_MODE) {
    throw new OptionError('ERR_OPTION_MISSING', '--socket-mode needs --socket');
  }
  if (tokenHeaderFile !== undefined && tokenFile === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', '--token-header-file needs --token-file');
  }
  if (metricsTokenFile !== undefined && metricsTokenFile === tokenFile) {
    throw new OptionError('ERR_OPTION_CONFLICT', '--metrics-token-file and --token-file must be two files');
  }
  if (bind === undefined) return;
  if (socket !== undefined) {
    throw new OptionError('ERR_OPTION_CONFLICT', '--bind and --socket exclude each other');
  }
  checkBind(bind, places, neighbourhood);
}

function checkBind(bind: string, { tokenFile, hopLimit }: Places, neighbourhood: Neighbourhood): void {
  const reach = neighbourhood.reachOf(bind);
  if (reach === undefined) {
    throw new OptionError('ERR_OPTION_INVALID', '--bind must be an IP address, such as 127.0.0.1 or 0.0.0.0');
  }
  if (reach === 'local') return;
  if (tokenFile === undefined) {
    if (!isAnyAddress(bind) && !neighbourhood.isOwn(bind)) throw absent(bind);
    throw new OptionError(
      'ERR_OPTION_MISSING',
      `--bind ${bind} needs --token-file: other hosts can reach that address, and must show the token`,
    );
  }
  if (hopLimit !== DEFAULT_HOP_LIMIT) {
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `--hop-limit must be ${DEFAULT_HOP_LIMIT} off loopback, found ${hopLimit}: ` +
        'Node.js cannot set the IP TTL of TCP answers',
    );
  }
}

/** With a token file, IMDS is off: it has no secret that separates the users of this machine. */
export function hasImds({ socket, tokenFile, imds }: Places): boolean {
  return socket !== undefined || tokenFile === undefined || imds;
}

/** For the log: the users who can read credentials, and the addresses. */
export function readersOf(places: Places): { readonly imds: string; readonly credentials: string } {
  const { socket, socketMode, tokenFile } = places;
  if (socket !== undefined) {
    const user = 'the user of this process';
    const readers = socketMode.endsWith('660') ? `${user}, and its group` : user;
    return { imds: readers, credentials: readers };
  }
  return {
    imds: hasImds(places) ? 'every user of this machine' : 'off',
    credentials: tokenFile === undefined ? 'off' : `every reader of ${tokenFile}`,
  };
}

function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function absent(address: string): OutputError {
  const prefix = address.includes(':') ? 128 : 32;
  return new OutputError('ERR_LISTEN', `cannot listen on ${address}: this machine has no such address`, {
    hint: `to serve it on this machine alone: ip addr add ${address}/${prefix} dev lo`,
  });
}
