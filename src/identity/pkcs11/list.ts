/** Lists what the tokens of a PKCS#11 module hold, each object with the URI that names it. */
import { ambientEnvironment } from '../../options/environment.js';
import { openModule } from './open-module.js';
import type { LoginOptions } from './pin.js';
import { matchObjects, matchTokens } from './select.js';
import { lookAt } from './token-key.js';
import { formatPkcs11Uri, parsePkcs11Uri } from './uri.js';

export interface ListOptions extends LoginOptions {
  /** A path, or a name that the dynamic linker finds. Default: as `pkcs11Module` of an identity. */
  readonly module: string | undefined;
  /** What to list. Default: everything. */
  readonly uri?: string | undefined;
  /** Private keys show themselves after a login only. */
  readonly logsIn: boolean;
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
  readonly keys: ReadonlyArray<ListedObject & { readonly type: 'RSA' | 'EC' }>;
}

/** @throws IdentityError `ERR_PKCS11_…` */
export async function listTokens(options: ListOptions): Promise<readonly ListedToken[]> {
  const uri = parsePkcs11Uri(options.uri ?? 'pkcs11:', '--certificate');
  const module = openModule(options.module, uri, options.env ?? ambientEnvironment());
  const info = await module.ask('tokens', {});
  const listed: ListedToken[] = [];
  // One after the other: each may ask for its PIN.
  for (const token of matchTokens(info, uri)) {
    const { label, model, manufacturer, serial } = token;
    const { certificates, keys } = await lookAt(token, options.logsIn, { ...options, module });
    const describe = (type: 'cert' | 'private', object: { readonly id: string; readonly label: string }) => {
      const id = Buffer.from(object.id, 'base64');
      const name = Buffer.from(object.label, 'base64').toString();
      return { uri: formatPkcs11Uri({ token: label, serial, id, object: name, type }), label: name };
    };
    listed.push({
      ...{ label, model, manufacturer, serial },
      certificates: matchObjects(certificates, uri).map((object) => ({
        ...describe('cert', object),
        der: Buffer.from(object.value, 'base64'),
      })),
      keys: matchObjects(keys, uri).map((object) => ({ ...describe('private', object), type: object.type })),
    });
  }
  module.close();
  return listed;
}
