/** Measures programs and functions: runs in turns in a clean environment, medians, and one form of report. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
/** @param {string} file */
export const cert = (file) => join(root, 'certs', file);
export const RUNS = 9;

/**
 * The whole environment of a measured program: `NODE_EXTRA_CA_CERTS` alone, for instance, adds 37 ms to an
 * empty Node 20.
 */
const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', HOME: tmpdir() };

/** The helper of AWS to compare with: `PEER=/path/to/aws_signing_helper npm run bench`. */
export const PEER = process.env['PEER'];

/** The program as one file without Node, where it has been built. */
const EXE = join(root, 'dist', `rolesanywhere-${process.platform}-${process.arch}`);
export const exe = existsSync(EXE) ? EXE : undefined;

/** @param {number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Runs a program and waits for its end, without blocking the emulator in this process.
 *
 * @param {readonly string[]} command
 * @param {Record<string, string>} [env] besides the clean environment
 * @returns {Promise<{ ms: number; stdout: string }>}
 */
export function run([program = '', ...args], env = {}) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, {
      env: { ...ENVIRONMENT, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      if (status !== 0) reject(new Error(`${program} ended with status ${status}: ${stderr}`));
      else resolve({ ms: performance.now() - start, stdout });
    });
  });
}

/** @param {string[]} args */
export function node(...args) {
  return run([process.execPath, ...args]);
}

/**
 * Runs programs in turns, so that other load of the machine affects all of them.
 *
 * @template {string} Name
 * @param {Record<Name, (() => Promise<{ ms: number }>) | undefined>} programs
 * @returns {Promise<Record<Name, number>>} the median of each, in milliseconds; NaN for one that is undefined
 */
export async function inTurns(programs) {
  const names = /** @type {Name[]} */ (Object.keys(programs));
  const times = names.map(() => /** @type {number[]} */ ([]));
  // The first turn fills the caches of the file system, and is not counted.
  for (let turn = 0; turn <= RUNS; turn++) {
    for (const [index, name] of names.entries()) {
      const ms = (await programs[name]?.())?.ms;
      if (turn > 0 && ms !== undefined) times[index]?.push(ms);
    }
  }
  const medians = names.map((name, index) => [name, median(times[index] ?? [])]);
  return Object.fromEntries(medians);
}

/**
 * Calls a second, over a quarter of a second.
 *
 * @param {() => unknown} call
 */
export async function rate(call) {
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < 250) {
    for (let i = 0; i < 20; i++) await call();
    calls += 20;
  }
  return (calls * 1000) / (performance.now() - start);
}

/**
 * @param {string} what
 * @param {number} ratio
 * @param {string} aim
 * @param {string} detail
 */
export function report(what, ratio, aim, detail) {
  console.log(`${what.padEnd(60)} ${ratio.toFixed(2).padStart(6)}   aim ${aim.padEnd(18)} ${detail}`);
}

/**
 * @param {string} what
 * @param {string} reason
 */
export function notMeasured(what, reason) {
  console.log(`${what.padEnd(60)}      –   not measured: ${reason}`);
}
