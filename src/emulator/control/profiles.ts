/**
 * The operations on profiles and their attribute mappings.
 *
 * Unknown, and decided here: a new profile is disabled by default; PutAttributeMapping replaces the rules of
 * its field; DeleteAttributeMapping without specifiers deletes all rules of the field; names need not be
 * unique; roles and policies need not exist.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/attribute-mapping.html and …/quotas.html
 */
import { addProfile } from '../account/account.js';
import type { AttributeMapping } from '../account/resources.js';
import { findPolicyProblem } from '../policy/session-policy.js';
import type { Behaviours } from './resource.js';
import { change, checkQuota, find, formatPage, invalid, remove } from './resource.js';
import { addTags, checkTags } from './tags.js';

/** The quota "Profiles", which AWS can raise. */
const MAX_PROFILES = 250;

export const PROFILES: Behaviours<
  | `${'Create' | 'Get' | 'Update' | 'Enable' | 'Disable' | 'Delete'}Profile`
  | 'ListProfiles'
  | `${'Put' | 'Delete'}AttributeMapping`
> = {
  CreateProfile(account, { tags = [], ...settings }, at, newId) {
    checkSessionPolicy(settings.sessionPolicy);
    checkTags(new Map(), tags);
    checkQuota('profiles', account.profiles.size, MAX_PROFILES);
    const profile = addProfile(account, { enabled: false, ...settings }, at, newId());
    addTags(account, profile.profileArn, tags);
    return { profile };
  },
  UpdateProfile({ profiles }, { profileId, ...settings }, at) {
    const profile = find(profiles, profileId, 'Profile');
    checkSessionPolicy(settings.sessionPolicy);
    return { profile: change(profile, settings, at) };
  },
  GetProfile: ({ profiles }, { profileId }) => ({ profile: find(profiles, profileId, 'Profile') }),
  ListProfiles({ profiles }, input) {
    const { page, ...next } = formatPage('profiles', profiles, input);
    return { profiles: page, ...next };
  },
  EnableProfile: ({ profiles }, { profileId }, at) => ({
    profile: change(find(profiles, profileId, 'Profile'), { enabled: true }, at),
  }),
  DisableProfile: ({ profiles }, { profileId }, at) => ({
    profile: change(find(profiles, profileId, 'Profile'), { enabled: false }, at),
  }),
  DeleteProfile(account, { profileId }) {
    const profile = find(account.profiles, profileId, 'Profile');
    remove(account, account.profiles, profileId, profile.profileArn);
    return { profile };
  },
  PutAttributeMapping({ profiles }, { profileId, certificateField, mappingRules }, at) {
    const profile = find(profiles, profileId, 'Profile');
    const others = profile.attributeMappings.filter((one) => one.certificateField !== certificateField);
    const attributeMappings = sortMappings([...others, { certificateField, mappingRules }]);
    return { profile: change(profile, { attributeMappings }, at) };
  },
  DeleteAttributeMapping({ profiles }, { profileId, certificateField, specifiers }, at) {
    const profile = find(profiles, profileId, 'Profile');
    const attributeMappings = withoutRules(profile.attributeMappings, certificateField, specifiers);
    return { profile: change(profile, { attributeMappings }, at) };
  },
};

function withoutRules(
  mappings: readonly AttributeMapping[],
  field: AttributeMapping['certificateField'],
  specifiers: readonly string[] | undefined,
): AttributeMapping[] {
  const rules = mappings.find((one) => one.certificateField === field)?.mappingRules ?? [];
  const absent = (specifiers ?? []).find((one) => !rules.some(({ specifier }) => specifier === one));
  if (absent !== undefined) {
    throw invalid('Specifier not found', `mapping: ${field} has no rule for ${absent}`);
  }
  const kept = rules.filter(({ specifier }) => specifiers?.includes(specifier) === false);
  const others = mappings.filter((one) => one.certificateField !== field);
  return kept.length === 0
    ? others
    : sortMappings([...others, { certificateField: field, mappingRules: kept }]);
}

function checkSessionPolicy(policy: string | undefined): void {
  const problem = findPolicyProblem(policy);
  if (problem !== undefined) throw invalid('sessionPolicy must be a policy document', problem);
}

/** AWS's samples show mappings in this order. */
const FIELD_ORDER = ['x509Issuer', 'x509SAN', 'x509Subject'];

function sortMappings(mappings: readonly AttributeMapping[]): AttributeMapping[] {
  const place = ({ certificateField }: AttributeMapping) => FIELD_ORDER.indexOf(certificateField);
  return [...mappings].sort((one, other) => place(one) - place(other));
}
