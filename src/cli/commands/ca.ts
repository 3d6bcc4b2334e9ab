/**
 * `rolesanywhere ca …`: a small private CA in a folder, and the AWS side for it. This file has the flags of
 * the subcommands; `cli/ca/` does the work.
 */
import { KEY_TYPE_KIND, REVOCATION_REASONS, SUBJECT_TEXT_KIND } from '../../authority/options.js';
import { OptionError, quote } from '../../errors.js';
import type { Choices } from '../../options/choose-values.js';
import { assertRequired } from '../../options/choose-values.js';
import { ROLE_NAME_KIND } from '../../options/kinds.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Arguments } from '../arguments.js';
import { formatSetup, SETUP_FORMATS } from '../ca/aws-setup.js';
import { chooseSubject } from '../ca/aws-subject.js';
import type { CaContext } from '../ca/ca-commands.js';
import {
  initCa,
  issueCertificate,
  makeRequest,
  makeRevocationList,
  revokeCertificate,
  signRequest,
} from '../ca/ca-commands.js';
import { readCaFolder, readIndex } from '../ca/ca-folder.js';
import { formatCa } from '../ca/show.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { HELP_FLAGS } from '../options/flags.js';
import { readFlags, valuesOf } from '../options/read-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

const FOLDER_FLAG = {
  caFolder: {
    flag: 'ca-folder',
    kind: { type: 'path' },
    placeholder: 'FOLDER',
    default: 'ca',
    help: 'folder of the CA, with ca.pem, ca.key and index.json',
  },
} as const satisfies Flags;

const CA_PASSPHRASE = {
  flag: 'ca-passphrase-file',
  kind: { type: 'path' },
  placeholder: 'FILE',
} as const;

const CA_FLAGS = {
  ...FOLDER_FLAG,
  caPassphraseFile: {
    ...CA_PASSPHRASE,
    help: "file with the passphrase of the CA's key, - for standard input; without it, the command asks",
  },
} as const satisfies Flags;

const SUBJECT_FLAGS = {
  commonName: text('common-name', 'common name (CN), for example the name of the host'),
  organization: text('organization', 'organization (O)'),
  organizationalUnit: text('organizational-unit', 'organizational unit (OU)'),
  locality: text('locality', 'city (L)'),
  state: text('state', 'state or province (ST)'),
  country: {
    flag: 'country',
    kind: { type: 'pattern', pattern: /^[A-Z]{2}$/, rule: 'two capital letters' },
    placeholder: 'CODE',
    help: 'country (C), two letters',
  },
} as const satisfies Flags;

const NAMED_FLAGS = {
  ...SUBJECT_FLAGS,
  commonName: { ...SUBJECT_FLAGS.commonName, required: true },
} as const satisfies Flags;

const KEY_FLAGS = {
  keyType: {
    flag: 'key-type',
    kind: KEY_TYPE_KIND,
    placeholder: 'TYPE',
    default: 'EC-P256',
    help: 'type of the new key: EC-P256, EC-P384, EC-P521, RSA-2048, RSA-3072 or RSA-4096',
  },
  encrypt: {
    flag: 'encrypt',
    kind: { type: 'boolean' },
    default: false,
    help: 'encrypt the new key; the command asks for a passphrase',
  },
} as const satisfies Flags;

const NEW_KEY_FLAGS = {
  ...KEY_FLAGS,
  passphraseFile: {
    flag: 'passphrase-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file with a passphrase, - for standard input: of the new key, or of --private-key',
  },
} as const satisfies Flags;

const NAMES_FLAG = {
  san: {
    flag: 'san',
    kind: { type: 'list', separator: '\n' },
    placeholder: 'TYPE:NAME',
    help: 'subject alternative name: DNS:NAME, IP:ADDRESS or URI:URI; may be repeated',
  },
} as const satisfies Flags;

const OUT_FLAGS = {
  out: {
    flag: 'out',
    kind: { type: 'path' },
    placeholder: 'PATH',
    help: 'files to write, without .pem, .key and .csr; default: the common name or that of the request',
  },
  force: {
    flag: 'force',
    kind: { type: 'boolean' },
    default: false,
    help: 'replace files that exist',
  },
} as const satisfies Flags;

function text<const Name extends string>(flag: Name, help: string) {
  return { flag, kind: SUBJECT_TEXT_KIND, placeholder: 'TEXT', help } as const;
}

function days<const Count extends number>(count: Count, help: string, max = 36_500) {
  const kind = { type: 'integer', min: 1, max, unit: 'days' } as const;
  return { days: { flag: 'days', kind, placeholder: 'DAYS', default: count, help } } as const;
}

/** Defines a subcommand that prints the result of its work. */
function define<Known extends Flags>(
  known: Known,
  details: Pick<Command, 'example' | 'operands'>,
  work: (values: ValuesOf<Known>, context: CaContext, operands: readonly string[]) => Promise<string>,
): Command {
  return {
    ...details,
    flags: { 'This command': known, Output: HELP_FLAGS },
    async run(args: Arguments, io: Io, now = () => new Date()) {
      const choices: Choices = readFlags(args, known, io.env);
      assertRequired(known, choices);
      const hasDays = (choices['days']?.origin ?? 'default') !== 'default';
      await print(io.stdout, await work(valuesOf(choices, known), { io, now, hasDays }, args.operands));
    },
  };
}

const INIT_FLAGS = {
  ...FOLDER_FLAG,
  ...NAMED_FLAGS,
  ...KEY_FLAGS,
  ...days(3650, 'days that the certificate of the CA is valid'),
  caPassphraseFile: {
    ...CA_PASSPHRASE,
    help: 'file with a passphrase to encrypt the new key with, - for standard input',
  },
  parent: {
    flag: 'parent',
    kind: { type: 'path' },
    placeholder: 'FOLDER',
    help: 'folder of another CA, which issues this one: makes an intermediate CA',
  },
  parentPassphraseFile: {
    flag: 'parent-passphrase-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file with the passphrase of the key of --parent; without it, the command asks',
  },
  pathLength: {
    flag: 'path-length',
    kind: { type: 'integer', min: 0, max: 4 },
    placeholder: 'COUNT',
    help: 'with --parent: number of intermediate CAs allowed below this one, default 0',
  },
} as const satisfies Flags;

export const initCommand = define(
  INIT_FLAGS,
  { example: '--common-name "Example CA" --organization Example' },
  initCa,
);

export const issueCommand = define(
  {
    ...CA_FLAGS,
    ...NAMED_FLAGS,
    ...NAMES_FLAG,
    ...days(365, 'days that the certificate is valid, at most until the CA expires'),
    ...NEW_KEY_FLAGS,
    ...OUT_FLAGS,
  },
  { example: '--common-name host-1 --organization Example' },
  issueCertificate,
);

export const requestCommand = define(
  {
    ...NAMED_FLAGS,
    ...NAMES_FLAG,
    ...NEW_KEY_FLAGS,
    privateKey: {
      flag: 'private-key',
      kind: { type: 'path' },
      placeholder: 'FILE',
      help: 'existing private key, PEM, in place of a new one',
    },
    ...OUT_FLAGS,
  },
  { example: '--common-name host-1 --organization Example' },
  makeRequest,
);

export const signCommand = define(
  {
    ...CA_FLAGS,
    ...SUBJECT_FLAGS,
    ...NAMES_FLAG,
    ...days(365, 'days that the certificate is valid, at most until the CA expires'),
    ...OUT_FLAGS,
  },
  {
    example: 'host-1.csr',
    operands: { usage: 'REQUEST', min: 1, max: 1, areBehindDashes: false },
  },
  (values, context, [request = '']) => signRequest(request, values, context),
);

export const revokeCommand = define(
  {
    ...FOLDER_FLAG,
    reason: {
      flag: 'reason',
      kind: { type: 'text' },
      placeholder: 'REASON',
      default: 'unspecified',
      help: 'reason, for example keyCompromise, superseded or cessationOfOperation',
    },
  },
  {
    example: 'host-1.pem --reason keyCompromise',
    operands: { usage: 'CERTIFICATE', min: 1, max: 1, areBehindDashes: false },
  },
  ({ caFolder, reason }, { now }, [certificate = '']) => {
    const chosen = REVOCATION_REASONS.find((known) => known === reason);
    if (chosen === undefined) {
      const rule = `one of ${REVOCATION_REASONS.join(', ')}`;
      throw new OptionError('ERR_OPTION_INVALID', `--reason must be ${rule}, found ${quote(reason)}`);
    }
    return revokeCertificate(certificate, caFolder, chosen, now());
  },
);

export const listCommand = define(
  {
    ...CA_FLAGS,
    ...days(30, 'days until the next list is due; verifiers may refuse all certificates after that', 3650),
    out: {
      ...OUT_FLAGS.out,
      help: 'file to write, - for standard output; crl.pem in the folder of the CA by default',
    },
    force: { ...OUT_FLAGS.force, help: 'replace a file that is not a revocation list' },
  },
  { example: '--days 7' },
  makeRevocationList,
);

export const showCommand = define(
  {
    ...FOLDER_FLAG,
    json: { flag: 'json', kind: { type: 'boolean' }, default: false, help: 'print JSON' },
  },
  { example: '' },
  async ({ caFolder, json }, { now }) => {
    const ca = await readCaFolder(caFolder);
    return formatCa(ca, await readIndex(ca.files), now(), json);
  },
);

const SETUP_FLAGS = {
  ...FOLDER_FLAG,
  ...SUBJECT_FLAGS,
  certificate: {
    flag: 'certificate',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'certificate whose subject may assume the role; alternatively --organization, --common-name, …',
  },
  name: {
    flag: 'name',
    kind: { type: 'pattern', pattern: /^[A-Za-z0-9_-]{1,64}$/, rule: '1 to 64 of A-Z a-z 0-9 _ -' },
    placeholder: 'NAME',
    default: 'rolesanywhere',
    help: 'name of trust anchor and profile',
  },
  roleName: {
    flag: 'role-name',
    kind: ROLE_NAME_KIND,
    placeholder: 'NAME',
    help: 'name of the role, --name by default',
  },
  policyArn: {
    flag: 'policy-arn',
    kind: {
      type: 'list',
      separator: ',',
      pattern: /^arn:aws[a-z-]*:iam::(aws|\d{12}):policy\/[\w+=.@/-]{1,512}$/,
      rule: 'the ARN of a managed policy',
    },
    placeholder: 'ARN',
    help: 'managed policy to attach to the role; may be repeated',
  },
  format: {
    flag: 'format',
    kind: {
      type: 'pattern',
      pattern: /^(cli|cloudformation|terraform)$/,
      rule: `one of ${SETUP_FORMATS.join(', ')}`,
    },
    placeholder: 'FORMAT',
    default: 'cli',
    help: 'cli: lines for the AWS CLI; cloudformation: a template in JSON; terraform: a configuration',
  },
} as const satisfies Flags;

export const setupCommand = define(
  SETUP_FLAGS,
  { example: '--organization Example\n  --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' },
  async (values) => {
    const { caFolder, name, roleName = name, policyArn: policyArns = [], format } = values;
    const { root } = await readCaFolder(caFolder);
    const subject = await chooseSubject(values);
    const chosen = SETUP_FORMATS.find((one) => one === format) ?? 'cli';
    return formatSetup(chosen, { name, roleName, root, subject, policyArns });
  },
);
