/**
 * The operations on trust anchors and their notification settings.
 *
 * Unknown, and decided here: a new trust anchor is disabled by default; deleting it deletes its CRLs; names
 * need not be unique.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#trust-anchors,
 * …/quotas.html and …/customize-notification-settings.html
 */
import { addTrustAnchor, DEFAULT_NOTIFICATIONS } from '../account/account.js';
import type { Account, NotificationSetting, TrustAnchor } from '../account/resources.js';
import { parseTrustAnchor } from '../pki/trust.js';
import type { InputOf } from './model.js';
import type { Behaviours } from './resource.js';
import { change, checkQuota, crlsOf, find, formatPage, invalid, remove } from './resource.js';
import { addTags, checkTags } from './tags.js';

/** The quota "Trust anchors", which AWS can raise. */
const MAX_TRUST_ANCHORS = 50;
/** The quota "Certificates per trust anchor", which is fixed. */
const MAX_CERTIFICATES = 2;

export const TRUST_ANCHORS: Behaviours<
  | `${'Create' | 'Get' | 'Update' | 'Enable' | 'Disable' | 'Delete'}TrustAnchor`
  | 'ListTrustAnchors'
  | `${'Put' | 'Reset'}NotificationSettings`
> = {
  CreateTrustAnchor(
    account,
    { name, source, enabled = false, tags = [], notificationSettings = [] },
    at,
    newId,
  ) {
    const checked = checkSource(source);
    checkSettings(notificationSettings);
    checkTags(new Map(), tags);
    checkQuota('trust anchors', account.trustAnchors.size, MAX_TRUST_ANCHORS);
    const trustAnchor = addTrustAnchor(account, { name, source: checked, enabled }, at, newId());
    putSettings(account, trustAnchor, notificationSettings);
    addTags(account, trustAnchor.trustAnchorArn, tags);
    return { trustAnchor };
  },
  UpdateTrustAnchor({ trustAnchors }, { trustAnchorId, name, source }, at) {
    const trustAnchor = find(trustAnchors, trustAnchorId, 'Trust anchor');
    const checked = source === undefined ? trustAnchor.source : checkSource(source);
    return { trustAnchor: change(trustAnchor, { name, source: checked }, at) };
  },
  GetTrustAnchor: ({ trustAnchors }, { trustAnchorId }) => ({
    trustAnchor: find(trustAnchors, trustAnchorId, 'Trust anchor'),
  }),
  ListTrustAnchors({ trustAnchors }, input) {
    const { page, ...next } = formatPage('trustAnchors', trustAnchors, input);
    return { trustAnchors: page, ...next };
  },
  EnableTrustAnchor: ({ trustAnchors }, { trustAnchorId }, at) => ({
    trustAnchor: change(find(trustAnchors, trustAnchorId, 'Trust anchor'), { enabled: true }, at),
  }),
  DisableTrustAnchor: ({ trustAnchors }, { trustAnchorId }, at) => ({
    trustAnchor: change(find(trustAnchors, trustAnchorId, 'Trust anchor'), { enabled: false }, at),
  }),
  DeleteTrustAnchor(account, { trustAnchorId }) {
    const trustAnchor = find(account.trustAnchors, trustAnchorId, 'Trust anchor');
    for (const { crlId, crlArn } of crlsOf(account, trustAnchor.trustAnchorArn)) {
      remove(account, account.crls, crlId, crlArn);
    }
    remove(account, account.trustAnchors, trustAnchorId, trustAnchor.trustAnchorArn);
    return { trustAnchor };
  },
  PutNotificationSettings(account, { trustAnchorId, notificationSettings }, at) {
    const trustAnchor = find(account.trustAnchors, trustAnchorId, 'Trust anchor');
    checkSettings(notificationSettings);
    putSettings(account, trustAnchor, notificationSettings);
    return { trustAnchor: change(trustAnchor, {}, at) };
  },
  ResetNotificationSettings({ trustAnchors }, { trustAnchorId, notificationSettingKeys }, at) {
    const trustAnchor = find(trustAnchors, trustAnchorId, 'Trust anchor');
    const isReset = (event: string) => notificationSettingKeys.some((key) => key.event === event);
    const notificationSettings = trustAnchor.notificationSettings.map(
      (setting) =>
        DEFAULT_NOTIFICATIONS.find(({ event }) => event === setting.event && isReset(event)) ?? setting,
    );
    return { trustAnchor: change(trustAnchor, { notificationSettings }, at) };
  },
};

function putSettings(
  { accountId }: Account,
  trustAnchor: TrustAnchor,
  settings: InputOf<'PutNotificationSettings'>['notificationSettings'],
): void {
  const put = settings.map((setting) => ({ ...setting, channel: 'ALL' as const, configuredBy: accountId }));
  trustAnchor.notificationSettings = trustAnchor.notificationSettings.map(
    (present) => put.find(({ event }) => event === present.event) ?? present,
  );
}

/** "This value is required for a notification setting that is enabled." */
function checkSettings(
  settings: ReadonlyArray<Pick<NotificationSetting, 'enabled' | 'threshold'> & { event: string }>,
): void {
  const lacking = settings.find(({ enabled, threshold }) => enabled && threshold === undefined);
  if (lacking !== undefined) {
    throw invalid(
      `${lacking.event} needs a threshold`,
      'notification: an enabled setting must have a threshold',
    );
  }
  const events = settings.map(({ event }) => event);
  if (new Set(events).size < events.length) {
    throw invalid('Each event may be set once', 'notification: an event occurs twice');
  }
}

/** Accepts CA certificates that can verify others. CreateSession checks their validity. */
function checkSource(source: InputOf<'CreateTrustAnchor'>['source']): TrustAnchor['source'] {
  const { sourceType, sourceData = {} } = source;
  const { x509CertificateData: pem } = sourceData;
  if (sourceType !== 'CERTIFICATE_BUNDLE') {
    const found = sourceType ?? 'none';
    const message = `The emulator has trust anchors of source type CERTIFICATE_BUNDLE only, found ${found}`;
    throw invalid(message, `source type: expected CERTIFICATE_BUNDLE, found ${found}`);
  }
  if (pem === undefined) {
    throw invalid(
      'A certificate bundle must have x509CertificateData',
      'source: x509CertificateData is missing',
    );
  }
  if (pem.includes('PRIVATE KEY')) {
    throw invalid('A certificate bundle must not hold a private key', 'source: holds a private key');
  }
  const certificates = readAnchor(pem);
  if (certificates.length <= MAX_CERTIFICATES)
    return { sourceType, sourceData: { x509CertificateData: pem } };
  const reason = `source: at most ${MAX_CERTIFICATES} certificates, found ${certificates.length}`;
  throw invalid(`A trust anchor has at most ${MAX_CERTIFICATES} certificates`, reason);
}

function readAnchor(pem: string) {
  try {
    return parseTrustAnchor(pem);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'cannot be read';
    throw invalid(`Invalid certificate bundle: ${problem}`, `source: ${problem}`);
  }
}
