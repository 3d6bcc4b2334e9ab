/** The state that the steps of `doctor` share: each step adds its results for the later ones. */
import type { SigningIdentity } from '../../identity/identity.js';
import type { IdentitySource } from '../../identity/identity-source.js';
import type { Settings } from '../../session/settings.js';
import type { Flags } from '../options/flags.js';
import type { SessionChoices } from '../options/read-session.js';
import type { Derived } from './format.js';
import type { Group } from './line.js';

export interface Examination extends Pick<SessionChoices<Flags>, 'choices' | 'context'> {
  readonly options: {
    readonly ca: string | undefined;
    readonly trustPolicy: string | undefined;
    readonly profile: string | undefined;
    readonly offline: boolean;
  };
  readonly now: () => Date;
  readonly source: IdentitySource;
  /** With a key that signs. */
  identity?: SigningIdentity;
  /** The identity to check, with or without a key. */
  checked?: SigningIdentity;
  settings?: Settings;
  derived?: Derived;
  /** Whether a file of the identity cannot be read, which a line of its own says. */
  hasUnreadableFile?: boolean;
  /** Whether an error of the certificate or the network makes a request pointless. */
  isBlocked: boolean;
}

/** One part of the report; undefined if it has no lines. */
export type Step = (examination: Examination) => Promise<Group | undefined>;
