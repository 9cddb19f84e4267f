import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';

/**
 * A small file from which a transfer goes on: a first line that names the transfer, then a line for each part that is
 * done. A line that a crash left incomplete is ignored. Only its owner may read it.
 */
export interface StateFile<Head> {
  readonly head: Head;
  /** Tree hashes of parts that are done, by their indices. */
  readonly done: ReadonlyMap<number, string>;
}

interface DoneLine {
  readonly part: number;
  readonly treeHash: string;
}

/** Reads a state file; undefined if there is none. @throws Error for a file that is none. */
export async function readState<Head extends { readonly moraine: string }>(
  path: string,
  kind: string,
): Promise<StateFile<Head> | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const [first, ...lines] = text.split('\n').map(parseLine);
  const head = first as Head | undefined;
  if (head?.moraine !== kind) throw new Error(`${path} is not the state of an ${kind}: name another file`);
  const parts = lines.filter((line): line is DoneLine => typeof (line as DoneLine)?.part === 'number');
  return { head, done: new Map(parts.map(({ part, treeHash }) => [part, treeHash])) };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Writes a whole state file in place of the old one. */
export async function writeState<Head>(path: string, { head, done }: StateFile<Head>): Promise<void> {
  const lines = [...done].map(([part, treeHash]) => lineOf(part, treeHash));
  const fresh = `${path}.new`;
  await writeFile(fresh, `${JSON.stringify(head)}\n${lines.join('')}`, { mode: 0o600 });
  await rename(fresh, path);
}

/** Adds a part that is done. */
export async function appendDone(path: string, part: number, treeHash: string): Promise<void> {
  await appendFile(path, lineOf(part, treeHash));
}

export async function removeState(path: string): Promise<void> {
  await rm(path, { force: true });
}

function lineOf(part: number, treeHash: string): string {
  return `${JSON.stringify({ part, treeHash } satisfies DoneLine)}\n`;
}
