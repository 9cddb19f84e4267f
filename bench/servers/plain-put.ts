/** Common code for servers that store a body under the path of a plain PUT. */
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Body } from '../bodies.ts';
import type { Address, LoadRequest } from '../load.ts';
import { type BenchServer, bodiless, headOf } from './server.ts';

interface PlainPut {
  readonly name: string;
  readonly note: string;
  readonly address: Address;
  readonly processes: readonly number[];
  /** Folder of its files. Paths begin with `large`, `small` or `download`, which are folders in it. */
  readonly root: string;
  /** Headers that it needs for an upload, besides host and length. */
  headersOf(body: Body): Readonly<Record<string, string>>;
  /** Called with the files of a large upload after the last response. */
  finish(files: readonly string[]): Promise<void>;
}

/** Creates the folders that paths name. */
export async function makeRoot(root: string): Promise<void> {
  for (const folder of ['large', 'small', 'download']) await mkdir(join(root, folder), { recursive: true });
}

export function plainPut({ root, headersOf, finish, ...server }: PlainPut): BenchServer {
  const host = `${server.address.host}:${server.address.port}`;
  let serial = 0;
  const put = (folder: string, body: Body): LoadRequest & { readonly file: string } => {
    const path = `/${folder}/${serial++}`;
    const headers = { host, 'content-length': String(body.length), ...headersOf(body) };
    const { offset, length } = body;
    return { head: headOf('PUT', path, headers), offset, length, file: join(root, path) };
  };
  return {
    ...server,
    async prepareLarge(pieces) {
      const requests = pieces.map((piece) => put('large', piece));
      return { requests, finish: () => finish(requests.map(({ file }) => file)) };
    },
    prepareSmall: (bodies) => bodies.map((body) => put('small', body)),
    async prepareDownload(bodies, pieces) {
      await writeRepeated(bodies.file, join(root, 'download', 'archive'), pieces);
      const request = bodiless(headOf('GET', '/download/archive', { host }));
      return { request: () => request, bytes: bodies.piece.length * pieces };
    },
    async removeLarge() {
      for (const name of await readdir(join(root, 'large'))) await rm(join(root, 'large', name));
    },
  };
}

/** Makes a file that repeats the bytes of another. */
export async function writeRepeated(from: string, to: string, times: number): Promise<void> {
  const source = await open(from);
  const bytes = await source.readFile();
  await source.close();
  const target = await open(to, 'w');
  try {
    for (let i = 0; i < times; i++) await target.write(bytes, 0, bytes.length, i * bytes.length);
  } finally {
    await target.close();
  }
}
