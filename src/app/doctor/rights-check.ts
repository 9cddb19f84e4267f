import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DataFolder } from '../data-folder.ts';
import { requireUsable } from '../folder-access.ts';
import type { DoctorDeps, Machine, Owned } from './deps.ts';
import { type Check, type Finding, fault, orOk, some, warning } from './finding.ts';

const WORLD_WRITES = 0o002;
const GROUP_WRITES = 0o020;
const OTHERS = 0o077;
/** Folders of the store; those of `blobs/` are checked as well. */
const STORE_FOLDERS = ['blobs', 'packs', 'journal', 'notes', 'incoming', 'aside'];

type Deps = Pick<DoctorDeps, 'folder'> & {
  readonly machine: Pick<Machine, 'owned'>;
  /** By default looks whether this process may use the folder. @throws SettingError. */
  readonly requireUsable?: typeof requireUsable;
};

/** Owners and modes. */
export const rightsCheck: Check<Deps> = {
  name: 'rights',
  async run({ folder, machine, requireUsable: require = requireUsable }) {
    const findings: Finding[] = [];
    const owned = await ownersOf(machine, pathsOf(folder));
    for (const [path, one] of owned) findings.push(...judgeMode(folder, path, one));
    findings.push(...judgeOwners(folder, owned));
    try {
      require(folder);
    } catch (error) {
      findings.push(
        fault('no-access', {
          found: (error as Error).message,
          means: 'a server or command of this user cannot use the data folder',
          advice:
            'run as the user that the folder belongs to, or give that user the path (chown), mode 0600 or 0700',
        }),
      );
    }
    return orOk(findings, `${folder.path} and its contents belong to one user, who alone may use them`);
  },
};

function pathsOf(folder: DataFolder): readonly string[] {
  const { catalog, store } = folder;
  const credentials = namesIn(folder.path).filter((name) => name.startsWith('root-credentials'));
  return [
    folder.path,
    folder.masterKey,
    ...[catalog, `${catalog}-wal`, `${catalog}-shm`, folder.claimFile],
    ...credentials.map((name) => join(folder.path, name)),
    folder.audit,
    store,
    ...STORE_FOLDERS.map((name) => join(store, name)),
    ...namesIn(join(store, 'blobs')).map((name) => join(store, 'blobs', name)),
  ];
}

/** None where the folder cannot be read: `requireUsable` reports that. */
function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

async function ownersOf(
  machine: Pick<Machine, 'owned'>,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Owned>> {
  const owned = new Map<string, Owned>();
  for (const path of paths) {
    const found = await machine.owned(path);
    if (found) owned.set(path, found);
  }
  return owned;
}

function judgeMode(folder: DataFolder, path: string, { mode, isFolder }: Owned): Finding[] {
  const found = `${path} has mode ${octal(mode)}`;
  if (mode & WORLD_WRITES) {
    return [
      fault('world-writable', {
        found,
        means:
          'every user of this machine may replace or remove what is in it, so nothing in it can be trusted',
        advice: `chmod o-w ${path}, and find out who used it`,
      }),
    ];
  }
  if (path === folder.masterKey && mode & OTHERS) {
    return [
      fault('master-key-open', {
        found,
        means: 'other users may have read the key that seals secrets and proves the audit log',
        advice: `chmod 600 ${path}; if others use this machine, replace the access keys that it seals (moraine key)`,
      }),
    ];
  }
  if (path === folder.path) {
    if (!(mode & GROUP_WRITES)) return [];
    return [
      warning('group-writable', {
        found,
        means: 'every member of its group may replace what is in it',
        advice: `chmod g-w ${path}, unless the group is of the server alone`,
      }),
    ];
  }
  // What is below a closed folder cannot be reached, whatever its mode.
  if (path.startsWith(join(folder.store, '/')) || !(mode & OTHERS)) return [];
  return [
    warning('open-to-others', {
      found,
      means: 'other users may read it',
      advice: `chmod ${isFolder ? '700' : '600'} ${path}; the next start does so, too`,
    }),
  ];
}

/** A server may run in a folder that it does not own, so the key's owner counts. */
function judgeOwners(folder: DataFolder, owned: ReadonlyMap<string, Owned>): Finding[] {
  const uid = (owned.get(folder.masterKey) ?? owned.get(folder.path))?.uid;
  if (uid === undefined) return [];
  const others = [...owned].filter(([path, one]) => path !== folder.path && one.uid !== uid);
  if (others.length === 0) return [];
  return [
    fault('other-owner', {
      found: `not of uid ${uid}, like ${folder.masterKey}: ${some(others.map(([path, one]) => `${path} (uid ${one.uid})`))}`,
      means: 'the server, which runs as one user, may be unable to use them',
      advice: `chown -R ${uid} ${folder.path}`,
    }),
  ];
}

/** The mode as four digits for chmod. */
function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
