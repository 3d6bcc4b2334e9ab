/** Tells whether two paths lead to the same file. */
import { realpathSync } from 'node:fs';

export function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
