/**
 * The operations of IAM Roles Anywhere as the service model defines them: route, status, and constraints of
 * the input.
 *
 * Members in braces come from the path; the others from the query for GET and DELETE, else from the JSON body.
 * A test compares the table with botocore's copy of the model (2018-05-10).
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_Operations.html
 */
import type { Shape, StructureShape, ValueOf } from '../wire/shape.js';

const UUID = {
  type: 'string',
  min: 36,
  max: 36,
  pattern: '.*[a-f0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}.*',
} as const;
const TEXT = { type: 'string' } as const;
const BOOLEAN = { type: 'boolean' } as const;
const NAME = { type: 'string', min: 1, max: 255, pattern: '[ a-zA-Z0-9-_]*' } as const;
const RESOURCE_ARN = { type: 'string', min: 1, max: 1011 } as const;
const TRUST_ANCHOR_ARN = arn('arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:trust-anchor.*)');
const ROLE_ARN = arn('arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)');
const DURATION = { type: 'integer', min: 900, max: 43_200 } as const;
const CRL_DATA = { type: 'blob', min: 1, max: 300_000 } as const;
const POLICY_ARN = { type: 'string', min: 1, max: 200 } as const;
const ROLE_ARNS = list(ROLE_ARN, 250);
const POLICY_ARNS = list(POLICY_ARN, 50);

const TAG_PATTERN = '[ a-zA-Z0-9_.:/=+@-]*';
const TAG_KEY = { type: 'string', min: 1, max: 128, pattern: TAG_PATTERN, isSensitive: true } as const;
const TAG_VALUE = { type: 'string', min: 0, max: 256, pattern: TAG_PATTERN, isSensitive: true } as const;
const TAG = structure({ key: TAG_KEY, value: TAG_VALUE }, ['key', 'value']);
const TAGS = list(TAG, 200);

const FIELD = { type: 'string', values: ['x509Subject', 'x509Issuer', 'x509SAN'] } as const;
const RULE = structure({ specifier: { type: 'string', min: 0, max: 60 } }, ['specifier']);

const EVENT = { type: 'string', values: ['CA_CERTIFICATE_EXPIRY', 'END_ENTITY_CERTIFICATE_EXPIRY'] } as const;
const CHANNEL = { type: 'string', values: ['ALL'] } as const;
const THRESHOLD = { type: 'integer', min: 1, max: 360 } as const;
const SETTINGS = list(
  structure({ enabled: BOOLEAN, event: EVENT, threshold: THRESHOLD, channel: CHANNEL }, ['enabled', 'event']),
  50,
);
const SETTING_KEYS = list(structure({ event: EVENT, channel: CHANNEL }, ['event']), 50);

const SOURCE = structure({
  sourceType: { type: 'string', values: ['AWS_ACM_PCA', 'CERTIFICATE_BUNDLE', 'SELF_SIGNED_REPOSITORY'] },
  sourceData: {
    type: 'structure',
    members: { x509CertificateData: { type: 'string', min: 1, max: 16_000 }, acmPcaArn: TEXT },
    isUnion: true,
  },
});

const PAGE = structure({
  nextToken: { type: 'string', min: 1, max: 10_000 },
  pageSize: { type: 'integer' },
});
const TRUST_ANCHOR = structure({ trustAnchorId: UUID }, ['trustAnchorId']);
const PROFILE = structure({ profileId: UUID }, ['profileId']);
const CRL = structure({ crlId: UUID }, ['crlId']);
const SUBJECT = structure({ subjectId: UUID }, ['subjectId']);

export const OPERATIONS = {
  CreateTrustAnchor: {
    route: 'POST /trustanchors',
    status: 201,
    input: structure(
      { name: NAME, source: SOURCE, enabled: BOOLEAN, tags: TAGS, notificationSettings: SETTINGS },
      ['name', 'source'],
    ),
  },
  GetTrustAnchor: { route: 'GET /trustanchor/{trustAnchorId}', status: 200, input: TRUST_ANCHOR },
  ListTrustAnchors: { route: 'GET /trustanchors', status: 200, input: PAGE },
  UpdateTrustAnchor: {
    route: 'PATCH /trustanchor/{trustAnchorId}',
    status: 200,
    input: structure({ trustAnchorId: UUID, name: NAME, source: SOURCE }, ['trustAnchorId']),
  },
  EnableTrustAnchor: { route: 'POST /trustanchor/{trustAnchorId}/enable', status: 200, input: TRUST_ANCHOR },
  DisableTrustAnchor: {
    route: 'POST /trustanchor/{trustAnchorId}/disable',
    status: 200,
    input: TRUST_ANCHOR,
  },
  DeleteTrustAnchor: { route: 'DELETE /trustanchor/{trustAnchorId}', status: 200, input: TRUST_ANCHOR },
  PutNotificationSettings: {
    route: 'PATCH /put-notifications-settings',
    status: 200,
    input: structure({ trustAnchorId: UUID, notificationSettings: SETTINGS }, [
      'trustAnchorId',
      'notificationSettings',
    ]),
  },
  ResetNotificationSettings: {
    route: 'PATCH /reset-notifications-settings',
    status: 200,
    input: structure({ trustAnchorId: UUID, notificationSettingKeys: SETTING_KEYS }, [
      'trustAnchorId',
      'notificationSettingKeys',
    ]),
  },
  CreateProfile: {
    route: 'POST /profiles',
    status: 201,
    input: structure(
      {
        name: NAME,
        requireInstanceProperties: BOOLEAN,
        sessionPolicy: TEXT,
        roleArns: ROLE_ARNS,
        managedPolicyArns: POLICY_ARNS,
        durationSeconds: DURATION,
        enabled: BOOLEAN,
        tags: TAGS,
        acceptRoleSessionName: BOOLEAN,
      },
      ['name', 'roleArns'],
    ),
  },
  GetProfile: { route: 'GET /profile/{profileId}', status: 200, input: PROFILE },
  ListProfiles: { route: 'GET /profiles', status: 200, input: PAGE },
  UpdateProfile: {
    route: 'PATCH /profile/{profileId}',
    status: 200,
    input: structure(
      {
        profileId: UUID,
        name: NAME,
        sessionPolicy: { type: 'string', min: 1, max: 100_000 },
        roleArns: ROLE_ARNS,
        managedPolicyArns: POLICY_ARNS,
        durationSeconds: DURATION,
        acceptRoleSessionName: BOOLEAN,
      },
      ['profileId'],
    ),
  },
  EnableProfile: { route: 'POST /profile/{profileId}/enable', status: 200, input: PROFILE },
  DisableProfile: { route: 'POST /profile/{profileId}/disable', status: 200, input: PROFILE },
  DeleteProfile: { route: 'DELETE /profile/{profileId}', status: 200, input: PROFILE },
  PutAttributeMapping: {
    route: 'PUT /profiles/{profileId}/mappings',
    status: 200,
    input: structure({ profileId: UUID, certificateField: FIELD, mappingRules: list(RULE) }, [
      'profileId',
      'certificateField',
      'mappingRules',
    ]),
  },
  DeleteAttributeMapping: {
    route: 'DELETE /profiles/{profileId}/mappings',
    status: 200,
    input: structure({ profileId: UUID, certificateField: FIELD, specifiers: list(TEXT) }, [
      'profileId',
      'certificateField',
    ]),
  },
  ImportCrl: {
    route: 'POST /crls',
    status: 201,
    input: structure(
      { name: NAME, crlData: CRL_DATA, enabled: BOOLEAN, tags: TAGS, trustAnchorArn: TRUST_ANCHOR_ARN },
      ['name', 'crlData', 'trustAnchorArn'],
    ),
  },
  GetCrl: { route: 'GET /crl/{crlId}', status: 200, input: CRL },
  ListCrls: { route: 'GET /crls', status: 200, input: PAGE },
  UpdateCrl: {
    route: 'PATCH /crl/{crlId}',
    status: 200,
    input: structure({ crlId: UUID, name: NAME, crlData: CRL_DATA }, ['crlId']),
  },
  EnableCrl: { route: 'POST /crl/{crlId}/enable', status: 200, input: CRL },
  DisableCrl: { route: 'POST /crl/{crlId}/disable', status: 200, input: CRL },
  DeleteCrl: { route: 'DELETE /crl/{crlId}', status: 200, input: CRL },
  GetSubject: { route: 'GET /subject/{subjectId}', status: 200, input: SUBJECT },
  ListSubjects: { route: 'GET /subjects', status: 200, input: PAGE },
  TagResource: {
    route: 'POST /TagResource',
    status: 201,
    input: structure({ resourceArn: RESOURCE_ARN, tags: TAGS }, ['resourceArn', 'tags']),
  },
  UntagResource: {
    route: 'POST /UntagResource',
    status: 200,
    input: structure({ resourceArn: RESOURCE_ARN, tagKeys: list(TAG_KEY, 200) }, ['resourceArn', 'tagKeys']),
  },
  ListTagsForResource: {
    route: 'GET /ListTagsForResource',
    status: 200,
    input: structure({ resourceArn: RESOURCE_ARN }, ['resourceArn']),
  },
} as const satisfies Readonly<
  Record<string, { readonly route: string; readonly status: number; readonly input: StructureShape }>
>;

export type OperationName = keyof typeof OPERATIONS;
export type InputOf<Name extends OperationName> = ValueOf<(typeof OPERATIONS)[Name]['input']>;

function arn<const Pattern extends string>(pattern: Pattern) {
  return { type: 'string', min: 1, max: 1011, pattern } as const;
}

function list<const Member extends Shape>(member: Member, max?: number) {
  return { type: 'list', member, ...(max === undefined ? {} : { min: 0, max }) } as const;
}

type Members = Readonly<Record<string, Shape>>;

interface Structure<M extends Members, Required extends readonly string[]> {
  readonly type: 'structure';
  readonly members: M;
  readonly required: Required;
}

function structure<const M extends Members>(members: M): Structure<M, []>;
function structure<const M extends Members, const Required extends ReadonlyArray<keyof M & string>>(
  members: M,
  required: Required,
): Structure<M, Required>;
function structure(
  members: Members,
  required: readonly string[] = [],
): Structure<Members, readonly string[]> {
  return { type: 'structure', members, required };
}
