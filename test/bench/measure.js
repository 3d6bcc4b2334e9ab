/** What every benchmark needs: runs of Node, medians, and one form of report. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
/** @param {string} file */
export const cert = (file) => join(root, 'certs', file);
export const RUNS = 31;

/** @param {number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Runs Node and waits for its end, without blocking the emulator in this process.
 *
 * @param {string[]} args
 * @returns {Promise<{ ms: number; stdout: string }>}
 */
export function node(...args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.on('close', (status) => {
      if (status !== 0) reject(new Error(`exit status ${status}`));
      else resolve({ ms: performance.now() - start, stdout });
    });
  });
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
  console.log(`${what.padEnd(46)} ${ratio.toFixed(2).padStart(6)}   aim ${aim.padEnd(20)} ${detail}`);
}
