/**
 * The format of a seed: its type, and the check of a value from JSON for unknown members and wrong kinds.
 *
 * The operations that create the resources check the values.
 */

import { OptionError, quote } from '../../errors.js';
import { nearest } from '../../options/values.js';
import { Refusal } from '../wire/handler.js';
import type { Shape, ValueOf } from '../wire/shape.js';
import { findUnknownMembers, readShape } from '../wire/shape.js';

/** PEM texts, or paths of PEM files relative to the seed. */
type PemSources = string | readonly string[];

export interface Seed {
  readonly trustAnchors?: ReadonlyArray<{
    /** Unique: the ARN is derived from it. */
    readonly name: string;
    /** One or two CA certificates. */
    readonly certificates: PemSources;
    /** At most two revocation lists, enabled. */
    readonly crls?: PemSources;
    /** Default true. */
    readonly enabled?: boolean;
    readonly tags?: Readonly<Record<string, string>>;
  }>;
  readonly roles?: ReadonlyArray<{
    readonly name: string;
    /**
     * A policy, its JSON text, or the path of its file. Default: the user guide's, for the seed's trust
     * anchors.
     */
    readonly trustPolicy?: object | string;
    /** Default `/`. */
    readonly path?: string;
    readonly description?: string;
    /** 3600 to 43200 seconds. Default 3600. */
    readonly maxSessionDuration?: number;
    readonly tags?: Readonly<Record<string, string>>;
  }>;
  readonly profiles?: ReadonlyArray<{
    /** Unique: the ARN is derived from it. */
    readonly name: string;
    /** Names of roles in the seed, or ARNs. */
    readonly roles: readonly string[];
    /** Default true. */
    readonly enabled?: boolean;
    /** 900 to 43200 seconds. Default 3600. */
    readonly durationSeconds?: number;
    /** Default false. */
    readonly acceptRoleSessionName?: boolean;
    /** A policy, or its JSON text. */
    readonly sessionPolicy?: object | string;
    readonly managedPolicyArns?: readonly string[];
    /** Specifiers by certificate field, instead of the default ones: `{ "x509Subject": ["CN", "OU"] }`. */
    readonly attributeMappings?: Readonly<
      Partial<Record<'x509Subject' | 'x509Issuer' | 'x509SAN', readonly string[]>>
    >;
    readonly tags?: Readonly<Record<string, string>>;
  }>;
}

const TEXT = { type: 'string' } as const;
const BOOLEAN = { type: 'boolean' } as const;
const INTEGER = { type: 'integer' } as const;
const TEXTS = { type: 'list', member: TEXT } as const;
const MAP = { type: 'map' } as const;

const SEED = {
  type: 'structure',
  members: {
    trustAnchors: {
      type: 'list',
      member: {
        type: 'structure',
        members: { name: TEXT, certificates: TEXTS, crls: TEXTS, enabled: BOOLEAN, tags: MAP },
        required: ['name', 'certificates'],
      },
    },
    roles: {
      type: 'list',
      member: {
        type: 'structure',
        members: {
          ...{ name: TEXT, trustPolicy: TEXT, path: TEXT, description: TEXT },
          ...{ maxSessionDuration: INTEGER, tags: MAP },
        },
        required: ['name'],
      },
    },
    profiles: {
      type: 'list',
      member: {
        type: 'structure',
        members: {
          ...{ name: TEXT, roles: TEXTS, enabled: BOOLEAN, durationSeconds: INTEGER, tags: MAP },
          ...{ acceptRoleSessionName: BOOLEAN, sessionPolicy: TEXT, managedPolicyArns: TEXTS },
          attributeMappings: {
            type: 'structure',
            members: { x509Subject: TEXTS, x509Issuer: TEXTS, x509SAN: TEXTS },
          },
        },
        required: ['name', 'roles'],
      },
    },
  },
} as const satisfies Shape;

type Lists = Required<ValueOf<typeof SEED>>;
export type Loaded = { readonly [K in keyof Lists]: ReadonlyArray<Lists[K][number]> };
export type SeedMember<List extends keyof Loaded> = Loaded[List][number];

/**
 * @param subject the name of the seed in messages
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN`
 */
export function readSeed(value: unknown, subject: string): Loaded {
  refuseUnknown(value, subject);
  try {
    return { trustAnchors: [], roles: [], profiles: [], ...readShape(SEED, normalize(value)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `${subject}: ${error.message.replace(/^.*? detected: /, '')}`,
    );
  }
}

/** Turns one PEM into a list, and a policy into its text. */
function normalize(value: unknown, name = ''): unknown {
  if (name === 'tags') return value;
  if (/^(certificates|crls)$/.test(name)) return typeof value === 'string' ? [value] : value;
  if (Array.isArray(value)) return value.map((one) => normalize(one));
  if (typeof value !== 'object' || value === null) return value;
  if (/^(trustPolicy|sessionPolicy)$/.test(name)) return JSON.stringify(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normalize(one, key)]));
}

function refuseUnknown(value: unknown, subject: string): void {
  const [unknown] = findUnknownMembers(SEED, value);
  if (unknown === undefined) return;
  const { path, name, known } = unknown;
  const where = path.map((step) => (typeof step === 'number' ? `[${step}]` : `, ${step}`)).join('');
  const message = `${subject}${where} has an unknown member ${quote(name)}${nearest(name, known)}`;
  throw new OptionError('ERR_OPTION_UNKNOWN', message);
}
