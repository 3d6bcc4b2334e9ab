/**
 * `npm run simulate`: simulates a fleet of hosts with sessions of one hour that share the 10 CreateSession a
 * second of an account, in virtual time. It compares this package's refresher, the very code, with the usual
 * rule "refresh five minutes before the end, retry three times", prints a table and writes
 * examples/fleet.svg. The same seed gives the same numbers.
 *
 * `npm run simulate -- --quick` simulates a small fleet at a tenth of the rate in under a minute, and writes
 * no file.
 *
 * The service is a bucket of 10 tokens, filled with 10 a second; a request without a token is throttled, at
 * no cost for others. A response takes 100 to 200 ms. The usual rule backs off as AWS SDKs do (up to 0.5, 1
 * and 2 s) and starts over after a minute.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

/** @import { Kept } from '../src/credentials/refresher.js' */
/** @typedef {{ readonly expiration: Date }} Credentials */
/** @typedef {Kept<Credentials>} Cached The content of a cache file */
/** @typedef {{ at: number, run: (() => void) | undefined }} Event */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;

const RATE = quick ? 1 : 10;
const BURST = 10;
const LIFE = HOUR;
/** Each host once an hour. */
const LIMIT = (RATE * LIFE) / SECOND;

const root = join(import.meta.dirname, '..');
const { Refresher, seededRandom, ServiceError } = await loadSources();

/** @typedef {typeof import('../src/credentials/refresher.js')} Refresh */
/** @typedef {typeof import('../src/errors.js')} Errors */
/** @typedef {typeof import('./credentials/virtual-clock.js')} VirtualClock */

/** @returns {Promise<Refresh & Errors & VirtualClock>} */
async function loadSources() {
  const files = ['src/credentials/refresher.ts', 'src/errors.ts', 'test/credentials/virtual-clock.ts'];
  const contents = files.map((file) => `export * from './${file}';`).join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  return import(`data:text/javascript;base64,${source}`);
}

const SLOT = 100;

/** The interval of progress lines in a log. */
const LOG_MS = MINUTE;

/** Tells on stderr how far a run is: a bar with an estimate on a terminal, a line a minute elsewhere. */
function createProgress() {
  const { stderr } = process;
  let [name, end, begunAt, toldAt] = ['', 1, 0, 0];
  return {
    /** @param {string} run @param {number} endMs in virtual time */
    begin(run, endMs) {
      [name, end, begunAt] = [run, endMs, performance.now()];
      toldAt ||= begunAt;
    },
    /** @param {number} virtualMs */
    tell(virtualMs) {
      const now = performance.now();
      if (now - toldAt < (stderr.isTTY ? 200 : LOG_MS)) return;
      toldAt = now;
      const share = Math.min(1, virtualMs / end);
      const left = share < 0.02 ? '' : `, ${Math.ceil(((now - begunAt) * (1 / share - 1)) / SECOND)} s left`;
      const text = `${name}: ${Math.floor(share * 100)} %${left}`;
      const bar = '#'.repeat(Math.floor(share * 30)).padEnd(30, '.');
      stderr.write(stderr.isTTY ? `\r[${bar}] ${text}\x1b[K` : `${text}\n`);
    },
    /** @param {string} result */
    done(result) {
      stderr.write(`${stderr.isTTY ? '\r\x1b[K' : ''}${result}\n`);
    },
  };
}

const progress = createProgress();

/** A queue for millions of events, in slots of a tenth of a second. */
function createTime(/** @type {number} */ endMs) {
  /** @type {(Event[] | undefined)[]} */
  const slots = new Array(Math.ceil(endMs / SLOT) + 1).fill(undefined);
  let now = 0;
  let open = -1;
  /** @type {Event[]} */
  let current = [];
  let next = 0;
  let hasSettled = false;
  /** @param {Event} event */
  const insert = (event) => {
    const slot = Math.floor(event.at / SLOT);
    if (slot >= slots.length) return;
    if (slot !== open) {
      const others = slots[slot];
      if (others) others.push(event);
      else slots[slot] = [event];
      return;
    }
    let place = current.length;
    for (; place > next && /** @type {Event} */ (current[place - 1]).at > event.at; place--) {
      current[place] = /** @type {Event} */ (current[place - 1]);
    }
    current[place] = event;
  };
  const runSlot = async () => {
    current = (slots[open] ?? []).sort((a, b) => a.at - b.at);
    for (next = 0; next < current.length; ) {
      const { at, run } = /** @type {Event} */ (current[next++]);
      now = run ? at : now;
      run?.();
      if (hasSettled) await new Promise(setImmediate);
      hasSettled = false;
    }
  };
  return {
    now: () => now,
    /** @param {number} delay @param {() => void} run */
    after(delay, run) {
      /** @type {Event} */
      const event = { at: now + Math.max(0, delay), run };
      insert(event);
      return event;
    },
    /** Lets promises settle after the current event. */
    settle() {
      hasSettled = true;
    },
    /** @param {number} until @param {() => boolean} isOver */
    async run(until, isOver = () => false) {
      for (open = Math.floor(now / SLOT); open * SLOT < until && !isOver(); open++) {
        progress.tell(open * SLOT);
        await runSlot();
        slots[open] = undefined;
      }
      open = -1;
      if (!isOver()) now = until;
    },
  };
}

/** @typedef {ReturnType<typeof createTime>} Time */

/** @param {Time} time @param {() => number} random */
function createService(time, random) {
  let [tokens, filledAt] = [BURST, 0];
  return {
    accepted: 0,
    throttled: 0,
    /** @param {(isAccepted: boolean) => void} answer */
    ask(answer) {
      tokens = Math.min(BURST, tokens + ((time.now() - filledAt) / SECOND) * RATE);
      filledAt = time.now();
      const isAccepted = tokens >= 1;
      if (isAccepted) tokens -= 1;
      this[isAccepted ? 'accepted' : 'throttled'] += 1;
      time.after(100 + 100 * random(), () => answer(isAccepted));
    },
  };
}

/** @typedef {{ time: Time, random: () => number, service: ReturnType<typeof createService> }} World */
/** @typedef {{ end: number, cached?: Cached | undefined, gaps: number, has: boolean, stop(): void }} Host */
/** @typedef {(world: World, host: Host) => void} Rule Starts a host, with what its cache has */

/** @param {World} world @param {Host} host @param {Cached} cached */
function receive({ time }, host, cached) {
  if (host.has && time.now() > host.end) host.gaps += 1;
  host.end = cached.value.expiration.getTime();
  host.has = true;
  host.cached = cached;
}

const busy = new ServiceError('ERR_SERVICE_THROTTLED', 'Rate exceeded', { status: 429 });

/** @type {Rule} */
function ours(world, host) {
  const { time, random, service } = world;
  const now = () => new Date(time.now());
  /** @param {number} delay @param {() => void} run */
  const after = (delay, run) => {
    const event = time.after(delay, run);
    return () => {
      event.run = undefined;
    };
  };
  /** @type {import('../src/credentials/refresher.js').Refresher<Credentials>} */
  const refresher = new Refresher({
    clock: { now, after },
    random,
    initial: host.cached,
    create: () =>
      new Promise((resolve, reject) => {
        service.ask((isAccepted) => {
          time.settle();
          if (!isAccepted) return reject(busy);
          const value = { expiration: new Date(time.now() + LIFE) };
          receive(world, host, { value, createdAt: now(), leadLimitMs: refresher.state().leadLimitMs });
          resolve(value);
        });
      }),
  });
  refresher.start();
  host.stop = () => refresher.stop();
}

/** @type {Rule} */
function usual(world, host) {
  const { time, random, service } = world;
  let isStopped = false;
  /** @param {number} tries */
  const attempt = (tries) => {
    if (isStopped) return;
    service.ask((isAccepted) => {
      if (isAccepted) {
        const value = { expiration: new Date(time.now() + LIFE) };
        receive(world, host, { value, createdAt: new Date(time.now()) });
        time.after(LIFE - 5 * MINUTE, () => attempt(0));
      } else if (tries < 3) time.after(random() * 500 * 2 ** tries, () => attempt(tries + 1));
      else time.after(MINUTE, () => attempt(0));
    });
  };
  time.after(host.cached === undefined ? 0 : host.end - 5 * MINUTE - time.now(), () => attempt(0));
  host.stop = () => {
    isStopped = true;
  };
}

/** @param {number} count @param {number} hours @returns {World & { hosts: Host[] }} */
function createFleet(count, hours) {
  const time = createTime(hours * HOUR);
  const random = seededRandom(1);
  const hosts = Array.from({ length: count }, () => ({
    ...{ end: 0, cached: undefined, gaps: 0, has: false, stop: () => {} },
  }));
  return { time, random, service: createService(time, random), hosts };
}

/** @param {World & { hosts: Host[] }} fleet Counts the hosts that are, or have been, without credentials. */
function countGapped({ hosts, time }) {
  return hosts.filter(({ gaps, end }) => gaps > 0 || end < time.now()).length;
}

/**
 * Simulates a fleet in which every host has credentials, of all ages, and has learned the pace, for three
 * hours. Then all hosts restart within a minute, with the contents of their caches, and another hour passes.
 *
 * @param {Rule} rule
 * @param {number} count
 */
async function steady(rule, count) {
  const fleet = createFleet(count, 4.2);
  progress.begin(`${rule.name}, ${count} hosts, steady`, 4.1 * HOUR);
  const { time, random, hosts, service } = fleet;
  for (const host of hosts) {
    const leadLimitMs = (5 + 2 * random()) * MINUTE;
    host.end = random() * (LIFE - 5 * MINUTE) + 5 * MINUTE;
    host.has = true;
    const value = { expiration: new Date(host.end) };
    host.cached = { value, createdAt: new Date(host.end - LIFE), leadLimitMs };
    rule(fleet, host);
  }
  await time.run(3 * HOUR);
  const steadyGapped = countGapped(fleet);
  const throttled = service.throttled / service.accepted;
  for (const host of hosts) {
    host.stop();
    host.gaps = 0;
    time.after(random() * MINUTE, () => rule(fleet, host));
  }
  await time.run(4.1 * HOUR);
  progress.done(`${rule.name}, ${count} hosts, steady: ${steadyGapped} with a gap`);
  return { count, gapped: steadyGapped, throttled, restartGapped: countGapped(fleet) };
}

/** @param {Rule} rule @param {number} count */
async function restart(rule, count) {
  const fleet = createFleet(count, 4);
  progress.begin(`${rule.name}, ${count} hosts, restart`, (1.2 * count * SECOND) / RATE);
  const { time, random, hosts, service } = fleet;
  for (const host of hosts) time.after(random() * MINUTE, () => rule(fleet, host));
  let ready = 0;
  /** @type {number[]} */
  const curve = [];
  await time.run(4 * HOUR, () => {
    if (time.now() >= curve.length * MINUTE) curve.push(hosts.filter(({ has }) => has).length / count);
    while (ready < count && hosts[ready]?.has) ready++;
    return ready === count;
  });
  curve.push(hosts.filter(({ has }) => has).length / count);
  progress.done(`${rule.name}, ${count} hosts, restart: ${(time.now() / MINUTE).toFixed(1)} minutes`);
  return { ratio: time.now() / ((count / RATE) * SECOND), throttled: service.throttled / count, curve };
}

/** The precision of the largest fleet: 900 hosts of 36,000. */
const STEP = LIMIT / 40;

/** @typedef {Awaited<ReturnType<typeof steady>>} Steady */

/**
 * @param {Rule} rule
 * @param {number} from
 * @returns {Promise<{ best: Steady, runs: Map<number, Steady> }>} the largest multiple of STEP without a gap
 */
async function largest(rule, from) {
  let best = await steady(rule, from);
  const runs = new Map([[from, best]]);
  const step = best.gapped === 0 ? STEP : -STEP;
  for (let count = from + step; step > 0 || best.gapped > 0; count += step) {
    const run = await steady(rule, count);
    runs.set(count, run);
    if (step > 0 && run.gapped > 0) break;
    best = run;
  }
  return { best, runs };
}

/** @param {readonly (readonly [what: string, usual: string, ours: string])[]} rows */
function print(rows) {
  console.log('| | the usual rule | here |\n|---|---|---|');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

/** @param {number[]} theirCurve @param {number[]} ourCurve @param {number} count */
function plot(theirCurve, ourCurve, count) {
  const minutes = Math.ceil(Math.max(theirCurve.length, ourCurve.length) / 10) * 10;
  const x = (/** @type {number} */ minute) => 50 + (minute / minutes) * 530;
  const y = (/** @type {number} */ share) => 230 - share * 200;
  const points = (/** @type {number[]} */ curve) =>
    curve.map((share, minute) => `${x(minute).toFixed(1)},${y(share).toFixed(1)}`).join(' ');
  const line = (/** @type {number[]} */ curve, /** @type {string} */ style) =>
    `<polyline fill="none" stroke-width="2" ${style} points="${points(curve)}"/>`;
  const limit = count / RATE / 60;
  const title = `${number(count)} hosts restart in one minute without a cache: share with credentials`;
  const ticks = Array.from({ length: minutes / 10 + 1 }, (_, index) => index * 10);
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 280" font-family="sans-serif" font-size="12"' +
      ' role="img">',
    `<title>${title}, by minute</title>`,
    '<rect width="600" height="280" fill="#fff"/>',
    `<text x="50" y="18">${title}</text>`,
    ...[0, 0.5, 1].map(
      (share) =>
        `<path d="M50 ${y(share)}H580" stroke="#ddd"/>` +
        `<text x="44" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
    ),
    ...ticks.map(
      (minute) => `<text x="${x(minute).toFixed(1)}" y="248" text-anchor="middle">${minute}</text>`,
    ),
    '<text x="315" y="268" text-anchor="middle">minutes</text>',
    `<path d="M${x(0)} ${y(0)}L${x(limit).toFixed(1)} ${y(1)}" stroke="#999" stroke-dasharray="4 4"/>`,
    line(theirCurve, 'stroke="#c0392b"'),
    line(ourCurve, 'stroke="#1f6fb2"'),
    '<text x="420" y="150" fill="#999">physical limit</text>',
    '<text x="420" y="168" fill="#c0392b">the usual rule</text>',
    '<text x="420" y="186" fill="#1f6fb2">here</text>',
    '</svg>\n',
  ].join('\n');
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString('en');
}

const startedAt = performance.now();
const crowd = 0.9 * LIMIT;
const best = { usual: await largest(usual, crowd - STEP), ours: await largest(ours, crowd) };
const theirs = best.usual.runs.get(crowd) ?? (await steady(usual, crowd));
const own = best.ours.runs.get(crowd) ?? (await steady(ours, crowd));
/** @type {[string, string, string][]} */
const rows = [
  [
    `hosts without a gap in anyone's credentials, of ${number(LIMIT)} that are possible`,
    .../** @type {const} */ ([number(best.usual.best.count), number(best.ours.best.count)]),
  ],
  [`of ${number(crowd)} hosts, with a gap within 3 hours`, number(theirs.gapped), number(own.gapped)],
  ['throttled requests for each session meanwhile', theirs.throttled.toFixed(2), own.throttled.toFixed(2)],
  [
    'all of them restart in one minute, with a cache: hosts with a gap',
    .../** @type {const} */ ([number(theirs.restartGapped), number(own.restartGapped)]),
  ],
];
for (const count of quick ? [1000, crowd] : [1000, 10_000, crowd]) {
  const [their, our] = [await restart(usual, count), await restart(ours, count)];
  const cell = (/** @type {typeof our} */ { ratio, throttled }) =>
    `${ratio.toFixed(3)} (${throttled.toFixed(0)} throttled requests a host)`;
  rows.push([
    `${number(count)} restart without a cache: time until all have credentials, over the limit`,
    .../** @type {const} */ ([cell(their), cell(our)]),
  ]);
  if (count === crowd && !quick) {
    await writeFile(join(root, 'examples', 'fleet.svg'), plot(their.curve, our.curve, count));
  }
}
if (quick) console.log('At a tenth of the rate, with a tenth of the hosts:\n');
print(rows);
console.error(`${((performance.now() - startedAt) / SECOND).toFixed(0)} s`);
