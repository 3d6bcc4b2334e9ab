/** Facts about the instance, from flags through CreateSession to `aws rolesanywhere get-subject`. */
import { GetSubjectCommand, ListSubjectsCommand, RolesAnywhereClient } from '@aws-sdk/client-rolesanywhere';
import { expect, it, onTestFinished } from 'vitest';
import { runMain } from '../program.js';
import { KEY, startMachine } from './machine.js';

it('the subject has the unchanged properties of the last request', async () => {
  const { env, emulator } = await startMachine();
  const flags = {
    certificate: env['CERTIFICATE'],
    'private-key': env['PRIVATE_KEY'],
    'trust-anchor-arn': emulator.trustAnchorArn,
    'profile-arn': emulator.profileArn,
    'role-arn': emulator.roleArn,
    endpoint: emulator.endpoint,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const given = ['rack=7', 'host=a=b "c"', 'city=Zürich'].flatMap((pair) => ['--instance-property', pair]);
  const { status, stderr } = await runMain(['credential-process', ...args, ...given]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

  const client = new RolesAnywhereClient({
    ...{ region: emulator.region, endpoint: emulator.endpoint, credentials: KEY },
  });
  onTestFinished(() => client.destroy());
  const { subjects = [] } = await client.send(new ListSubjectsCommand({}));
  const { subject } = await client.send(new GetSubjectCommand({ subjectId: subjects[0]?.subjectId }));
  expect(subject?.instanceProperties?.map(({ properties }) => properties)).toEqual([
    { rack: '7', host: 'a=b "c"', city: 'Zürich' },
  ]);
});
