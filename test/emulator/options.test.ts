import { expect, it } from 'vitest';
import { EMULATOR_FLAGS } from '../../src/cli/commands/emulator.js';
import { EMULATOR_DEFAULTS, parseEmulatorOptions } from '../../src/emulator/options.js';

it('has the defaults that `rolesanywhere emulator --help` names', () => {
  const { host, port, region, accountId, roleName, faultSeed } = EMULATOR_FLAGS;
  expect(EMULATOR_DEFAULTS).toEqual({
    host: host.default,
    port: port.default,
    region: region.default,
    accountId: accountId.default,
    roleName: roleName.default,
    faultSeed: faultSeed.default,
  });
});

it('fills in the defaults and leaves what a seed excludes undefined', () => {
  const settings = parseEmulatorOptions({});
  expect(settings).toMatchObject({ host: '127.0.0.1', port: 0, tls: false, verbose: false, faults: [] });
  expect(settings.now().getTime()).toBeCloseTo(Date.now(), -4);
  expect([settings.roleName, settings.region, settings.accountId]).toEqual([undefined, undefined, undefined]);
});
