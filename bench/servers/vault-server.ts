/** Moraine with one vault of any number of archives, which are only rows of the catalog, without bytes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fillVault } from '../../scripts/fill-vault.ts';
import { startServer, type TestServer } from '../../test/support/server.ts';
import type { Address } from '../load.ts';
import type { BenchOptions } from '../section.ts';
import { type Glacier, glacierOf, VAULT } from './glacier.ts';

export interface VaultServer {
  readonly server: TestServer;
  readonly address: Address;
  readonly glacier: Glacier;
  /** Time from its start until it printed that it is ready. */
  readonly readyMs: number;
}

/** A data folder with the vault, and a program to serve it. */
export interface VaultFolder {
  readonly main: string;
  readonly data: string;
  /** Number of its archives. */
  readonly archives: number;
}

/** Creates the folder, and fills the vault. No server runs afterwards. */
export async function makeVault(options: BenchOptions, vault: VaultFolder): Promise<void> {
  const { data, archives } = vault;
  const { server, glacier } = await startVaultServer(options, vault);
  await glacier.api.createVault(VAULT);
  await server.stop();
  if (archives > 0) fillVault({ data, vault: VAULT, count: archives });
}

/** Starts a server. It stops with the section, if it still runs. */
export async function startVaultServer(
  { atEnd }: Pick<BenchOptions, 'atEnd'>,
  { data, main }: VaultFolder,
  flags: readonly string[] = [],
): Promise<VaultServer> {
  const began = performance.now();
  const starting = startServer({ data, main, flags: ['--log-level', 'warn', ...flags] });
  atEnd(async () => {
    const started = await starting.catch(() => undefined);
    await started?.stop();
  });
  const server = await starting;
  const readyMs = performance.now() - began;
  const { hostname: host, port } = new URL(server.url);
  return { server, address: { host, port: Number(port) }, glacier: glacierOf(server), readyMs };
}

/** Ids of the newest archives, newest first. */
export function newestArchives(data: string, count: number): string[] {
  return idsOf(data, (db) =>
    db.prepare('select id from archives where upload_no is null order by no desc limit ?').all(count),
  );
}

/** Ids of random archives among the first `among`. */
export function scatteredArchives(data: string, count: number, among: number): string[] {
  return idsOf(data, (db) => {
    const after = db.prepare('select id from archives where no >= ? order by no limit 1');
    const places = new Set<number>();
    while (places.size < Math.min(count, among / 2)) places.add(1 + Math.floor(Math.random() * among));
    const ids = [...places].map((no) => after.get(no)?.['id']);
    return [...new Set(ids)].map((id) => ({ id }));
  });
}

function idsOf(data: string, select: (db: DatabaseSync) => Record<string, unknown>[]): string[] {
  const db = new DatabaseSync(join(data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
  try {
    return select(db).map(({ id }) => String(id));
  } finally {
    db.close();
  }
}
