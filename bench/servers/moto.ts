/** The server of moto, which tests of other software use. It keeps everything in memory, and checks no signature. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../../test/support/poll.ts';
import { findProgram, freeAddress, runProgram, startProgram } from '../programs.ts';
import { glacierOf, VAULT } from './glacier.ts';
import type { StartServer } from './server.ts';

/** Expedited jobs take two seconds in moto. */
const JOB_MS = 2500;

export const startMoto: StartServer = async (options) => {
  const program = findProgram('moto_server');
  if (program === undefined || !(await works(program))) {
    options.progress("moto's server is not installed (Python package moto with the extra server): left out");
    return undefined;
  }
  const address = await freeAddress();
  const pid = await startProgram(options, program, ['-H', address.host, '-p', String(address.port)], address);
  const url = `http://${address.host}:${address.port}`;
  const accountId = '123456789012';
  const glacier = glacierOf({ url, accountId, accessKeyId: 'any', secretAccessKey: 'any' });
  await eventually('a vault in moto', async () => {
    const { status } = await glacier.api.call('PUT', `/-/vaults/${VAULT}`);
    return status === 201;
  });
  return {
    name: 'moto',
    note: 'in memory; checks nothing; one archive for each piece, because it has no multipart upload',
    address,
    processes: [pid],
    prepareLarge: async (pieces) => ({
      requests: pieces.map((piece) => glacier.upload(piece)),
      finish: async () => {},
    }),
    prepareSmall: (bodies) => bodies.map((body) => glacier.upload(body)),
    /** Stores only one piece, because moto copies a body several times in memory. */
    async prepareDownload(bodies) {
      const archiveId = await glacier.api.upload(VAULT, await readFile(bodies.file));
      const jobId = await glacier.retrieve(archiveId, 'Expedited');
      await pause(JOB_MS);
      return { request: () => glacier.output(jobId), bytes: bodies.piece.length };
    },
    // All pieces are equal, and moto stores equal archives once.
    removeLarge: async () => {},
  };
};

/** Checks that the program runs: a version manager may leave a path entry for a missing program. */
function works(program: string): Promise<boolean> {
  return runProgram(program, ['--help']).then(
    () => true,
    () => false,
  );
}
