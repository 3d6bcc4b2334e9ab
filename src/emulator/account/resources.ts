/**
 * The resources of an account in IAM Roles Anywhere and IAM, as plain records: the state file holds them as
 * JSON.
 *
 * Names of members are those of the service models (rolesanywhere 2018-05-10, iam 2010-05-08).
 */

/** ISO 8601, UTC. */
type Timestamp = string;

export interface NotificationSetting {
  readonly enabled: boolean;
  readonly event: 'CA_CERTIFICATE_EXPIRY' | 'END_ENTITY_CERTIFICATE_EXPIRY';
  /** Days before the event, 1 to 360. */
  readonly threshold?: number;
  readonly channel: 'ALL';
  /** An account id, or `rolesanywhere.amazonaws.com` for a default. */
  readonly configuredBy: string;
}

export interface TrustAnchor {
  readonly trustAnchorId: string;
  readonly trustAnchorArn: string;
  name: string;
  enabled: boolean;
  source: {
    readonly sourceType: 'CERTIFICATE_BUNDLE' | 'AWS_ACM_PCA' | 'SELF_SIGNED_REPOSITORY';
    /** PEM, for `CERTIFICATE_BUNDLE`. */
    readonly sourceData: { readonly x509CertificateData?: string; readonly acmPcaArn?: string };
  };
  notificationSettings: NotificationSetting[];
  readonly createdAt: Timestamp;
  updatedAt: Timestamp;
}

export type CertificateField = 'x509Subject' | 'x509Issuer' | 'x509SAN';

/**
 * The parts of a certificate that become session tags. Specifiers: `CN`, `OU`, `DNS`, `URI`, `Name/CN`, `*`.
 */
export interface AttributeMapping {
  readonly certificateField: CertificateField;
  readonly mappingRules: ReadonlyArray<{ readonly specifier: string }>;
}

export interface Profile {
  readonly profileId: string;
  readonly profileArn: string;
  name: string;
  enabled: boolean;
  roleArns: string[];
  /** 900 to 43200. */
  durationSeconds: number;
  acceptRoleSessionName: boolean;
  requireInstanceProperties: boolean;
  managedPolicyArns: string[];
  sessionPolicy: string | undefined;
  attributeMappings: AttributeMapping[];
  readonly createdBy: string;
  readonly createdAt: Timestamp;
  updatedAt: Timestamp;
}

export interface Crl {
  readonly crlId: string;
  readonly crlArn: string;
  name: string;
  enabled: boolean;
  /** Base64 of the imported PEM. */
  crlData: string;
  readonly trustAnchorArn: string;
  readonly createdAt: Timestamp;
  updatedAt: Timestamp;
}

export interface SubjectCredential {
  readonly enabled: boolean;
  readonly failed: boolean;
  readonly issuer: string;
  readonly seenAt: Timestamp;
  readonly serialNumber: string;
  readonly x509CertificateData: string;
}

/** One for each distinguished name that has asked for a session. */
export interface Subject {
  readonly subjectId: string;
  readonly subjectArn: string;
  enabled: boolean;
  readonly x509Subject: string;
  lastSeenAt: Timestamp;
  readonly createdAt: Timestamp;
  updatedAt: Timestamp;
  credentials: SubjectCredential[];
  instanceProperties: Array<{
    readonly failed: boolean;
    readonly properties: Readonly<Record<string, string>>;
    readonly seenAt: Timestamp;
  }>;
}

export interface Role {
  readonly roleId: string;
  readonly roleName: string;
  readonly arn: string;
  /** Begins and ends with `/`. */
  readonly path: string;
  description: string | undefined;
  /** JSON. */
  assumeRolePolicyDocument: string;
  /** 3600 to 43200. */
  maxSessionDuration: number;
  /** Managed policies, which are listed but not evaluated. */
  attachedPolicyArns: string[];
  readonly createDate: Timestamp;
}

/** Everything that the `state` file keeps. */
export interface Account {
  readonly partition: string;
  readonly region: string;
  /** Twelve digits. */
  readonly accountId: string;
  /** By id. */
  readonly trustAnchors: Map<string, TrustAnchor>;
  readonly profiles: Map<string, Profile>;
  readonly crls: Map<string, Crl>;
  readonly subjects: Map<string, Subject>;
  /** By name: names are unique whatever the path. */
  readonly roles: Map<string, Role>;
  /** By ARN of the resource; keys are unique. */
  readonly tags: Map<string, Map<string, string>>;
}
