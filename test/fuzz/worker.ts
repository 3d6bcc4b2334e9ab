/**
 * Runs inputs of one target in this process until its time is over or an input breaks a limit. It reports to
 * its parent: each unacceptable outcome, and the figures at the end.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { isRolesAnywhereError } from '../../src/errors.js';
import { diceOf } from './dice.js';
import type { Limits } from './targets.js';
import { makeInput, TARGETS, Violation } from './targets.js';

export interface Job {
  readonly target: string;
  readonly seed: string;
  /** The first input. */
  readonly first: number;
  /** The maximum number of inputs. */
  readonly count: number;
  readonly seconds: number;
  /** A file in which the worker keeps the number of its current input, for the case that it is killed. */
  readonly progress: string;
}

export interface Finding {
  readonly index: number;
  /** `error`: not an error class of ours. `cpu` and `memory`: over the limit. `hang`: no result at all. */
  readonly kind: 'error' | 'cpu' | 'memory' | 'hang';
  readonly detail: string;
  /** Equal for findings with one cause. */
  readonly cause: string;
}

export interface Figures {
  readonly inputs: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly slowest: number;
  readonly peakMb: number;
  readonly findings: readonly Finding[];
  /** The number of the next input. */
  readonly next: number;
}

const USUAL: Limits = { cpuMs: 2000, memoryMb: 300 };

/** The input by its number, and dice for what the run decides. */
function inputOf(job: Job, index: number) {
  const target = targetOf(job.target);
  const dice = diceOf(`${job.seed} ${job.target} ${index}`);
  return { input: makeInput(target, fixturesOf(job.target), dice), dice };
}

function targetOf(name: string) {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined)
    throw new Error(`no target ${name}: ${TARGETS.map((one) => one.name).join(', ')}`);
  return target;
}

const fixtures = new Map<string, readonly Buffer[]>();

function fixturesOf(name: string): readonly Buffer[] {
  const found = fixtures.get(name) ?? targetOf(name).fixtures();
  fixtures.set(name, found);
  return found;
}

async function work(job: Job): Promise<Figures> {
  const target = targetOf(job.target);
  const limits = target.limits ?? USUAL;
  const run = await target.prepare();
  const outcomes: Record<string, number> = {};
  const findings: Finding[] = [];
  const end = Date.now() + job.seconds * 1000;
  const progress = openSync(job.progress, 'w');
  let [slowestMs, slowest, index] = [0, job.first, job.first];
  for (; index < job.first + job.count && Date.now() < end; index++) {
    const { input, dice } = inputOf(job, index);
    writeSync(progress, String(index).padEnd(20), 0);
    const started = process.cpuUsage();
    const { outcome, finding } = await judge(() => run(input, dice));
    const { user, system } = process.cpuUsage(started);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (finding !== undefined) findings.push({ index, kind: 'error', ...finding });
    const cpuMs = (user + system) / 1000;
    if (cpuMs > slowestMs) [slowestMs, slowest] = [cpuMs, index];
    const over = overLimit(limits, cpuMs);
    if (over === undefined) continue;
    // The memory of this process never shrinks again: a new one goes on.
    findings.push({ index, cause: `${over.kind} ${index}`, ...over });
    index++;
    break;
  }
  closeSync(progress);
  const inputs = index - job.first;
  return { inputs, outcomes, slowestMs, slowest, peakMb: peakMb(), findings, next: index };
}

function peakMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}

function overLimit(
  { cpuMs, memoryMb }: Limits,
  usedMs: number,
): Pick<Finding, 'kind' | 'detail'> | undefined {
  if (usedMs > cpuMs) return { kind: 'cpu', detail: `${Math.round(usedMs)} ms of CPU time, limit ${cpuMs}` };
  const used = peakMb();
  if (used > memoryMb) return { kind: 'memory', detail: `${Math.round(used)} MB, limit ${memoryMb}` };
  return undefined;
}

interface Judged {
  readonly outcome: string;
  readonly finding?: Pick<Finding, 'detail' | 'cause'>;
}

async function judge(run: () => Promise<string> | string): Promise<Judged> {
  try {
    return { outcome: await run() };
  } catch (error) {
    if (isRolesAnywhereError(error)) return { outcome: error.code };
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const at = error instanceof Violation ? '' : (/\/src\/[^\s)]*/.exec(stack)?.[0] ?? '');
    const cause = error instanceof Violation ? error.message.slice(0, 60) : `${stack.split('\n')[0]} ${at}`;
    return { outcome: 'FOREIGN', finding: { detail: stack, cause } };
  }
}

process.once('message', async (job: Job & { readonly print?: boolean }) => {
  const answer = job.print ? inputOf(job, job.first).input.toString('base64') : await work(job);
  // Exiting at once would cut off a long message.
  process.send?.(answer, () => process.exit());
});
