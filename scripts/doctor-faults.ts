/**
 * `npm run doctor-faults [-- CODE]`: prepares faults of a data folder, each alone. `moraine doctor` must find each, its
 * advice is followed, and then the doctor must not find it any more. Exit code 1 if not. Needs root.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { apiOf } from '../test/support/api.ts';
import { DOCTOR_FAULTS, type Patient, type PreparedFault } from '../test/support/doctor-faults.ts';
import { MAIN } from '../test/support/program.ts';
import { startServer, temporaryFolder } from '../test/support/server.ts';

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly found: string;
  readonly advice: string;
}

if (process.getuid?.() !== 0) {
  console.error('needs root, to change owners');
  process.exit(2);
}
const folder = await temporaryFolder();
const healthy = join(folder, 'healthy');
let failures = 0;
const wanted = DOCTOR_FAULTS.filter(({ code }) => process.argv[2] === undefined || code === process.argv[2]);
try {
  await makeHealthy();
  for (const fault of wanted) await play(fault);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `${wanted.length} faults prepared: ${wanted.length - failures} found, and gone when the advice was followed`,
);
if (failures > 0 || wanted.length === 0) process.exitCode = 1;

async function makeHealthy(): Promise<void> {
  const server = await startServer({ data: healthy });
  const api = apiOf(server);
  await api.createVault('v');
  await api.upload('v', Buffer.alloc(400_000, 1));
  await api.upload('v', Buffer.alloc(4000, 2));
  await server.stop();
}

async function play(fault: PreparedFault): Promise<void> {
  const title = `${fault.code}: ${fault.name}`;
  const own = join(folder, 'patient');
  const patient: Patient = {
    data: join(own, 'data'),
    backup: healthy,
    aside: join(own, 'aside'),
    flags: [],
    env: {},
  };
  try {
    await mkdir(patient.aside, { recursive: true });
    await cp(healthy, patient.data, { recursive: true, preserveTimestamps: true });
    await fault.prepare(patient);
    const before = (await doctor(patient)).find(({ code }) => code === fault.code);
    if (before === undefined) throw new Error('it is not found');
    if (!fault.advice.test(`${before.found} ${before.advice}`))
      throw new Error(`its advice is: ${before.found} ${before.advice}`);
    await fault.follow(patient);
    const after = (await doctor(patient)).find(({ code }) => code === fault.code);
    if (after !== undefined) throw new Error(`it is still found: ${after.found}`);
    console.log(`${title}: ${before.advice}`);
  } catch (error) {
    failures++;
    console.log(`${title}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** What the doctor finds to be wrong. */
function doctor({ data, flags, env, descriptors }: Patient): Promise<Finding[]> {
  const command = [process.execPath, MAIN, 'doctor', '--json', '--full', '--data', data, ...flags];
  const [program = '', ...args] =
    descriptors === undefined
      ? command
      : ['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh', ...command];
  return new Promise((resolve, reject) => {
    execFile(program, args, { env: { ...process.env, ...env } }, (_error, output, errors) => {
      if (output === '') reject(new Error(`the doctor ended with: ${errors}`));
      const all = output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Finding]));
      resolve(all.filter(({ severity }) => severity !== 'ok'));
    });
  });
}
