/**
 * Computes the names and tags of a session for a certificate, and whether a trust policy would allow it,
 * without an account: for `doctor`.
 *
 * The checks are those of CreateSession here, with the profile's default attribute mappings.
 */
import { DEFAULT_ATTRIBUTE_MAPPINGS } from '../account/account.js';
import { explainUnmapped, mapAttributes } from '../pki/attributes.js';
import { parseCertificate } from '../pki/certificate.js';
import type { Decision } from '../policy/evaluate.js';
import { evaluateTrustPolicy } from '../policy/evaluate.js';
import { ACTIONS } from './authorize.js';
import { formatContext, formatSerial, formatSourceIdentity, SERVICE_PRINCIPAL } from './session-context.js';

export interface SessionPreview {
  /** `x509Subject/CN` → `host-1`, by the default mappings; policies see them as `aws:PrincipalTag/…`. */
  readonly tags: ReadonlyMap<string, string>;
  /** The attributes that cannot be tags, with the reasons. */
  readonly unmapped: string | undefined;
  readonly sourceIdentity: string;
  readonly sessionName: string;
  /** The decision of a trust policy, for a session with these facts. */
  judge(trustPolicy: string, where: SessionPlace): Decision;
}

/** The place of the session: its trust anchor and region. */
export interface SessionPlace {
  readonly trustAnchorArn: string;
  readonly region: string;
  /** Of the trust anchor. */
  readonly accountId: string;
  readonly now: Date;
}

/**
 * @param der the end-entity certificate
 * @param roleSessionName default: the serial number, as the service takes it
 * @throws Error for a certificate that the emulator cannot read
 */
export function previewSession(der: Uint8Array, roleSessionName?: string): SessionPreview {
  const leaf = parseCertificate(der);
  const mapped = mapAttributes(leaf, DEFAULT_ATTRIBUTE_MAPPINGS);
  const { tags } = mapped;
  const sourceIdentity = formatSourceIdentity(leaf);
  const sessionName = roleSessionName ?? formatSerial(leaf);
  return {
    ...{ tags, sourceIdentity, sessionName },
    unmapped: explainUnmapped(mapped),
    judge: (trustPolicy, { trustAnchorArn, now, ...account }) => {
      const facts = { trustAnchorArn, sessionName, sourceIdentity, tags, sourceIp: undefined };
      return evaluateTrustPolicy(trustPolicy, {
        actions: ACTIONS,
        principal: { Service: SERVICE_PRINCIPAL },
        context: formatContext(facts, account, now),
      });
    },
  };
}
