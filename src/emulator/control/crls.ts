/**
 * The operations on certificate revocation lists (CRLs) and on subjects.
 *
 * Unknown, and decided here: an imported CRL is disabled by default.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ImportCrl.html and
 * …/userguide/quotas.html
 */
import { formatArn } from '../account/account.js';
import type { Crl, Subject } from '../account/resources.js';
import { parseRevocationList } from '../pki/revocation.js';
import type { Behaviours } from './resource.js';
import { change, checkQuota, crlsOf, find, formatPage, invalid, remove } from './resource.js';
import { addTags, checkTags } from './tags.js';

/** The quota "CRLs per trust anchor", which is fixed. */
const MAX_CRLS = 2;

export const CRLS: Behaviours<
  'ImportCrl' | `${'Get' | 'Update' | 'Enable' | 'Disable' | 'Delete'}Crl` | 'ListCrls'
> = {
  ImportCrl(account, { name, crlData, enabled = false, tags = [], trustAnchorArn }, at, newId) {
    const anchors = [...account.trustAnchors.values()];
    if (!anchors.some((anchor) => anchor.trustAnchorArn === trustAnchorArn)) {
      // The model has no ResourceNotFoundException for this operation.
      throw invalid('Trust anchor not found', `trust anchor: there is no ${trustAnchorArn}`);
    }
    checkCrl(crlData);
    checkTags(new Map(), tags);
    checkQuota('CRLs of the trust anchor', crlsOf(account, trustAnchorArn).length, MAX_CRLS);
    const crlId = newId();
    const crlArn = formatArn(account, `crl/${crlId}`);
    const moment = at.toISOString();
    const crl: Crl = {
      crlId,
      crlArn,
      name,
      enabled,
      crlData,
      trustAnchorArn,
      createdAt: moment,
      updatedAt: moment,
    };
    account.crls.set(crlId, crl);
    addTags(account, crlArn, tags);
    return { crl };
  },
  UpdateCrl({ crls }, { crlId, name, crlData }, at) {
    const crl = find(crls, crlId, 'CRL');
    if (crlData !== undefined) checkCrl(crlData);
    return { crl: change(crl, { name, crlData }, at) };
  },
  GetCrl: ({ crls }, { crlId }) => ({ crl: find(crls, crlId, 'CRL') }),
  ListCrls({ crls }, input) {
    const { page, ...next } = formatPage('crls', crls, input);
    return { crls: page, ...next };
  },
  EnableCrl: ({ crls }, { crlId }, at) => ({ crl: change(find(crls, crlId, 'CRL'), { enabled: true }, at) }),
  DisableCrl: ({ crls }, { crlId }, at) => ({
    crl: change(find(crls, crlId, 'CRL'), { enabled: false }, at),
  }),
  DeleteCrl(account, { crlId }) {
    const crl = find(account.crls, crlId, 'CRL');
    remove(account, account.crls, crlId, crl.crlArn);
    return { crl };
  },
};

export const SUBJECTS: Behaviours<'GetSubject' | 'ListSubjects'> = {
  GetSubject: ({ subjects }, { subjectId }) => ({ subject: find(subjects, subjectId, 'Subject') }),
  ListSubjects({ subjects }, input) {
    const { page, ...next } = formatPage('subjects', subjects, input);
    return { subjects: page.map(summarize), ...next };
  },
};

function summarize({
  credentials: _credentials,
  instanceProperties: _properties,
  ...summary
}: Subject): object {
  return summary;
}

/**
 * "In order to be properly imported, a CRL must be in PEM format." Whether AWS imports a CRL that the trust
 * anchor did not sign is unknown. Here it is imported, and sessions ignore it.
 */
function checkCrl(base64: string): void {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  if (!text.includes('-----BEGIN X509 CRL-----')) {
    throw invalid('The CRL must be in PEM format', 'CRL: expected an X509 CRL block');
  }
  try {
    parseRevocationList(text);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'cannot be read';
    throw invalid(`Invalid CRL: ${problem}`, problem);
  }
}
