/** Asks at the terminal for the required options that have no value yet. */
import { resolve } from 'node:path';
import { asRolesAnywhereError, OptionError } from '../../errors.js';
import { fileStatus } from '../../files/file-status.js';
import { expandHome } from '../../files/home.js';
import { isReference } from '../../identity/identity-source.js';
import { parseArn } from '../../options/arn.js';
import type { Choices, Environment } from '../../options/choose-values.js';
import { ask } from '../terminal/prompt.js';

interface Question {
  readonly name: 'certificate' | 'privateKey' | 'trustAnchorArn' | 'profileArn' | 'roleArn';
  readonly text: string;
  /** @returns the value; undefined for none @throws OptionError if the answer is invalid */
  readonly read: (answer: string, env: Environment) => Promise<string | undefined>;
}

const QUESTIONS: readonly Question[] = [
  { name: 'certificate', text: 'Certificate file: ', read: readPath },
  {
    name: 'privateKey',
    text: 'Private key file (empty: it is in the file of the certificate): ',
    read: async (answer, env) => (answer === '' ? undefined : readPath(answer, env)),
  },
  { name: 'trustAnchorArn', text: 'ARN of the trust anchor: ', read: arnReader('trust-anchor') },
  { name: 'profileArn', text: 'ARN of the Roles Anywhere profile: ', read: arnReader('profile') },
  { name: 'roleArn', text: 'ARN of the role: ', read: arnReader('role') },
];

type Answers = Readonly<Record<string, string>>;

/**
 * Asks nothing if the required options are given, or if there is no terminal.
 *
 * @returns answers by option name
 * @throws OptionError `ERR_OPTION_MISSING`: Ctrl-D
 */
export async function askForMissing(
  choices: Choices<Question['name'] | 'signCommand'>,
  env: Environment,
): Promise<Answers> {
  const isMissing = (name: Question['name']): boolean => choices[name].value === undefined;
  const isComplete = QUESTIONS.every(({ name }) => name === 'privateKey' || !isMissing(name));
  const answers: Record<string, string> = {};
  if (isComplete) return answers;
  for (const question of QUESTIONS) {
    if (!isMissing(question.name)) continue;
    if (question.name === 'privateKey' && choices.signCommand.value !== undefined) continue;
    const value = await askOne(question, env);
    if (value === null) return answers;
    if (value !== undefined) answers[question.name] = value;
  }
  return answers;
}

/** Asks until the answer is valid. @returns null without a terminal */
async function askOne({ text, read }: Question, env: Environment): Promise<string | undefined | null> {
  for (let problem = ''; ; ) {
    const answer = await ask(`${problem}${text}`);
    if (answer === undefined) return null;
    try {
      return await read(answer.trim(), env);
    } catch (error) {
      problem = `${asRolesAnywhereError(error).message}\n`;
    }
  }
}

async function readPath(answer: string, env: Environment): Promise<string> {
  if (isReference(answer)) return answer;
  if (answer === '') throw new OptionError('ERR_OPTION_INVALID', 'give the path of a file');
  const path = resolve(expandHome(answer, env));
  const status = await fileStatus(path);
  if ('problem' in status) throw new OptionError('ERR_OPTION_INVALID', `${path}: ${status.problem}`);
  if (status.kind === 'folder') throw new OptionError('ERR_OPTION_INVALID', `${path} is a folder`);
  return path;
}

function arnReader(kind: 'trust-anchor' | 'profile' | 'role') {
  return async (answer: string): Promise<string> => {
    parseArn(answer, kind, 'the answer');
    return answer;
  };
}
