import { invalidParameter, missingParameter, quote } from '../../domain/errors.ts';
import type { InventoryRequest } from '../../domain/inventory.ts';
import { TIERS, type Tier } from '../../domain/job-times.ts';
import { parseTopic } from '../notifications/notification-members.ts';
import type { Members } from '../operation.ts';
import { parseFormat, parseInventoryRequest } from './inventory-request.ts';

/** What a client asks for at InitiateJob. */
export type JobRequest = { readonly description: string | null; readonly topic: string | null } & (
  | {
      readonly kind: 'archive';
      readonly archiveId: string;
      readonly tier: Tier;
      readonly range: string | null;
    }
  | { readonly kind: 'inventory'; readonly request: InventoryRequest }
);

/** Reads the members of InitiateJob's body. @throws Refusal that names the member and its value. */
export function parseJobRequest(members: Members, region: string): JobRequest {
  const get = (name: string) => members.get(name) ?? null;
  const type = get('Type');
  if (type === null) throw missingParameter('Type');
  if (type === 'select') throw invalidParameter('Invalid Type: select. Select jobs are not offered yet.');
  if (type !== 'archive-retrieval' && type !== 'inventory-retrieval') {
    throw invalidParameter(
      `Invalid Type: ${quote(type)}. It must be archive-retrieval or inventory-retrieval.`,
    );
  }
  const topic = get('SNSTopic');
  const common = {
    description: parseJobDescription(get('Description')),
    topic: topic === null || topic === '' ? null : parseTopic(topic, region),
  };
  const tier = parseTier(get('Tier'));
  if (type === 'archive-retrieval') return { ...common, tier, ...parseArchiveRequest(get) };
  for (const name of ['ArchiveId', 'RetrievalByteRange']) {
    if (get(name) !== null) throw invalidParameter(`Invalid ${name}: an inventory-retrieval job takes none.`);
  }
  const request = parseInventoryRequest(parseFormat(get('Format')), get('InventoryRetrievalParameters'));
  return { ...common, kind: 'inventory', request };
}

function parseArchiveRequest(get: (name: string) => unknown) {
  const archiveId = get('ArchiveId');
  if (archiveId === null || archiveId === '') throw missingParameter('ArchiveId');
  if (typeof archiveId !== 'string') throw invalidParameter(`Invalid ArchiveId: ${quote(archiveId)}`);
  const range = get('RetrievalByteRange');
  if (range !== null && typeof range !== 'string') {
    throw invalidParameter(`Invalid RetrievalByteRange: ${quote(range)}`);
  }
  return { kind: 'archive', archiveId, range: range === '' ? null : range } as const;
}

function parseTier(raw: unknown): Tier {
  if (raw === null || raw === '') return 'Standard';
  if (TIERS.includes(raw as Tier)) return raw as Tier;
  throw invalidParameter(`Invalid Tier: ${quote(raw)}. It must be ${TIERS.join(', ')}.`);
}

/** Up to 1,024 bytes of printable ASCII. */
function parseJobDescription(raw: unknown): string | null {
  if (raw === null || raw === '') return null;
  if (typeof raw === 'string' && raw.length <= 1024 && /^[\x20-\x7e]*$/.test(raw)) return raw;
  throw invalidParameter(
    `Invalid Description: ${quote(raw)}. It takes up to 1,024 characters of printable ASCII.`,
  );
}
