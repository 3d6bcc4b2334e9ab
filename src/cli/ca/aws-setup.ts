/**
 * Writes the AWS side of a CA as lines for the AWS CLI, as a CloudFormation template or as a Terraform
 * configuration: a trust anchor, a role that trusts certificates of this anchor with the given subject only,
 * and a profile.
 *
 * Source: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
 */

export interface AwsSetup {
  /** Name of the trust anchor and the profile. */
  readonly name: string;
  readonly roleName: string;
  /** PEM. */
  readonly root: string;
  /** Attributes that a certificate's subject must have, by the names of session tags: `O`, `CN`. */
  readonly subject: Readonly<Record<string, string>>;
  /** Managed policies to attach to the role. */
  readonly policyArns: readonly string[];
}

export const SETUP_FORMATS = ['cli', 'cloudformation', 'terraform'] as const;

export function formatSetup(format: (typeof SETUP_FORMATS)[number], setup: AwsSetup): string {
  return { cli: formatCli, cloudformation: formatCloudFormation, terraform: formatTerraform }[format](setup);
}

/**
 * Without the first condition, certificates of every trust anchor of the account could assume the role;
 * without the second, every certificate of this one.
 */
function trustPolicy({ subject }: AwsSetup, trustAnchorArn: unknown) {
  const tags = Object.entries(subject).map(([name, value]) => [
    `aws:PrincipalTag/x509Subject/${name}`,
    value,
  ]);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        Condition: {
          ArnEquals: { 'aws:SourceArn': trustAnchorArn },
          StringEquals: Object.fromEntries(tags),
        },
      },
    ],
  };
}

/** Placeholder in JSON for the ARN, which is known only when the commands run. */
const PLACEHOLDER = '\u0000';

function formatCli(setup: AwsSetup): string {
  const { name, roleName, root, policyArns } = setup;
  const source = { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: root } };
  const policy = JSON.stringify(trustPolicy(setup, PLACEHOLDER), undefined, 2);
  // The shell's variable, between two quoted parts.
  const quoted = quoteShell(policy).replace(JSON.stringify(PLACEHOLDER), () => `"'"$TRUST_ANCHOR_ARN"'"`);
  const arns = '--trust-anchor-arn $TRUST_ANCHOR_ARN --profile-arn $PROFILE_ARN --role-arn $ROLE_ARN';
  const attach = policyArns.map(
    (arn) => `aws iam attach-role-policy --role-name ${quoteShell(roleName)} --policy-arn ${quoteShell(arn)}`,
  );
  return `# As an administrator of the account, in a POSIX shell.
TRUST_ANCHOR_ARN=$(aws rolesanywhere create-trust-anchor --name ${quoteShell(name)} --enabled \\
  --source ${quoteShell(JSON.stringify(source))} \\
  --query trustAnchor.trustAnchorArn --output text) &&
ROLE_ARN=$(aws iam create-role --role-name ${quoteShell(roleName)} --assume-role-policy-document ${quoted} \\
  --query Role.Arn --output text) &&
PROFILE_ARN=$(aws rolesanywhere create-profile --name ${quoteShell(name)} --enabled --role-arns "$ROLE_ARN" \\
  --query profile.profileArn --output text) &&
${[...attach, `echo "${arns}"`].join(' &&\n')}
`;
}

/** For a POSIX shell. */
function quoteShell(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON, which is YAML too. */
function formatCloudFormation(setup: AwsSetup): string {
  const { name, roleName, root, policyArns } = setup;
  const attribute = (resource: string, part: string) => ({ 'Fn::GetAtt': [resource, part] });
  const trustAnchorArn = attribute('TrustAnchor', 'TrustAnchorArn');
  const output = (value: unknown) => ({ Value: value });
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'IAM Roles Anywhere: trust anchor, role and profile',
    Resources: {
      TrustAnchor: {
        Type: 'AWS::RolesAnywhere::TrustAnchor',
        Properties: {
          Name: name,
          Enabled: true,
          Source: { SourceType: 'CERTIFICATE_BUNDLE', SourceData: { X509CertificateData: root } },
        },
      },
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          RoleName: roleName,
          AssumeRolePolicyDocument: trustPolicy(setup, trustAnchorArn),
          ...(policyArns.length > 0 && { ManagedPolicyArns: policyArns }),
        },
      },
      Profile: {
        Type: 'AWS::RolesAnywhere::Profile',
        Properties: { Name: name, Enabled: true, RoleArns: [attribute('Role', 'Arn')] },
      },
    },
    Outputs: {
      TrustAnchorArn: output(trustAnchorArn),
      ProfileArn: output(attribute('Profile', 'ProfileArn')),
      RoleArn: output(attribute('Role', 'Arn')),
    },
  };
  return `${JSON.stringify(template, undefined, 2)}\n`;
}

function formatTerraform(setup: AwsSetup): string {
  const { name, roleName, root, policyArns, subject } = setup;
  const tags = Object.entries(subject).map(
    ([attribute, value]) =>
      `          ${quoteHcl(`aws:PrincipalTag/x509Subject/${attribute}`)} = ${quoteHcl(value)}`,
  );
  const attachments = policyArns.map(
    (arn, index) => `
resource "aws_iam_role_policy_attachment" "rolesanywhere_${index}" {
  role       = aws_iam_role.rolesanywhere.name
  policy_arn = ${quoteHcl(arn)}
}
`,
  );
  return `terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

resource "aws_rolesanywhere_trust_anchor" "rolesanywhere" {
  name    = ${quoteHcl(name)}
  enabled = true

  source {
    source_type = "CERTIFICATE_BUNDLE"

    source_data {
      x509_certificate_data = <<-PEM
${root.trim().replace(/^/gm, '        ')}
      PEM
    }
  }
}

resource "aws_iam_role" "rolesanywhere" {
  name = ${quoteHcl(roleName)}

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rolesanywhere.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
      Condition = {
        ArnEquals = { "aws:SourceArn" = aws_rolesanywhere_trust_anchor.rolesanywhere.arn }
        StringEquals = {
${tags.join('\n')}
        }
      }
    }]
  })
}
${attachments.join('')}
resource "aws_rolesanywhere_profile" "rolesanywhere" {
  name      = ${quoteHcl(name)}
  enabled   = true
  role_arns = [aws_iam_role.rolesanywhere.arn]
}

output "trust_anchor_arn" {
  value = aws_rolesanywhere_trust_anchor.rolesanywhere.arn
}

output "profile_arn" {
  value = aws_rolesanywhere_profile.rolesanywhere.arn
}

output "role_arn" {
  value = aws_iam_role.rolesanywhere.arn
}
`;
}

/** A string of Terraform's language, where `${` and `%{` begin templates. */
function quoteHcl(text: string): string {
  return JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{');
}
