/**
 * A process that takes a lock again and again, or once and keeps it. In each turn it adds one to a number in a
 * file, in two steps: two holders at a time would lose one.
 *
 *   node lock-holder.mjs FOLDER hold | count TURNS
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../src/files/lock.js';

const [folder = '', mode = '', turns = '0'] = process.argv.slice(2);

if (mode === 'hold') {
  const lock = await acquireLock(`${folder}/lock`, { waitMs: 10_000 });
  console.log(lock === undefined ? 'none' : 'held');
  await sleep(60_000);
} else {
  for (let turn = 0; turn < Number(turns); turn++) {
    const lock = await acquireLock(`${folder}/lock`, { waitMs: 60_000 });
    if (lock === undefined) throw new Error('no lock');
    const number = Number(readFileSync(`${folder}/number`, 'utf8'));
    appendFileSync(`${folder}/inside`, `in ${process.pid}\n`);
    // Another holder could act here.
    await sleep(1);
    writeFileSync(`${folder}/number`, String(number + 1));
    appendFileSync(`${folder}/inside`, `out ${process.pid}\n`);
    await lock.release();
  }
}
