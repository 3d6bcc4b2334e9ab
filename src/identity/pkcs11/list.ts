/** Lists what the tokens of a PKCS#11 module hold, each object with the URI that names it. */
import { IdentityError } from '../../errors.js';
import { ambientEnvironment } from '../../options/environment.js';
import { lookAt } from './ask-token.js';
import type { TokenInfo, TokenObjects } from './messages.js';
import type { Pkcs11Module } from './module.js';
import { openModule } from './open-module.js';
import type { LoginOptions } from './pin.js';
import { pinOf, wantsLogin } from './pin.js';
import { matchObjects, matchTokens } from './select.js';
import { uriOf } from './token-key.js';
import { parsePkcs11Uri } from './uri.js';

export interface ListOptions {
  /** A path, or a name that the dynamic linker finds. Default: as `pkcs11Module` of an identity. */
  readonly module: string | undefined;
  /** The objects to list. Default: everything. */
  readonly uri?: { readonly text: string; readonly label: string } | undefined;
  /** Default: that of the URI. */
  readonly pin: string | undefined;
  /** Asks a person for the PIN of each token. Without it and without a PIN, nothing logs in. */
  readonly askPin?: LoginOptions['pin'] | undefined;
  readonly notify: LoginOptions['notify'];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface ListedObject {
  readonly uri: string;
  /** CKA_LABEL. */
  readonly label: string;
}

export interface ListedToken {
  readonly label: string;
  readonly model: string;
  readonly manufacturer: string;
  readonly serial: string;
  readonly certificates: ReadonlyArray<ListedObject & { readonly der: Buffer }>;
  /** Private keys show themselves after a login only. */
  readonly keys: ReadonlyArray<ListedObject & { readonly type: 'RSA' | 'EC' }>;
  /** Why there was no login; the objects are then those that the token shows to everybody. */
  readonly failure: IdentityError | undefined;
}

/** @throws IdentityError `ERR_PKCS11_…` */
export async function listTokens(options: ListOptions): Promise<readonly ListedToken[]> {
  const { text, label: uriLabel } = options.uri ?? { text: 'pkcs11:', label: '' };
  const uri = parsePkcs11Uri(text, uriLabel);
  const module = openModule(options.module, uri, options.env ?? ambientEnvironment());
  const tokens = matchTokens(await module.ask('tokens', {}), uri);
  const pin = options.pin ?? (await pinOf(uri));
  const login = loginFor(tokens, pin, options);
  const listed: ListedToken[] = [];
  // One after the other: each may ask for its PIN.
  for (const token of tokens) {
    const { label, model, manufacturer, serial } = token;
    const { objects, failure } = await lookInto(token, module, login);
    const describe = (object: { readonly id: string; readonly label: string }, type: 'cert' | 'private') => ({
      uri: uriOf(token, object, type),
      label: Buffer.from(object.label, 'base64').toString(),
    });
    listed.push({
      ...{ label, model, manufacturer, serial, failure },
      certificates: matchObjects(objects.certificates, uri).map((object) => ({
        ...describe(object, 'cert'),
        der: Buffer.from(object.value, 'base64'),
      })),
      keys: matchObjects(objects.keys, uri).map((object) => ({
        ...describe(object, 'private'),
        type: object.type,
      })),
    });
  }
  module.close();
  return listed;
}

/** A PIN that is given belongs to one token: tried on all of them, it would lock the others. */
function loginFor(
  tokens: readonly TokenInfo[],
  pin: string | undefined,
  { askPin, notify }: ListOptions,
): LoginOptions | undefined {
  if (pin === undefined) return askPin && { pin: askPin, notify };
  const locked = tokens.filter(wantsLogin);
  if (locked.length <= 1) return { pin: async () => pin, isPinGiven: true, notify };
  notify(
    `the PIN is tried on no token, since ${locked.length} tokens require one: name one of them by its URI, ` +
      'such as pkcs11:token=LABEL',
  );
  return undefined;
}

/** With a login, where one is wanted; else, and if it fails, what the token shows to everybody. */
async function lookInto(
  token: TokenInfo,
  module: Pkcs11Module,
  login: LoginOptions | undefined,
): Promise<{ readonly objects: TokenObjects; readonly failure: IdentityError | undefined }> {
  const notify = login?.notify ?? (() => undefined);
  const nobody: LoginOptions = { pin: async () => undefined, notify };
  if (login === undefined)
    return { objects: await lookAt(token, false, { ...nobody, module }), failure: undefined };
  try {
    return { objects: await lookAt(token, true, { ...login, module }), failure: undefined };
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'ERR_PKCS11_PIN') throw error;
    return { objects: await lookAt(token, false, { ...nobody, module }), failure: error };
  }
}
