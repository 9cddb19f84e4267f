/** Audits what commands and starts change: accounts, users, keys, policies, settings. */
import { closeSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../audit/audit-log.ts';
import { ChainKey } from '../audit/chain.ts';
import { commandChains, wholeEnd } from '../audit/command-chain.ts';
import { chainsIn } from '../audit/read.ts';
import { type AuditDeps, anchorsOf, makeAuditFolder } from './audit.ts';
import { holdExclusively } from './exclusive-file.ts';

/** Size of a log file. Small, because each command reads the last file of its chain. */
const ROTATE_BYTES = 1024 * 1024;
/** How long a command waits for other commands that write events. */
const WAIT_MS = 20_000;

/** Read when the program starts, because a command may later become the owner of the data folder. */
const RUNNER = currentUser();

/** A change to audit. It must contain no secret. */
interface Change {
  /** The name of the action in AWS, if it has one: `CreateUser`, `PutUserPolicy`. */
  readonly eventName: CommandEvent;
  /** The account that was changed; null for the whole installation. */
  readonly account: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What the change created. */
  readonly elements?: Readonly<Record<string, unknown>>;
}

/** Names of the events of commands and starts. */
export const COMMAND_EVENTS = [
  'AcceptCatalog',
  'CheckArchive',
  'ConfirmLockTime',
  'CreateAccessKey',
  'CreateAccount',
  'CreateUser',
  'DamageFound',
  'DeleteAccessKey',
  'DeleteUser',
  'DeleteUserPolicy',
  'GetSessionToken',
  'PauseScrub',
  'PutUserPolicy',
  'RebuildCatalog',
  'ResumeScrub',
  'RetryNotifications',
  'StartScrub',
  'UpdateAccessKey',
] as const;
type CommandEvent = (typeof COMMAND_EVENTS)[number];

/** Another command holds the audit log and has not ended in time. */
export class AuditInUse extends Error {
  constructor(path: string, waitMs: number) {
    super(`another command has held ${path} for ${waitMs / 1000} s; try again when it has ended`);
    this.name = 'AuditInUse';
  }
}

/** Audits a change; durable when it resolves. */
export type AuditChange = (change: Change) => Promise<void>;

/**
 * Opens the chain of commands, runs `work`, and closes the chain. A change that cannot be audited is not begun. Commands
 * take turns.
 * @param by the actor: `command`, or `server` for a change made by a start or in the background.
 * @param waitMs how long to wait for other commands. The process does nothing else meanwhile.
 * @throws AuditInUse, the I/O error, and what `work` throws.
 */
export async function withCommandAudit<Result>(
  deps: AuditDeps,
  by: 'command' | 'server',
  work: (auditChange: AuditChange) => Promise<Result>,
  waitMs = WAIT_MS,
): Promise<Result> {
  await makeAuditFolder(deps.folder);
  const release = claimTurn(join(deps.folder.audit, 'commands.sqlite'), waitMs);
  try {
    const anchors = anchorsOf(deps);
    const log = await openCommandChain(deps);
    try {
      return await work((change) => log.append(toAuditEvent(deps, by, change)));
    } finally {
      await log.close();
      // If this fails, the next command anchors the chain.
      await anchors.anchor(log, false).catch(() => {});
    }
  } finally {
    release();
  }
}

/** @returns what ends the turn. @throws AuditInUse. */
function claimTurn(path: string, waitMs: number): () => void {
  closeSync(openSync(path, 'a', 0o600));
  const release = holdExclusively(path, waitMs);
  if (!release) throw new AuditInUse(path, waitMs);
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
    // The system has no name for this user, so use the number.
    const uid = process.geteuid?.() ?? -1;
    return { userName: `uid ${uid}`, uid };
  }
}
