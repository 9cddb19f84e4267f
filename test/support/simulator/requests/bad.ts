/** Requests that no server may grant. */
import { type Content, contentOf } from '../contents.ts';
import { type AskContext, Asked, type Draft, pathOf, pickVault } from './asked.ts';

interface BadRequest {
  readonly name: string;
  /** The answers that it may get where the vault is there. */
  readonly statuses: readonly number[];
  draft(vaultPath: (rest: string) => string, content: Content): Draft;
}

const HASH = 'x-amz-sha256-tree-hash';
const WRONG = 'ab'.repeat(32);

function upload(vaultPath: (rest: string) => string, { bytes }: Content, headers: Draft['headers']): Draft {
  return { method: 'POST', target: vaultPath('/archives'), body: bytes, headers: headers ?? {} };
}

const BAD: readonly BadRequest[] = [
  {
    name: 'a wrong tree hash',
    statuses: [400],
    draft: (at, content) => upload(at, content, { [HASH]: WRONG }),
  },
  { name: 'no tree hash', statuses: [400], draft: (at, content) => upload(at, content, {}) },
  {
    name: 'a wrong payload hash',
    statuses: [403],
    draft: (at, content) => upload(at, content, { [HASH]: content.treeHash, 'x-amz-content-sha256': WRONG }),
  },
  {
    name: 'a wrong length',
    statuses: [400, 403],
    draft: (at, content) => upload(at, content, { [HASH]: content.treeHash, 'content-length': 'many' }),
  },
  {
    name: 'an unknown archive',
    statuses: [404],
    draft: (at) => ({ method: 'DELETE', target: at(`/archives/${'x'.repeat(138)}`) }),
  },
  {
    name: 'an unknown upload',
    statuses: [404],
    draft: (at) => ({ method: 'DELETE', target: at(`/multipart-uploads/${'y'.repeat(92)}`) }),
  },
  {
    name: 'an unknown job',
    statuses: [404],
    draft: (at) => ({ method: 'GET', target: at(`/jobs/${'z'.repeat(92)}/output`) }),
  },
  {
    name: 'a body that is not JSON',
    statuses: [400],
    draft: (at) => ({ method: 'POST', target: at('/jobs'), body: Buffer.from('{"Type":') }),
  },
  {
    name: 'an odd part size',
    statuses: [400],
    draft: (at) => ({
      method: 'POST',
      target: at('/multipart-uploads'),
      headers: { 'x-amz-part-size': '12345' },
    }),
  },
  {
    name: 'an invalid policy',
    statuses: [400],
    draft: (at) => ({ method: 'PUT', target: at('/access-policy'), body: Buffer.from('{"Policy":"{}"}') }),
  },
  {
    name: 'an unknown operation',
    statuses: [404],
    draft: (at) => ({ method: 'PATCH', target: at('/archives') }),
  },
  {
    name: 'no authorization',
    statuses: [403],
    draft: (at) => ({ method: 'GET', target: at(''), headers: { authorization: '' } }),
  },
];

export function badRequest(context: AskContext): Asked {
  const { random } = context;
  const vault = pickVault(context);
  const { name, statuses, draft } = random.pick(BAD) as BadRequest;
  const asked = new Asked(
    name,
    draft((rest) => pathOf(vault, rest), contentOf('tiny', random)),
  );
  asked.onVault(vault);
  asked.mayRace(vault);
  for (const status of statuses) asked.outcome(status);
  return asked;
}
