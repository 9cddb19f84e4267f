/** Servers and folders of a test. After the test, all servers end before the folders are removed. */
import { rm } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { type StartOptions, startServer, type TestServer, temporaryFolder } from './server.ts';

interface Belongings {
  readonly servers: TestServer[];
  readonly folders: string[];
}

const belongings = new WeakMap<TestContext, Belongings>();

function belongingsOf(t: TestContext): Belongings {
  const known = belongings.get(t);
  if (known) return known;
  const made: Belongings = { servers: [], folders: [] };
  belongings.set(t, made);
  t.after(async () => {
    for (const server of made.servers) await server.kill();
    for (const folder of made.folders) await rm(folder, { recursive: true, force: true });
  });
  return made;
}

/** A folder that is removed after the test, when the servers of `serverFor` are killed. */
export async function folderFor(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  belongingsOf(t).folders.push(folder);
  return folder;
}

/** A server that is killed after the test if it is still running. */
export async function serverFor(
  t: TestContext,
  options: StartOptions & { readonly data: string },
): Promise<TestServer> {
  const server = await startServer(options);
  belongingsOf(t).servers.push(server);
  return server;
}
