/**
 * Makes the login data for the AWS auth method of HashiCorp Vault and OpenBao, type iam: a signed
 * GetCallerIdentity request, which the server sends to STS to learn who signed it. Nothing is sent here.
 *
 * Source: "AWS auth method" and its API page in the documentation of Vault.
 */
import { OptionError } from '../errors.js';
import { REGION_KIND } from '../options/kinds.js';
import type { OptionKind } from '../options/option-spec.js';
import type { Partition } from '../options/partition.js';
import { partitionOfArn } from '../options/partition.js';
import { parseValue } from '../options/values.js';
import { globalStsEndpoint, parseEndpoint, stsEndpointForRegion, stsRegionOf } from '../session/endpoint.js';
import { createStsRequest } from '../session/sts/call-sts.js';
import type { AccessKey } from '../signing/sign-with-access-key.js';

export interface VaultLoginOptions {
  /** Role of the auth method. Default: the server uses the name of the IAM role. */
  readonly role?: string | undefined;
  /** Value of the header `X-Vault-AWS-IAM-Server-ID`, if the server's `iam_server_id_header_value` is set. */
  readonly serverIdHeaderValue?: string | undefined;
  /** The server's `sts_endpoint`. Default: by region. */
  readonly stsEndpoint?: string | undefined;
  /** The server's `sts_region`. Default: that of the endpoint, else us-east-1 with the global STS. */
  readonly stsRegion?: string | undefined;
  /** The clock. Default: the system's. */
  readonly now?: (() => Date) | undefined;
}

/** The data for `vault write auth/aws/login`. Secret: anyone who has them can log in for 15 minutes. */
export interface VaultLoginData {
  readonly role?: string;
  /** `POST`. */
  readonly iam_http_request_method: string;
  /** Base64, as the two below. */
  readonly iam_request_url: string;
  readonly iam_request_body: string;
  /** JSON of names and lists of values. */
  readonly iam_request_headers: string;
}

/** A value of a header: printable ASCII without surrounding spaces. */
export const SERVER_ID_KIND = {
  type: 'pattern',
  pattern: /^[!-~](?:[ -~]{0,1000}[!-~])?$/,
  rule: 'printable ASCII',
} as const satisfies OptionKind;

/**
 * @param credentials of a session; its `roleArn` tells the partition, default `aws`
 * @throws OptionError `ERR_OPTION_INVALID`
 * @example
 * const session = await createSession(options);
 * const data = await createVaultLoginData(session, { role: 'backup' });
 */
export async function createVaultLoginData(
  credentials: AccessKey & { readonly roleArn?: string },
  { role, serverIdHeaderValue, stsEndpoint, stsRegion, now = () => new Date() }: VaultLoginOptions = {},
): Promise<VaultLoginData> {
  const serverId = parseValue(serverIdHeaderValue, SERVER_ID_KIND, 'serverIdHeaderValue');
  const partition = partitionOfArn(credentials.roleArn ?? '');
  const { endpoint, region } = stsFor(partition, stsEndpoint, stsRegion);
  const { headers, ...request } = createStsRequest(endpoint, 'GetCallerIdentity', {});
  const unsigned = {
    ...request,
    headers: {
      'content-type': headers['content-type'] ?? '',
      ...(typeof serverId === 'string' && { 'x-vault-aws-iam-server-id': serverId }),
    },
  };
  const { signWithAccessKey } = await import('../signing/sign-with-access-key.js');
  const signed = await signWithAccessKey(unsigned, credentials, { service: 'sts', region, date: now() });
  const lists = Object.entries(signed.headers).map(([name, value]) => [name, [value]]);
  return {
    ...(role && { role }),
    iam_http_request_method: signed.method,
    iam_request_url: base64(`${endpoint.origin}${signed.path}`),
    iam_request_body: base64(signed.body),
    iam_request_headers: base64(JSON.stringify(Object.fromEntries(lists))),
  };
}

/** The endpoint to which the server will send the request, and the region to sign for. */
function stsFor(
  partition: Partition,
  stsEndpoint: string | undefined,
  stsRegion: string | undefined,
): { endpoint: URL; region: string } {
  const given = parseValue(stsRegion, REGION_KIND, 'stsRegion');
  const region = typeof given === 'string' ? given : partition.globalRegion;
  if (stsEndpoint) {
    const endpoint = parseEndpoint(stsEndpoint, 'stsEndpoint');
    const named = stsRegionOf(endpoint, region);
    if (typeof given === 'string' && named !== given) {
      throw new OptionError(
        'ERR_OPTION_CONFLICT',
        `stsRegion ${given} and stsEndpoint ${endpoint.host}, which is in ${named}, exclude each other`,
      );
    }
    return { endpoint, region: named };
  }
  const variant = { useFipsEndpoint: false, useDualstackEndpoint: false };
  const isGlobal = region === partition.globalRegion;
  return {
    endpoint: isGlobal ? globalStsEndpoint(partition) : stsEndpointForRegion(region, variant),
    region,
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
