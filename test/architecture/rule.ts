/** The type of a rule of the house: a function from files to violations, and files that break it. */
import type { Files } from './source.js';

export interface Rule {
  readonly name: string;
  /** One line for each violation: `path:line what`. */
  readonly violations: (files: Files) => string[];
  /** Files laid over `src/` in memory, each of which breaks the rule once: proof that the rule can fail. */
  readonly breaks: ReadonlyArray<readonly [path: string, text: string]>;
}
