/** Faults of a data folder for `moraine doctor`: how each is prepared, and how its advice is followed. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DiskStore } from '../../src/blobs/disk/disk-store.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { makeCertificate } from './certificate.ts';
import { runMoraine } from './command.ts';
import { startServer } from './server.ts';

const DAY_MS = 86_400_000;

/** A copy of a healthy data folder, and how the doctor is called on it. */
export interface Patient {
  readonly data: string;
  /** A second copy, as a backup has it. */
  readonly backup: string;
  /** A folder outside the data folder. */
  readonly aside: string;
  flags: readonly string[];
  env: Readonly<Record<string, string>>;
  /** How many files the doctor's shell may have open; undefined for no limit of its own. */
  descriptors?: number | undefined;
}

export interface PreparedFault {
  readonly code: string;
  /** Tells apart faults of one code. */
  readonly name: string;
  prepare(patient: Patient): Promise<void>;
  /** What the advice must say. */
  readonly advice: RegExp;
  /** Does what the advice says. */
  follow(patient: Patient): Promise<void>;
}

function query(data: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(join(data, 'catalog.sqlite'));
  for (const statement of statements) database.exec(statement);
  database.close();
}

async function inStore(data: string, use: (store: DiskStore) => Promise<void>): Promise<void> {
  const store = new DiskStore(join(data, 'store'), randomBytes, nodeHash);
  await use(store).finally(() => store.close());
}

async function only(folder: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => pattern.test(name));
  return join(folder, names[0] ?? 'nothing');
}

const blobFile = (data: string) => only(join(data, 'store/blobs'), /^..\/[0-9a-f]{32}$/);
const packFile = (data: string) => only(join(data, 'store/packs'), /\.pack$/);
const journalFile = (data: string) => only(join(data, 'store/journal'), /\.jsonl$/);

/** Puts the file back from the backup. */
async function putBack({ data, backup }: Patient, path: string): Promise<void> {
  await cp(join(backup, path), join(data, path), { recursive: true, force: true, preserveTimestamps: true });
}

async function moraine(patient: Patient, ...args: readonly string[]): Promise<void> {
  const { code, errors } = await runMoraine([...args, '--data', patient.data]);
  if (code !== 0) throw new Error(`moraine ${args.join(' ')} ended with ${code}: ${errors}`);
}

async function serveOnce({ data, flags }: Patient): Promise<void> {
  const server = await startServer({ data, flags });
  await server.stop();
}

async function onServer(patient: Patient, ...args: readonly string[]): Promise<void> {
  const server = await startServer({ data: patient.data });
  try {
    await moraine(patient, ...args);
  } finally {
    await server.stop();
  }
}

async function changeLine(path: string): Promise<void> {
  const [first = '', second = '', ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [first, second.replace(/"type":"./, '"type":"X'), ...rest].join('\n'));
}

async function certificate(patient: Patient, nowMs: number): Promise<void> {
  const { cert, key } = makeCertificate(nowMs);
  const [certPath, keyPath] = [join(patient.aside, 'cert.pem'), join(patient.aside, 'key.pem')];
  await writeFile(certPath, cert);
  await writeFile(keyPath, key);
  patient.flags = ['--tls-cert', certPath, '--tls-key', keyPath];
}

const mode = (path: string, open: number, closed: number) => ({
  prepare: ({ data }: Patient) => chmod(join(data, path), open),
  follow: ({ data }: Patient) => chmod(join(data, path), closed),
});

/** Every one is prepared in a folder of its own. All need root, for owners and modes. */
export const DOCTOR_FAULTS: readonly PreparedFault[] = [
  {
    code: 'world-writable',
    name: 'a folder of the store',
    advice: /chmod o-w/,
    ...mode('store/notes', 0o777, 0o700),
  },
  { code: 'master-key-open', name: 'master.key', advice: /chmod 600/, ...mode('master.key', 0o644, 0o600) },
  { code: 'group-writable', name: 'the data folder', advice: /chmod g-w/, ...mode('.', 0o770, 0o700) },
  {
    code: 'open-to-others',
    name: 'the catalog',
    advice: /chmod 600/,
    ...mode('catalog.sqlite', 0o644, 0o600),
  },
  { code: 'open-to-others', name: 'the audit log', advice: /chmod 700/, ...mode('audit', 0o755, 0o700) },
  {
    code: 'other-owner',
    name: 'the packs',
    prepare: ({ data }) => chown(join(data, 'store/packs'), 4711, 4711),
    advice: /chown -R/,
    follow: async ({ data }) => {
      const { uid, gid } = await stat(join(data, 'master.key'));
      execFileSync('chown', ['-R', `${uid}:${gid}`, data]);
    },
  },
  {
    code: 'start-refused',
    name: 'no packs',
    prepare: ({ data }) => rm(join(data, 'store/packs'), { recursive: true }),
    advice: /backup|disk/i,
    follow: (patient) => putBack(patient, 'store/packs'),
  },
  {
    code: 'start-refused',
    name: 'no store',
    prepare: ({ data, aside }) => rename(join(data, 'store'), join(aside, 'store')),
    advice: /disk|mount/i,
    follow: ({ data, aside }) => rename(join(aside, 'store'), join(data, 'store')),
  },
  {
    code: 'start-fails',
    name: 'a damaged identity',
    prepare: ({ data }) => writeFile(join(data, 'store/identity.json'), '{}'),
    advice: /backup|Restoring/,
    follow: (patient) => putBack(patient, 'store/identity.json'),
  },
  {
    code: 'catalog-unusable',
    name: 'a catalog of other bytes',
    prepare: ({ data }) => writeFile(join(data, 'catalog.sqlite'), Buffer.alloc(8192, 1)),
    advice: /moraine rebuild --replace|backup/,
    follow: (patient) => moraine(patient, 'rebuild', '--replace'),
  },
  {
    code: 'catalog-older',
    name: 'an older catalog',
    prepare: ({ data }) => inStore(data, (store) => store.noteCommitNumber(1_000_000_000)),
    advice: /moraine rebuild --replace/,
    follow: (patient) => moraine(patient, 'rebuild', '--replace'),
  },
  {
    code: 'clock-behind',
    name: 'trusted time of tomorrow',
    prepare: ({ data }) =>
      inStore(data, (store) =>
        store.putNote('time-seen', JSON.stringify({ trustedMs: Date.now() + DAY_MS, leaped: false })),
      ),
    advice: /clock/,
    // The clock of this machine is right, and the note was made up.
    follow: (patient) => putBack(patient, 'store/notes'),
  },
  {
    code: 'clock-leaped',
    name: 'a leap that was noticed',
    prepare: ({ data }) =>
      inStore(data, (store) =>
        store.putNote('time-seen', JSON.stringify({ trustedMs: Date.now() - 1000, leaped: true })),
      ),
    advice: /moraine lock confirm-time/,
    follow: async (patient) => {
      await moraine(patient, 'lock', 'confirm-time');
      await serveOnce(patient);
    },
  },
  {
    code: 'few-descriptors',
    name: 'a shell with 100 files',
    prepare: async (patient) => {
      patient.descriptors = 100;
    },
    advice: /ulimit -n 1024/,
    follow: async (patient) => {
      patient.descriptors = 1024;
    },
  },
  {
    code: 'weak-key',
    name: 'a root key that can be guessed',
    prepare: async (patient) => {
      patient.env = { MORAINE_ROOT_ACCESS_KEY_ID: 'test', MORAINE_ROOT_SECRET_ACCESS_KEY: 'test' };
    },
    advice: /at least 16 characters/,
    follow: async (patient) => {
      const secret = randomBytes(30).toString('base64url');
      patient.env = {
        MORAINE_ROOT_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        MORAINE_ROOT_SECRET_ACCESS_KEY: secret,
      };
    },
  },
  {
    code: 'certificate-expired',
    name: 'of ten days ago',
    prepare: (patient) => certificate(patient, Date.now() - 10 * DAY_MS),
    advice: /[Rr]enew/,
    follow: removeCertificate,
  },
  {
    code: 'certificate-expires',
    name: 'of a day',
    prepare: (patient) => certificate(patient, Date.now()),
    advice: /[Rr]enew/,
    follow: removeCertificate,
  },
  {
    code: 'certificate-early',
    name: 'of next week',
    prepare: (patient) => certificate(patient, Date.now() + 7 * DAY_MS),
    advice: /clock/,
    follow: removeCertificate,
  },
  {
    code: 'certificate-unusable',
    name: 'with the key of another',
    prepare: async (patient) => {
      await certificate(patient, Date.now());
      await writeFile(join(patient.aside, 'key.pem'), makeCertificate().key);
    },
    advice: /key|file/,
    follow: removeCertificate,
  },
  {
    code: 'scratch-left',
    name: 'of a doctor that was killed',
    prepare: async ({ data }) => void (await mkdir(join(data, 'store/doctor-left'))),
    advice: /[Rr]emove/,
    follow: ({ data }) => rm(join(data, 'store/doctor-left'), { recursive: true }),
  },
  {
    code: 'newer-catalog',
    name: 'a migration of a later version',
    prepare: async ({ data }) =>
      query(data, `insert into kysely_migration (name, timestamp) values ('0099-later', '')`),
    advice: /version/,
    follow: (patient) => putBack(patient, 'catalog.sqlite'),
  },
  {
    code: 'damage-known',
    name: 'a row of a file that is whole',
    prepare: async ({ data }) =>
      query(
        data,
        `insert into damage (ref, leaf, kind, first_seen_ms, last_seen_ms) values ('journal/x', -1, 'file', 1, 1)`,
      ),
    advice: /moraine damage ls/,
    follow: (patient) => onServer(patient, 'scrub', 'now', '--wait'),
  },
  {
    code: 'scrub-paused',
    name: 'by an operator',
    prepare: async ({ data }) =>
      query(data, `insert into settings (name, value) values ('scrub-paused', 'true')`),
    advice: /moraine scrub resume/,
    follow: (patient) => moraine(patient, 'scrub', 'resume'),
  },
  {
    code: 'scrub-late',
    name: 'for years',
    prepare: ({ data }) =>
      inStore(data, (store) => {
        const pass = { startedMs: 1, endedMs: 2, bytes: 0, blobs: 0, marks: [], isFast: false };
        return store.putNote('scrub', JSON.stringify({ last: { ...pass, orphans: { count: 0, refs: [] } } }));
      }),
    advice: /moraine scrub now/,
    follow: (patient) => onServer(patient, 'scrub', 'now', '--wait'),
  },
  {
    code: 'journal-damaged',
    name: 'a changed line',
    prepare: async ({ data }) => changeLine(await journalFile(data)),
    advice: /backup/,
    follow: (patient) => putBack(patient, 'store/journal'),
  },
  {
    code: 'journal-gap',
    name: 'a file that is missing',
    prepare: async ({ data }) => rm(await journalFile(data)),
    advice: /backup|back/,
    follow: (patient) => putBack(patient, 'store/journal'),
  },
  {
    code: 'outbox-waiting',
    name: 'an entry of a server that was killed',
    prepare: async ({ data }) =>
      query(
        data,
        `insert into store_records (entry) values ('{"type":"setting","name":"x","value":"y"}')`,
        `insert into store_records (entry) values ('{"type":"setting","name":"z","value":"y"}')`,
      ),
    advice: /[Ss]tart/,
    follow: serveOnce,
  },
  {
    code: 'blobs-missing',
    name: 'a blob that somebody removed',
    prepare: async ({ data }) => rm(await blobFile(data)),
    advice: /backup|Putting bytes back|put/,
    follow: (patient) => putBack(patient, 'store/blobs'),
  },
  {
    code: 'store-damaged',
    name: 'the header of a record',
    prepare: async ({ data }) => {
      const path = await packFile(data);
      const bytes = await readFile(path);
      bytes.fill(0, 0, 64);
      await writeFile(path, bytes);
    },
    advice: /moraine (scrub|damage)/,
    follow: (patient) => putBack(patient, 'store/packs'),
  },
  {
    code: 'orphans',
    name: 'a blob that nothing names',
    prepare: ({ data }) => inStore(data, storeOrphan),
    advice: /scrub\.md|aside/,
    follow: async ({ data }) => {
      const database = new DatabaseSync(join(data, 'catalog.sqlite'));
      const named = new Set(
        database
          .prepare('select ref from archives')
          .all()
          .map(({ ref }) => ref),
      );
      database.close();
      await inStore(data, async (store) => {
        for await (const ref of store.list()) if (!named.has(ref)) await store.remove(ref);
      });
    },
  },
  {
    code: 'unknown-entries',
    name: 'of a newer version',
    prepare: ({ data }) =>
      inStore(data, (store) =>
        store.appendEntries([{ seq: 1_000_000, body: { type: 'of-a-later-version' } }]),
      ),
    advice: /version/,
    follow: (patient) => restoreJournal(patient),
  },
];

async function restoreJournal(patient: Patient): Promise<void> {
  await rm(join(patient.data, 'store/journal'), { recursive: true });
  await putBack(patient, 'store/journal');
}

/** Serves without TLS, until a new certificate is there. */
async function removeCertificate(patient: Patient): Promise<void> {
  patient.flags = [];
}

async function storeOrphan(store: DiskStore): Promise<void> {
  const writer = await store.create(300_000);
  await writer.write([Buffer.alloc(300_000, 3)]);
  await writer.digest();
  const label = { kind: 'archive', account: '1', region: 'r', vault: 'v', archiveId: 'x' } as const;
  store.confirm(await writer.finish({ ...label, description: null, createdMs: 1, sequence: 0, offset: 0 }));
}
