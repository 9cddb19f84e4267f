/** Puts what commands and starts change (accounts, users, keys, policies, settings) on record in the audit log. */
import { closeSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../audit/audit-log.ts';
import { ChainKey } from '../audit/chain.ts';
import { commandChains, wholeEnd } from '../audit/command-chain.ts';
import { chainsIn } from '../audit/read.ts';
import { type AuditDeps, anchorsOf, makeAuditFolder } from './audit.ts';
import { holdExclusively } from './exclusive-file.ts';

/** A command reads the last file of its chain. */
const ROTATE_BYTES = 1024 * 1024;
/** How long a command waits for others that write records. */
const WAIT_MS = 20_000;

/** Asked when the program starts: later a command may have taken on the rights of the folder's owner. */
const RUNNER = currentUser();

/** What was changed. Nothing in it may be a secret. */
export interface Change {
  /** As the service names it, where it has such an action: `CreateUser`, `PutUserPolicy`. */
  readonly eventName: CommandEvent;
  /** The account that it is about; null for the whole installation. */
  readonly account: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What came into being. */
  readonly elements?: Readonly<Record<string, unknown>>;
}

/** The names of events that commands and starts put on record. */
export const COMMAND_EVENTS = [
  'AcceptCatalog',
  'ConfirmLockTime',
  'CreateAccessKey',
  'CreateAccount',
  'CreateUser',
  'DeleteAccessKey',
  'DeleteUser',
  'DeleteUserPolicy',
  'GetSessionToken',
  'PutUserPolicy',
  'RetryNotifications',
  'UpdateAccessKey',
] as const;
export type CommandEvent = (typeof COMMAND_EVENTS)[number];

/** Another command is writing to the audit log and did not come to its end. */
export class AuditInUse extends Error {
  constructor(path: string) {
    super(`another command has held ${path} for ${WAIT_MS / 1000} s; try again when it has ended`);
    this.name = 'AuditInUse';
  }
}

/** Puts a change on record; durable when it resolves. */
export type AuditChange = (change: Change) => Promise<void>;

/**
 * Opens the chain of commands for a change, so that what cannot be put on record is not done, and closes it after `work`.
 * One command at a time: the others wait.
 * @param by what acts: `command`, or `server` for what a start does by itself.
 * @throws AuditInUse, the I/O error, and what `work` throws.
 */
export async function withCommandAudit<Result>(
  deps: AuditDeps,
  by: 'command' | 'server',
  work: (auditChange: AuditChange) => Promise<Result>,
): Promise<Result> {
  await makeAuditFolder(deps.folder);
  const release = claimTurn(join(deps.folder.audit, 'commands.sqlite'));
  try {
    const anchors = anchorsOf(deps);
    const log = await openCommandChain(deps);
    try {
      return await work((change) => log.append(toAuditEvent(deps, by, change)));
    } finally {
      await log.close();
      // The next command anchors what this one could not.
      await anchors.anchor(log, false).catch(() => {});
    }
  } finally {
    release();
  }
}

/** @returns what ends the turn. @throws AuditInUse. */
function claimTurn(path: string): () => void {
  closeSync(openSync(path, 'a', 0o600));
  const release = holdExclusively(path, WAIT_MS);
  if (!release) throw new AuditInUse(path);
  return release;
}

async function openCommandChain(deps: AuditDeps): Promise<AuditLog> {
  const { folder, masterKey } = deps;
  const key = new ChainKey(masterKey);
  const anchors = anchorsOf(deps);
  const { latest, next } = commandChains([...(await anchors.chains()), ...(await chainsIn(folder.audit))]);
  const end = latest === undefined ? undefined : await wholeEnd(folder.audit, key, latest);
  const goesOn = latest !== undefined && end && (await anchors.reaches(latest, end.head));
  const log = new AuditLog({
    folder: folder.audit,
    chain: goesOn ? latest : next,
    key,
    rotateBytes: ROTATE_BYTES,
    begun: (chain) => anchors.begin(chain),
    ...(goesOn ? { continues: end } : {}),
  });
  await log.open();
  return log;
}

function toAuditEvent(
  { clock, random }: AuditDeps,
  by: 'command' | 'server',
  change: Change,
): Record<string, unknown> {
  const { eventName, account, parameters, elements } = change;
  return {
    eventVersion: '1.08',
    userIdentity: by === 'server' ? { type: 'Server' } : { type: 'OSUser', ...RUNNER },
    eventTime: new Date(clock.now()).toISOString(),
    eventSource: `moraine.${by}`,
    eventName,
    awsRegion: null,
    sourceIPAddress: null,
    userAgent: null,
    requestParameters: parameters,
    responseElements: elements ?? null,
    requestID: null,
    eventID: random(16).toString('hex'),
    readOnly: false,
    eventType: by === 'server' ? 'MoraineServer' : 'MoraineCommand',
    recipientAccountId: account,
  };
}

function currentUser(): { readonly userName: string; readonly uid: number } {
  try {
    const { username, uid } = userInfo();
    return { userName: username, uid };
  } catch {
    // A user without an entry in the system's list has a number all the same.
    const uid = process.geteuid?.() ?? -1;
    return { userName: `uid ${uid}`, uid };
  }
}
