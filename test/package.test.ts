/**
 * Tests the tarball that `npm pack` makes, unpacked into an empty project beside copies of the packages that
 * it declares. The project is outside the repository, so that nothing is found there by accident. No network.
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../src/emulator.js';
import { startEmulator } from '../src/emulator.js';
import { VERSION } from '../src/index.js';

const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'rolesanywhere-package-'));
const project = join(work, 'project');
const installed = join(project, 'node_modules', 'rolesanywhere');
const manifest = readManifest(root);

const LIBRARY = [
  ...['IdentityError', 'OptionError', 'OutputError', 'RolesAnywhereError', 'ServiceError', 'TransportError'],
  ...['VERSION', 'checkIdentity', 'createSession', 'createSessionRequest', 'createVaultLoginData'],
  'explainRefusal',
  'formatProcessCredentials',
  ...['fromRolesAnywhere', 'loadIdentity', 'parseSessionResponse', 'signRequest', 'signRequestWithTrace'],
];
const LIBRARY_TYPES = [
  ...[
    'AskPassphrase',
    'AssumeRoleOptions',
    'Certificate',
    'CreateSessionOptions',
    'Explanation',
    'Finding',
    'FromRolesAnywhereInit',
  ],
  ...['HttpDispatcher', 'HttpRequest', 'HttpResponse', 'IdentityErrorCode', 'IdentitySource', 'LoadContext'],
  ...['Logger', 'OptionErrorCode', 'OutputErrorCode', 'PemOrPath', 'ProviderProperties', 'RefusedRequest'],
  ...['RolesAnywhereCredentials', 'RolesAnywhereProvider', 'ServiceErrorCode', 'Session', 'SessionRequest'],
  ...['SessionRequestSettings', 'SignedRequest', 'SigningContext', 'SigningIdentity', 'TransportErrorCode'],
  ...['TrustStatement', 'VaultLoginData', 'VaultLoginOptions', 'WarningCode'],
];
const EMULATOR = ['createAuthority', 'createEmulator', 'createRequest', 'startEmulator'];
const EMULATOR_TYPES = [
  ...['Authority', 'AuthorityKeyType', 'AuthorityOptions', 'EmulatedService', 'Emulator', 'EmulatorOptions'],
  ...['EmulatorRequest', 'EmulatorResponse', 'FaultRule', 'FaultSource', 'FaultStatus', 'Faults', 'Handler'],
  ...['AlternativeNames', 'IntermediateOptions', 'IssueOptions', 'IssuedCertificate', 'Revocation', 'Seed'],
  ...['CertificateRequest', 'RequestOptions', 'RevocationListOptions', 'SignOptions', 'SubjectAttributes'],
];

interface Packed {
  readonly filename: string;
  readonly files: ReadonlyArray<{ readonly path: string }>;
}

let packed: Packed;

beforeAll(() => {
  // The global setup has built the JavaScript; the types may be missing, or older than the sources.
  compile(root, ['-p', 'tsconfig.json', '--noEmit', 'false', '--emitDeclarationOnly']);
  packed = pack();
  mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  execFileSync('tar', ['-xzf', join(work, packed.filename), '-C', work]);
  cpSync(join(work, 'package'), installed, { recursive: true });
  for (const name of Object.keys(manifest.dependencies)) installFromHere(name);
  for (const [name, file] of Object.entries(manifest.bin)) {
    symlinkSync(join('..', 'rolesanywhere', file), join(project, 'node_modules', '.bin', name));
  }
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, object>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function compile(folder: string, options: readonly string[]): void {
  try {
    execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...options], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error(`tsc: ${(error as { stdout: string }).stdout}`);
  }
}

function pack(): Packed {
  const options = ['--json', '--offline', '--ignore-scripts', '--loglevel=error', '--pack-destination', work];
  const output = execFileSync('npm', ['pack', ...options], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return JSON.parse(output)[0];
}

/** A package and all that it depends on. */
function installFromHere(name: string): void {
  const target = join(project, 'node_modules', name);
  cpSync(join(root, 'node_modules', name), target, { recursive: true, dereference: true });
  for (const dependency of Object.keys(readManifest(target).dependencies ?? {})) {
    installFromHere(dependency);
  }
}

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node, or a program, in a folder, with a bare environment and without a network. */
async function run(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const noNetwork = join(import.meta.dirname, 'no-network.cjs');
  const options = { cwd, env: { PATH: process.env['PATH'], ...env }, timeout: 15_000 };
  try {
    const all = [`--require=${noNetwork}`, ...args];
    return { status: 0, ...(await promisify(execFile)(process.execPath, all, options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

async function evaluate(script: string, type = 'module'): Promise<unknown> {
  const { status, stdout, stderr } = await run(project, [`--input-type=${type}`, '--eval', script]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function packedTexts(): Array<readonly [path: string, text: string]> {
  return packed.files.map(({ path }) => [path, readFileSync(join(installed, path), 'utf8')]);
}

describe('package.json', () => {
  it('names existing files for all entries', () => {
    expect(manifest).toMatchObject({
      name: 'rolesanywhere',
      type: 'module',
      engines: { node: '>=20.19' },
      exports: {
        '.': { types: './dist/types/index.d.ts', default: './dist/index.js' },
        './emulator': { types: './dist/types/emulator.d.ts', default: './dist/emulator.js' },
        './package.json': './package.json',
      },
      main: './dist/index.js',
      types: './dist/types/index.d.ts',
      bin: { rolesanywhere: 'dist/bin.cjs', aws_signing_helper: 'dist/bin.cjs' },
      // The one-file program is built into the same folder.
      files: ['dist', '!dist/rolesanywhere-*', '!dist/SHA256SUMS', '!dist/*.cdx.json', 'CHANGELOG.md'],
      sideEffects: false,
    });
  });

  it('has the types first, as TypeScript requires', () => {
    expect(Object.keys(manifest.exports['.'] ?? {})[0]).toBe('types');
    expect(Object.keys(manifest.exports['./emulator'] ?? {})[0]).toBe('types');
  });

  it('runs no script on installation', () => {
    expect(Object.keys(manifest.scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
  });

  it('pins its packages', () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  });

  it('has the version that the library reports', () => {
    expect(VERSION).toBe(manifest.version);
  });

  it('agrees with the lock file, which names no registry', () => {
    const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
    const { version, dependencies, devDependencies } = JSON.parse(text).packages[''];
    expect({ version, dependencies, devDependencies }).toEqual({
      version: manifest.version,
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
    expect(text).not.toMatch(/"resolved"|\.tgz/);
  });

  it('refers to existing scripts and files', () => {
    const words = Object.values(manifest.scripts).flatMap((script) => script.split(/\s+/));
    const files = words.filter((word) => /\.(js|ts|json)$/.test(word));
    const missing = files.filter(
      (file) => !readdirSync(join(root, file, '..')).includes(file.replace(/.*\//, '')),
    );
    expect(missing).toEqual([]);
  });
});

describe('the tarball', () => {
  const paths = (): string[] => packed.files.map(({ path }) => path);

  it('has README, CHANGELOG and license', () => {
    const papers = paths().filter((path) => !path.startsWith('dist/'));
    expect(papers.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  });

  it('holds the programs, the library with its source maps, and no chunk that nothing imports', () => {
    const code = paths().filter((path) => /^dist\/(?!types\/)/.test(path));
    const entries = ['dist/index.js', 'dist/emulator.js'];
    const library = new Set([...entries, ...entries.flatMap((path) => chunksOf(path))]);
    const expected = [...library].flatMap((path) => [path, `${path}.map`]);
    const programs = [
      'dist/bin.cjs',
      'dist/bin-rest.cjs',
      'dist/bin-session.cjs',
      'dist/bin.LICENSES.txt',
      'dist/pkcs11-worker.cjs',
      'dist/rolesanywhere.1',
    ];
    expect(code.sort()).toEqual([...expected, ...programs].sort());
  });

  it('holds a library that loads three files', () => {
    const text = ['dist/index.js', ...chunksOf('dist/index.js')].map((path) => [
      path,
      readFileSync(join(installed, path), 'utf8'),
    ]);
    const files = new Map(text as Array<[string, string]>);
    const loaded = new Set(['dist/index.js']);
    for (const path of loaded) {
      const imports = [...(files.get(path) ?? '').matchAll(/^(?:\} from|import) "(.*)";/gm)];
      for (const [, name = ''] of imports) loaded.add(join(path, '..', name));
    }
    expect([...loaded].filter((path) => !path.startsWith('dist/'))).toEqual([]);
    expect(loaded.size).toBe(3);
  });

  it('holds source maps that contain the sources', async () => {
    const trace = `
      import { createSession } from 'rolesanywhere';
      await createSession({}).catch(({ stack }) => console.log(JSON.stringify(stack)));`;
    const args = ['--enable-source-maps', '--input-type=module', '--eval', trace];
    expect(JSON.parse((await run(project, args)).stdout)).toMatch(/src\/session\/[a-z-]+\.ts:\d+:\d+/);
    const contents = chunksOf('dist/index.js').map((path) => {
      const map = JSON.parse(readFileSync(join(installed, `${path}.map`), 'utf8'));
      const folder = join(root, path, '..');
      const written = map.sources.filter((source: string) => existsSync(join(folder, source)));
      return {
        found: written.map((source: string) => map.sourcesContent[map.sources.indexOf(source)]),
        expected: written.map((source: string) => readFileSync(join(folder, source), 'utf8')),
      };
    });
    expect(contents.flatMap(({ found }) => found)).toEqual(contents.flatMap(({ expected }) => expected));
    expect(contents.flatMap(({ found }) => found).length).toBeGreaterThan(50);
  });

  it.each([
    ['publint', ['src/cli.js', 'run', '--strict']],
    ['@arethetypeswrong/cli', ['dist/index.js', '--profile', 'esm-only']],
  ])('passes %s', async (name, [file = '', ...options]) => {
    const program = join(root, 'node_modules', name, file);
    const { status, stdout, stderr } = await run(work, [program, ...options, packed.filename]);
    expect(status, stdout + stderr).toBe(0);
  });

  it('holds the types of each source, and no others', () => {
    const types = paths().filter((path) => path.startsWith('dist/types/'));
    const expected = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `dist/types/${path.replaceAll('\\', '/').replace(/\.ts$/, '.d.ts')}`);
    expect(types.sort()).toEqual(expected.sort());
  });

  it('has a program with a shebang line', () => {
    expect(readFileSync(join(installed, 'dist', 'bin.cjs'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('names no path of this machine, and holds no key', () => {
    const names = [root, `${homedir()}/`, pathToFileURL(root).href];
    const found = packedTexts().flatMap(([path, text]) =>
      names.filter((name) => text.includes(name)).map((name) => `${path}: ${name}`),
    );
    expect(found).toEqual([]);
    const keys = packedTexts().filter(([, text]) =>
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}/.test(text),
    );
    expect(keys.map(([path]) => path)).toEqual([]);
  });
});

/** The chunks that a file imports, and that those import. */
function chunksOf(path: string, found = new Set<string>()): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const direct = [...text.matchAll(/["']\.\/(?:chunks\/)?([a-z0-9-]+-[A-Z0-9]{8}\.js)["']/g)];
  for (const chunk of direct.map(([, name]) => `dist/chunks/${name}`)) {
    if (found.has(chunk)) continue;
    found.add(chunk);
    chunksOf(chunk, found);
  }
  return [...found];
}

describe('the library, installed', () => {
  it.each([
    ['rolesanywhere', LIBRARY],
    ['rolesanywhere/emulator', EMULATOR],
  ])('%s exports the documented names', async (name, expected) => {
    const names = await evaluate(`console.log(JSON.stringify(Object.keys(await import('${name}'))))`);
    expect(names).toEqual([...expected].sort());
  });

  it('can be required, too', async () => {
    const version = await evaluate(
      `console.log(JSON.stringify(require('rolesanywhere').VERSION))`,
      'commonjs',
    );
    expect(version).toBe(manifest.version);
  });

  it('exports its package.json, and no internal file', async () => {
    const script = `
      const { default: { version } } = await import('rolesanywhere/package.json', { with: { type: 'json' } });
      const inner = await import('rolesanywhere/dist/index.js').catch(({ code }) => code);
      console.log(JSON.stringify([version, inner]));`;
    expect(await evaluate(script)).toEqual([manifest.version, 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
  });

  it('gets a session with the packages that it declares', async () => {
    const script = `
      import { createSession, fromRolesAnywhere, loadIdentity, checkIdentity } from 'rolesanywhere';
      import { startEmulator } from 'rolesanywhere/emulator';
      const emulator = await startEmulator();
      const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
      const { certificate, privateKey } = await emulator.authority.issue({ commonName: 'host' });
      const options = { certificate, privateKey, trustAnchorArn, profileArn, roleArn, endpoint };
      const findings = checkIdentity(await loadIdentity({ certificate, privateKey }));
      const { accountId } = await createSession(options);
      const { expiration } = await fromRolesAnywhere(options)();
      await emulator.close();
      console.log(JSON.stringify([findings, accountId, expiration instanceof Date]));`;
    expect(await evaluate(script)).toEqual([[], '123456789012', true]);
  });
});

describe('the types, installed', () => {
  const CONSUMER = `
    import type { ${LIBRARY_TYPES.join(', ')} } from 'rolesanywhere';
    import { ${LIBRARY.join(', ')} } from 'rolesanywhere';
    import type { ${EMULATOR_TYPES.join(', ')} } from 'rolesanywhere/emulator';
    import { ${EMULATOR.join(', ')} } from 'rolesanywhere/emulator';

    export const values = { ${[...LIBRARY, ...EMULATOR].join(', ')} };
    export type All = [${[...LIBRARY_TYPES, ...EMULATOR_TYPES].join(', ')}];

    const arns = { trustAnchorArn: 'a', profileArn: 'b', roleArn: process.env['ROLE_ARN'] };
    const source = { certificate: 'host.pem', env: process.env };
    const options: CreateSessionOptions = { ...arns, ...source, logger: console };
    export const session: Session = await createSession(options);
    export const token: string = (await fromRolesAnywhere(options)()).sessionToken;
    export const emulator: Emulator = await startEmulator({ port: 0 });
    // @ts-expect-error: an unknown option; where types are missing and all is any, this line fails
    createSession({ ...arns, certficate: 'host.pem' });
    // @ts-expect-error: an unknown option
    startEmulator({ prot: 0 });`;

  beforeAll(() => {
    installFromHere('@types/node');
    writeFileSync(join(project, 'consumer.ts'), CONSUMER);
    // The type tests use types of undici and of AWS's packages, which users of the library need not have.
    mkdirSync(join(claims, 'node_modules'), { recursive: true });
    writeFileSync(join(claims, 'package.json'), '{ "private": true, "type": "module" }');
    symlinkSync(installed, join(claims, 'node_modules', 'rolesanywhere'));
    for (const name of ['@aws-sdk', '@smithy', '@types', 'undici']) {
      symlinkSync(join(root, 'node_modules', name), join(claims, 'node_modules', name));
    }
  });

  const claims = join(work, 'claims');
  const RESOLUTIONS = [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const;

  it.each(RESOLUTIONS)('compile in a strict program without DOM: module %s, resolution %s', (...row) => {
    const [module, moduleResolution] = row;
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2023', lib: ['es2023'], types: ['node'], noEmit: true },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{ skipLibCheck: false, verbatimModuleSyntax: true },
    };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
    );
    expect(() => compile(project, ['-p', 'tsconfig.json'])).not.toThrow();
  });

  it.each(RESOLUTIONS)('satisfy types.test-d.ts: module %s, resolution %s', (...row) => {
    const [module, moduleResolution] = row;
    const text = readFileSync(join(root, 'test', 'types.test-d.ts'), 'utf8');
    writeFileSync(join(claims, 'claims.ts'), text.replaceAll('../src/index.js', 'rolesanywhere'));
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    const { rootDir, outDir, declaration, emitDeclarationOnly, ...options } = compilerOptions;
    const config = {
      compilerOptions: { ...options, module, moduleResolution, noEmit: true },
      files: ['claims.ts'],
    };
    writeFileSync(join(claims, 'tsconfig.json'), JSON.stringify(config));
    expect(() => compile(claims, ['-p', 'tsconfig.json'])).not.toThrow();
  });

  it('export no others', () => {
    const text = readFileSync(join(installed, 'dist', 'types', 'index.d.ts'), 'utf8');
    const names = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
      list.split(',').map((name) => name.trim()),
    );
    expect(names.filter((name) => name !== '').sort()).toEqual([...LIBRARY, ...LIBRARY_TYPES].sort());
  });
});

describe('the programs', () => {
  const alone = join(work, 'alone');
  let emulator: Emulator;
  let flags: string[];

  beforeAll(async () => {
    mkdirSync(alone);
    for (const file of ['bin.cjs', 'bin-session.cjs', 'bin-rest.cjs']) {
      cpSync(join(installed, 'dist', file), join(alone, file));
    }
    emulator = await startEmulator();
    const issued = await emulator.authority?.issue({ commonName: 'host' });
    const file = join(work, 'host.pem');
    writeFileSync(file, `${issued?.certificate}${issued?.privateKey}`);
    const { trustAnchorArn, profileArn, roleArn } = emulator;
    flags = ['--certificate', file, '--trust-anchor-arn', trustAnchorArn];
    flags.push('--profile-arn', profileArn, '--role-arn', roleArn);
  });

  afterAll(() => emulator.close());

  it.each(Object.keys(manifest.bin))('run when installed: %s', async (name) => {
    const { status, stdout, stderr } = await run(project, [join('node_modules', '.bin', name), 'version']);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `${name === 'aws_signing_helper' ? '1.8.0' : manifest.version}\n`,
      stderr: '',
    });
  });

  it('find the package that is loaded only for a proxy, when installed', async () => {
    const program = join('node_modules', '.bin', 'rolesanywhere');
    const proxy = { HTTPS_PROXY: 'http://127.0.0.1:9' };
    const { status, stderr } = await run(project, [program, 'credential-process', ...flags], proxy);
    expect(stderr).toMatch(/ECONNREFUSED 127\.0\.0\.1:9 \(ERR_NETWORK\)/);
    expect(status).toBe(4);
  });

  it.each([
    [['version'], /^\d+\.\d+\.\d+\n$/],
    [['--help'], /^Temporary AWS credentials[\s\S]*credential-process/],
    [['credential-process', '--help'], /^Usage: rolesanywhere credential-process[\s\S]*--certificate FILE/],
    [['emulator', '--help'], /^Usage: rolesanywhere emulator[\s\S]*--port PORT/],
  ])('run without a package around them: %s', async (args, expected) => {
    const { status, stdout, stderr } = await run(alone, ['bin.cjs', ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(expected);
  });

  it('get credentials with two of their files, and out of the cache with the first alone', async () => {
    const few = join(work, 'few');
    mkdirSync(few);
    for (const file of ['bin.cjs', 'bin-session.cjs']) cpSync(join(installed, 'dist', file), join(few, file));
    const args = ['bin.cjs', 'credential-process', ...flags, '--endpoint', emulator.endpoint, '--cache'];
    const cache = { XDG_RUNTIME_DIR: few };
    const created = await run(few, args, cache);
    expect({ ...created, stdout: '' }).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(created.stdout)).toMatchObject({ Version: 1, SessionToken: expect.any(String) });
    rmSync(join(few, 'bin-session.cjs'));
    expect(await run(few, args, cache)).toEqual(created);
  });

  it.each([
    ['ml-dsa-65.encrypted.pem', 3309],
    ['ec-p256.pbmac1.p12', undefined],
    ['ec-p256.scrypt-65536.pem', undefined],
  ])('find the modules that they load late: a key in %s signs', async (file, length) => {
    const bin = join('node_modules', 'rolesanywhere', manifest.bin['rolesanywhere'] ?? '');
    const key = join(root, 'certs', file);
    const env = { ROLESANYWHERE_PKCS8_PASSWORD: 'correct horse battery staple' };
    const args = [bin, 'sign-string', '--private-key', key, '--format', 'text'];
    const { status, stdout, stderr } = await run(project, args, env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // The signature of an EC key in DER is 70 to 72 octets long, seldom less.
    expect(stdout).toMatch(length === undefined ? /^30[0-9a-f]{130,142}$/ : /^[0-9a-f]+$/);
    if (length !== undefined) expect(stdout).toHaveLength(2 * length);
  });

  it('load rarely used code from packages: proxies, PKCS#12, ML-DSA, ca, the emulator', async () => {
    const { metafile } = await build({
      absWorkingDir: alone,
      entryPoints: ['bin.cjs'],
      bundle: true,
      platform: 'node',
      packages: 'external',
      external: ['./emulator.js'],
      outdir: 'nowhere',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    // The other files of the program.
    const outside = imports.filter((path) => !/^node:|^bin-(session|rest)\.cjs$/.test(path));
    expect(new Set(outside)).toEqual(
      new Set([
        ...['undici', '@noble/post-quantum/ml-dsa.js', 'pkijs', '@peculiar/x509', 'reflect-metadata'],
        './emulator.js',
      ]),
    );
  });
});
