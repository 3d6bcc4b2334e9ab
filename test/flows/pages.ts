/**
 * Runs the blocks of a page of documentation as a reader would: in order, in one shell, on a machine with the
 * emulator in place of AWS. A comment before a block gives another action than pasting it:
 *
 *   <!-- file: PATH -->         save it as that file
 *   <!-- background: TEXT -->   run it in another terminal, and go on when it has printed TEXT
 *   <!-- administrator -->      run it with the access keys of an administrator
 *   <!-- same: PATH -->         compare it with that file of the repository
 *   <!-- not run: REASON -->    leave it
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';
import { KEY, NO_NETWORK, PROGRAM, ROOT } from './machine.js';

export interface Block {
  /** The place of the block: `examples/serve.md:12`. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
  /** The word of the comment before it: `file`, `background`, …; empty without one. */
  readonly directive: string;
  /** The text after the colon in that comment. */
  readonly argument: string;
}

export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function readPages(): readonly Page[] {
  const examples = readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.md'));
  const paths = ['README.md', 'src/README.md', 'src/emulator/README.md'];
  return [...paths, ...examples.map((file) => `examples/${file}`)].map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  // A block of a list is indented.
  const fenced = /(?:^ *<!-- ([a-z ]+)(?:: (.*?))? -->\n)?^( *)```(\w*)\n(.*?)^ *```$/gms;
  const blocks = [...text.matchAll(fenced)].map((match): Block => {
    const [, directive = '', argument = '', indent = '', language = '', indented = ''] = match;
    const body = indented.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const line = text.slice(0, match.index).split('\n').length;
    return { place: `${path}:${line}`, language, text: body, directive, argument };
  });
  return { path, text, blocks };
}

export interface Ran {
  readonly block: Block;
  /** The output, stdout and stderr. */
  readonly printed: string;
}

/**
 * Runs the blocks of a page that can be run. Throws an error with the place and the output of the block that
 * failed.
 */
export async function runPage(page: Page): Promise<readonly Ran[]> {
  const machine = await startReadersMachine(page);
  const substitute = await substitutions(page, machine.folder, machine.emulator);
  const steps = page.blocks.map((block, index) => {
    const output = join(machine.folder, `.output-${index}`);
    return { block, output, script: scriptOf(block, index, output, machine.folder, substitute) };
  });
  const script = steps.map(({ script }) => script).join('\n');
  const child = spawn('bash', ['-c', script], {
    cwd: machine.folder,
    env: machine.env,
    // A process group of its own, so that background processes end with it.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let problems = '';
  child.stderr.on('data', (chunk) => (problems += String(chunk)));
  // A command that does not end, in a block that lacks its comment.
  const limit = setTimeout(() => process.kill(-Number(child.pid), 'SIGKILL'), 50_000);
  const [status] = await once(child, 'exit');
  clearTimeout(limit);
  try {
    process.kill(-Number(child.pid), 'SIGTERM');
  } catch {
    // Nothing was left running.
  }
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const ran = steps.map(({ block, output }) => ({ block, printed: read(output) }));
  if (status === 0) return ran.filter(({ block }) => isRun(block));
  const failed = ran.findLast(({ block }, index) => isRun(block) && existsSync(steps[index]?.output ?? ''));
  throw new Error(`${failed?.block.place} ended with ${status}: ${failed?.printed}${problems}`);
}

export function isRun({ language, directive, argument }: Block): boolean {
  const isInstalled = (program: string): boolean => spawnSync('which', [program]).status === 0;
  if (directive === 'needs') return argument.split(' ').every(isInstalled);
  return ['sh', 'js'].includes(language) && ['', 'background', 'administrator'].includes(directive);
}

function scriptOf(
  block: Block,
  index: number,
  output: string,
  folder: string,
  substitute: (text: string) => string,
): string {
  const text = substitute(block.text);
  if (block.directive === 'file') {
    const path = block.argument.startsWith('~/') ? block.argument.slice(2) : block.argument;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // In the order of the page: a later block may replace the file.
    const source = join(folder, `.file-${index}`);
    writeFileSync(source, text);
    return `cp '${source}' '${join(folder, path)}'`;
  }
  if (!isRun(block)) return '';
  if (block.language === 'js') {
    writeFileSync(join(folder, `block-${index}.mjs`), text);
    return `node block-${index}.mjs > '${output}' 2>&1 || exit 1`;
  }
  if (block.directive === 'background') {
    const ready = `grep -qF -e '${block.argument}' '${output}'`;
    return [
      `( set -e\n${text}\n) > '${output}' 2>&1 &`,
      `for try in $(seq 200); do ${ready} && break; sleep 0.1; done; ${ready} || exit 1`,
    ].join('\n');
  }
  const asAdministrator = [
    `export AWS_ACCESS_KEY_ID='${KEY.accessKeyId}' AWS_SECRET_ACCESS_KEY='${KEY.secretAccessKey}'`,
    'export AWS_DEFAULT_REGION=us-east-1',
  ].join('\n');
  const before = block.directive === 'administrator' ? asAdministrator : '';
  const after =
    block.directive === 'administrator'
      ? 'unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION'
      : '';
  // In this shell, since later blocks use the variables that this one sets.
  return [
    `${before}\nexec 3>&1 4>&2 > '${output}' 2>&1`,
    'set -eo pipefail',
    text,
    'set +eo pipefail',
    `exec >&3 2>&4 3>&- 4>&-\n${after}`,
  ].join('\n');
}

/** A machine with the commands installed and an empty home folder. */
async function startReadersMachine(page: Page) {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-page-'));
  const authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  const emulator = await startEmulator({
    accountId: '111122223333',
    certificateAuthority: authority.certificate,
    // A page that creates the role must not find it.
    roleName: /(create-role|ca setup .*) --role-name ROLE_NAME/.test(page.text) ? 'Demo' : 'ROLE_NAME',
  });
  const bucketList = await startBucketList();
  onTestFinished(async () => {
    await emulator.close();
    await bucketList.close();
    rmSync(folder, { recursive: true });
  });
  for (const name of ['bin', 'pki', 'run']) mkdirSync(join(folder, name), { mode: 0o700 });
  writeFileSync(join(folder, 'pki', 'host.pem'), host.certificate);
  writeFileSync(join(folder, 'pki', 'host.key'), host.privateKey, { mode: 0o600 });
  const bin = join(folder, 'bin');
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const name of ['rolesanywhere', 'aws_signing_helper']) symlinkSync(PROGRAM, join(bin, name));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'rolesanywhere'));
  symlinkSync(join(ROOT, 'node_modules', '@aws-sdk'), join(folder, 'node_modules', '@aws-sdk'));
  symlinkSync(join(ROOT, 'node_modules', 'esbuild'), join(folder, 'node_modules', 'esbuild'));
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    NODE_OPTIONS: NO_NETWORK,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ENDPOINT_URL_S3: bucketList.endpoint,
    // Nothing listens there: a client that falls through to EC2 fails at once.
    AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9/',
    AWS_PAGER: '',
  };
  return { folder, emulator, env };
}

/** Stands for S3, which the emulator does not have: lists a bucket to a client with temporary credentials. */
async function startBucketList() {
  const server = createHttpServer(({ headers }, response) => {
    const isTemporary =
      /^AWS4-HMAC-SHA256 Credential=ASIA\w+\/\d{8}\/[\w-]+\/s3\/aws4_request, /.test(
        headers.authorization ?? '',
      ) && headers['x-amz-security-token'] !== undefined;
    const bucket =
      '<Bucket><Name>a-bucket</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket>';
    const list = `<ListAllMyBucketsResult><Buckets>${bucket}</Buckets></ListAllMyBucketsResult>`;
    response.writeHead(isTemporary ? 200 : 403, { 'content-type': 'application/xml' });
    response.end(isTemporary ? list : '<Error><Code>InvalidAccessKeyId</Code></Error>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  };
  return { endpoint: `http://127.0.0.1:${port}`, close };
}

/** Replaces placeholders: paths, ARNs, and ports that may be in use. */
async function substitutions(page: Page, folder: string, emulator: Emulator) {
  const pairs: Array<[string, string]> = [
    ['arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/TA_ID', emulator.trustAnchorArn],
    ['arn:aws:rolesanywhere:us-east-1:111122223333:profile/PROFILE_ID', emulator.profileArn],
    ['/etc/pki/', `${join(folder, 'pki')}/`],
    ['/run/rolesanywhere/', `${join(folder, 'run')}/`],
    ["'host.pem'", `'${join(folder, 'pki', 'host.pem')}'`],
    ["'host.key'", `'${join(folder, 'pki', 'host.key')}'`],
  ];
  for (const port of new Set(page.text.match(/\b9[09]\d\d\b/g) ?? [])) {
    pairs.push([`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`]);
  }
  const ports = new Map(pairs.filter(([from]) => from.startsWith('127.0.0.1:')));
  return (text: string): string => {
    let result = text;
    for (const [from, to] of pairs) result = result.replaceAll(from, to);
    for (const [from, to] of ports) {
      const [, port = ''] = from.split(':');
      const [, free = ''] = to.split(':');
      result = result.replaceAll(`--port ${port}`, `--port ${free}`);
      // The default port of `serve`.
      if (port === '9911' && !result.includes('--port')) {
        result = result.replaceAll('rolesanywhere serve', `rolesanywhere serve --port ${free}`);
      }
    }
    return result;
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Lists links of a page to files or headings that do not exist. */
export function brokenLinks({ path, text }: Page): readonly string[] {
  const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
    if (!existsSync(target)) return true;
    if (anchor === undefined) return false;
    const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm);
    const anchors = [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
    return !anchors.includes(anchor);
  });
}
