/** Suppressing an ExperimentalWarning of Node, and no other warning. */
import { expect, it, onTestFinished } from 'vitest';
import { withoutExperimentalWarning } from '../../src/options/environment.js';

it('leaves out an ExperimentalWarning while a function runs, and no other warning', async () => {
  const seen: string[] = [];
  const listener = ({ name, message }: Error): void => void seen.push(`${name}: ${message}`);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  const result = withoutExperimentalWarning(() => {
    process.emitWarning('hidden', 'ExperimentalWarning');
    process.emitWarning('shown', 'DeprecationWarning');
    process.emitWarning(new Error('shown too'));
    return 1;
  });
  const fail = () => withoutExperimentalWarning(() => JSON.parse('{'));
  expect(fail).toThrow(SyntaxError);
  process.emitWarning('shown afterwards', 'ExperimentalWarning');
  await new Promise(setImmediate);
  expect(result).toBe(1);
  expect(seen).toEqual([
    'DeprecationWarning: shown',
    'Error: shown too',
    'ExperimentalWarning: shown afterwards',
  ]);
});
