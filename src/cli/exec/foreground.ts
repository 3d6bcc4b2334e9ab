/**
 * Tells whether this process is in the foreground of its terminal, which sends Ctrl-C to all processes there.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';

export function isInForeground(): boolean {
  try {
    // The name of the program, in parentheses, may hold anything. After it: state, ppid, pgrp, session, tty,
    // tpgid.
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return hasTerminal();
  }
}

/**
 * Systems other than Linux do not show the foreground process: there, a process with a terminal counts as
 * one.
 */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
