/** Checks the options of a session as `doctor` does, without the network. */
import type { Settings } from '../../session/settings.js';
import { sourceFrom } from '../../session/settings.js';
import type { Examination, Step } from '../doctor/examination.js';
import { examineCertificate, examineChain, examineFiles } from '../doctor/examine-identity.js';
import { examineArns } from '../doctor/examine-service.js';
import type { Line } from '../doctor/line.js';
import type { Flags } from '../options/flags.js';
import type { SessionChoices } from '../options/read-session.js';

const STEPS: readonly Step[] = [examineFiles, examineCertificate, examineChain, examineArns];

export interface CheckedOptions {
  /** The first error; undefined if there is none. */
  readonly error: Line | undefined;
  readonly warnings: readonly Line[];
  /** Undefined with an error. */
  readonly settings: Settings | undefined;
}

export async function checkOptions(
  { choices, context }: Pick<SessionChoices<Flags>, 'choices' | 'context'>,
  now: () => Date,
): Promise<CheckedOptions> {
  const examination: Examination = {
    ...{ choices, context, now, isBlocked: false },
    source: sourceFrom(choices),
    options: { ca: undefined, trustPolicy: undefined, profile: undefined, offline: true },
  };
  const lines: Line[] = [];
  for (const step of STEPS) lines.push(...((await step(examination))?.lines ?? []));
  return {
    error: lines.find(({ mark }) => mark === 'error'),
    warnings: lines.filter(({ mark }) => mark === 'warning'),
    settings: examination.settings,
  };
}
