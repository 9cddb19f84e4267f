/** Requests and replies as they are sent. */
import { createHash } from 'node:crypto';
import type { SimulatedAnswer, SimulatedRequest } from '../exchange.ts';
import { Violation } from '../model.ts';
import type { Draft, Reply } from './asked.ts';

/** Adds the headers that every request has. Nobody checks the signature. */
export function toRequest({ headers, ...draft }: Draft, nowMs: number): SimulatedRequest {
  const body = draft.body ?? Buffer.alloc(0);
  const date = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const all: Record<string, string> = {
    host: 'simulated',
    'x-amz-date': date,
    'x-amz-glacier-version': '2012-06-01',
    'x-amz-content-sha256': headers?.['x-amz-content-sha256'] ?? hashOf(body),
    'content-length': String(body.length),
    ...headers,
  };
  const names = Object.keys(all).filter((name) => /^(?:x-amz-|x-moraine-|host$)/.test(name));
  const credential = `AKIDSIMULATEDSIMULAT/${date.slice(0, 8)}/us-east-1/glacier/aws4_request`;
  const signed = `SignedHeaders=${names.sort().join(';')}, Signature=${'0'.repeat(64)}`;
  return {
    ...draft,
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${credential}, ${signed}`, ...all },
  };
}

function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The reply of a whole answer. @throws Violation for an error that is not in the API's form. */
export function toReply({ headers, body }: SimulatedAnswer, status: number): Reply {
  return { status, headers, body, code: status < 300 ? '' : codeIn(body, status) };
}

function codeIn(body: Buffer, status: number): string {
  try {
    return String((JSON.parse(body.toString('utf8')) as { code?: unknown }).code ?? '');
  } catch {
    throw new Violation(`an error without a body: ${status}`);
  }
}
