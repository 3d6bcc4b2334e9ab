/**
 * `npm run fuzz`: feeds mutated fixtures to everything that reads input from outside, and prints figures.
 * Every outcome must be success or an error class of ours, within limits of CPU time and memory for each
 * input.
 *
 * Options: `--seconds N` in all (default 600), `--seed TEXT` (default 1), `--target NAME` (repeatable),
 * `--first N --count N` (to repeat inputs), `--keep FOLDER` (where the inputs of findings are written).
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** @typedef {import('./worker.js').Figures} Figures @typedef {import('./worker.js').Finding} Finding */

const NAMES = [
  ...[
    'der',
    'pem',
    'pkcs7',
    'pkcs12',
    'key',
    'bundle',
    'ini',
    'aws-config',
    'config',
    'selector',
    'seed',
    'anchor',
  ],
  ...['answer', 'sts', 'http', 'session', 'calls', 'policy'],
  ...['tpm-key', 'uri', 'request', 'crl', 'serve'],
];

/** One input that takes longer hangs; it is far above the limit of CPU time, since machines can be busy. */
const HANG_MS = 60_000;

/** Of one target; a run stops there. */
const MOST_FINDINGS = 10;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true, default: NAMES },
    first: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000000000' },
    keep: { type: 'string', default: join(tmpdir(), 'rolesanywhere-fuzz-findings') },
  },
});

const work = mkdtempSync(join(tmpdir(), 'rolesanywhere-fuzz-'));
const setUp = new URL('./typescript.js', import.meta.url).href;
const noNetwork = join(import.meta.dirname, '..', 'no-network.cjs');

/**
 * Runs a worker; undefined if it hung or died.
 *
 * @param {object} job
 * @param {number} limitMs
 * @returns {Promise<any>}
 */
async function run(job, limitMs) {
  const worker = fork(join(import.meta.dirname, 'worker.ts'), [], {
    execArgv: ['--require', noNetwork, '--import', setUp],
    env: { PATH: process.env['PATH'] ?? '', HOME: work },
  });
  const timer = setTimeout(() => worker.kill('SIGKILL'), limitMs);
  /** @type {unknown} */
  let answer;
  worker.once('message', (message) => {
    answer = message;
  });
  worker.send(job);
  await new Promise((resolve) => worker.once('close', resolve));
  clearTimeout(timer);
  return answer;
}

/**
 * Fuzzes one target: worker after worker, since one ends with each input that goes over a limit.
 *
 * @param {string} target
 * @param {number} seconds
 */
async function fuzz(target, seconds) {
  const progress = join(work, `${target}.progress`);
  const end = Date.now() + seconds * 1000;
  const last = Number(options.first) + Number(options.count);
  const total = {
    ...{ target, inputs: 0, slowestMs: 0, slowest: 0, peakMb: 0 },
    outcomes: /** @type {Record<string, number>} */ ({}),
    findings: /** @type {Finding[]} */ ([]),
  };
  let first = Number(options.first);
  do {
    writeFileSync(progress, '');
    const left = Math.max(1, (end - Date.now()) / 1000);
    const job = { target, seed: options.seed, first, count: last - first, seconds: left, progress };
    const figures = (await run(job, left * 1000 + HANG_MS)) ?? lost(first, progress);
    add(total, figures);
    for (const finding of figures.findings) {
      const confirmed = isKnown(total.findings, finding) ? undefined : await confirm(job, finding);
      if (confirmed === undefined) continue;
      total.findings.push(confirmed);
      await keep(target, confirmed);
    }
    first = figures.next;
  } while (first < last && Date.now() < end && total.findings.length < MOST_FINDINGS);
  return total;
}

/**
 * The figures of a worker that was killed or killed itself.
 *
 * @param {number} first
 * @param {string} progress
 * @returns {Figures}
 */
function lost(first, progress) {
  const text = readFileSync(progress, 'utf8');
  if (text === '') throw new Error('the worker ended before its first input');
  const index = Number(text);
  const detail = 'hangs or kills the process';
  const findings = [{ index, kind: /** @type {const} */ ('hang'), detail, cause: `hang ${index}` }];
  const next = index + 1;
  return { inputs: next - first, outcomes: {}, slowestMs: 0, slowest: index, peakMb: 0, findings, next };
}

/**
 * @param {readonly Finding[]} findings
 * @param {Finding} finding
 */
function isKnown(findings, { cause }) {
  return findings.some((known) => known.cause === cause);
}

/**
 * Limits are for one input, and a process has had many: an input that exceeded one runs once more, alone.
 *
 * @param {object} job
 * @param {Finding} finding
 * @returns {Promise<Finding | undefined>}
 */
async function confirm(job, finding) {
  if (finding.kind === 'error' || finding.kind === 'hang') return finding;
  /** @type {Figures | undefined} */
  const alone = await run({ ...job, first: finding.index, count: 1, seconds: HANG_MS / 1000 }, HANG_MS);
  return alone === undefined ? finding : alone.findings.find(({ kind }) => kind === finding.kind);
}

/**
 * @param {{ inputs: number, outcomes: Record<string, number>, slowestMs: number, slowest: number, peakMb:
 *   number }} total
 * @param {Figures} figures
 */
function add(total, figures) {
  total.inputs += figures.inputs;
  for (const [name, count] of Object.entries(figures.outcomes)) {
    total.outcomes[name] = (total.outcomes[name] ?? 0) + count;
  }
  if (figures.slowestMs > total.slowestMs) {
    [total.slowestMs, total.slowest] = [figures.slowestMs, figures.slowest];
  }
  total.peakMb = Math.max(total.peakMb, figures.peakMb);
}

/**
 * Writes the input of a finding to a file, and says how to repeat it.
 *
 * @param {string} target
 * @param {Finding} finding
 */
async function keep(target, { index, kind, detail }) {
  mkdirSync(options.keep, { recursive: true });
  const file = join(options.keep, `${target}-${options.seed}-${index}`);
  const input = await run({ target, seed: options.seed, first: index, print: true }, HANG_MS);
  writeFileSync(file, Buffer.from(String(input), 'base64'));
  console.log(`\n${target}: ${kind}: ${detail.split('\n').slice(0, 4).join('\n  ')}`);
  console.log(`  ${file}`);
  console.log(`  npm run fuzz -- --target ${target} --seed ${options.seed} --first ${index} --count 1`);
}

const targets = [...options.target];
const lanes = Math.min(targets.length, availableParallelism());
const seconds = (Number(options.seconds) * lanes) / targets.length;
/** @type {Array<Awaited<ReturnType<typeof fuzz>>>} */
const results = [];
await Promise.all(
  Array.from({ length: lanes }, async () => {
    for (let target = targets.shift(); target !== undefined; target = targets.shift()) {
      const result = await fuzz(target, seconds);
      results.push(result);
      const { inputs, outcomes, slowestMs, slowest, peakMb, findings } = result;
      const sorted = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
      const counts = sorted.map(([name, count]) => `${name} ${count}`).join(', ');
      console.log(
        `${target}: ${inputs} inputs, slowest ${Math.round(slowestMs)} ms (input ${slowest}), ` +
          `peak ${Math.round(peakMb)} MB, ${findings.length} findings; ${counts}`,
      );
    }
  }),
);
rmSync(work, { recursive: true, force: true });
const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
const findings = results.reduce((sum, result) => sum + result.findings.length, 0);
console.log(`\n${inputs} inputs (seed ${options.seed}), ${findings} findings`);
process.exitCode = findings === 0 && inputs > 0 ? 0 : 1;
