/**
 * The S3 engine for comparison: the one in S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or else the
 * RADOS Gateway of a Ceph cluster that `scripts/engines/ceph-rgw-up` starts.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../programs.ts';
import type { BenchOptions } from '../section.ts';
import { type S3Engine, startBucket } from './s3-bucket.ts';
import type { StartServer } from './server.ts';
import type { S3Access } from './sign-s3.ts';

const script = (name: string) => fileURLToPath(new URL(`../../scripts/engines/${name}`, import.meta.url));

export const startS3: StartServer = async (options) => {
  const given = givenEngine();
  if (given) {
    const server = await startBucket(given);
    options.atEnd(() => server.removeBucket());
    return server;
  }
  const cluster = await startCluster(options);
  return cluster && startBucket(cluster);
};

function givenEngine(): S3Engine | undefined {
  const endpoint = process.env['S3_ENDPOINT'];
  if (endpoint === undefined) return undefined;
  const access = accessOf(process.env);
  return { name: 'S3 engine', endpoint, ...access, processes: [], collectGarbage: async () => {} };
}

/** Starts Ceph; undefined if it is not installed, or this process is not root's. */
async function startCluster({ folder, atEnd, progress }: BenchOptions): Promise<S3Engine | undefined> {
  const state = join(folder, 'ceph');
  const starting = runProgram(script('ceph-rgw-up'), [state]);
  atEnd(async () => {
    await starting.catch(() => {});
    await runProgram(script('ceph-rgw-down'), [state]);
  });
  try {
    const { output } = await starting;
    const values = Object.fromEntries(
      output
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );
    const pids = ['mon', 'osd', 'rgw'].map((name) => readFile(join(state, 'run', `${name}.pid`), 'utf8'));
    return {
      name: 'Ceph RGW',
      endpoint: values['S3_ENDPOINT'] ?? '',
      ...accessOf(values),
      processes: (await Promise.all(pids)).map(Number),
      async collectGarbage() {
        const configuration = ['--conf', values['CEPH_CONF'] ?? ''];
        await runProgram('radosgw-admin', [...configuration, 'gc', 'process', '--include-all']);
      },
    };
  } catch (error) {
    progress(`no S3 engine: ${error instanceof Error ? error.message.trim() : String(error)}: left out`);
    return undefined;
  }
}

function accessOf(values: Readonly<Record<string, string | undefined>>): S3Access {
  return {
    region: values['S3_REGION'] ?? 'us-east-1',
    accessKeyId: values['S3_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: values['S3_SECRET_ACCESS_KEY'] ?? '',
  };
}
