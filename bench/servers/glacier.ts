/** Makes requests of the Glacier API for the load generator. */
import { type Api, apiOf } from '../../test/support/api.ts';
import type { Credentials } from '../../test/support/server.ts';
import type { Body } from '../bodies.ts';
import type { LoadRequest } from '../load.ts';
import { bodiless, headOf } from './server.ts';

export const VAULT = 'bench';

export interface Glacier {
  readonly api: Api;
  upload(body: Body): LoadRequest;
  part(uploadId: string, first: number, body: Body): LoadRequest;
  output(jobId: string): LoadRequest;
  /** Starts a job. @returns its id. */
  retrieve(archiveId: string, tier: string): Promise<string>;
}

export function glacierOf(server: Credentials & { readonly url: string }): Glacier {
  const api = apiOf(server);
  const signed = (method: string, target: string, headers: Readonly<Record<string, string>> = {}) =>
    headOf(method, target, api.headersOf(method, target, { headers }));
  const withBody = (method: string, target: string, body: Body, more = {}): LoadRequest => {
    const headers = {
      'content-length': String(body.length),
      'x-amz-content-sha256': body.linearHash,
      'x-amz-sha256-tree-hash': body.treeHash,
      ...more,
    };
    return { head: signed(method, target, headers), offset: body.offset, length: body.length };
  };
  return {
    api,
    upload: (body) => withBody('POST', `/-/vaults/${VAULT}/archives`, body),
    part(uploadId, first, body) {
      const range = { 'content-range': `bytes ${first}-${first + body.length - 1}/*` };
      return withBody('PUT', `/-/vaults/${VAULT}/multipart-uploads/${uploadId}`, body, range);
    },
    output: (jobId) => bodiless(signed('GET', `/-/vaults/${VAULT}/jobs/${jobId}/output`)),
    async retrieve(archiveId, tier) {
      const body = JSON.stringify({ Type: 'archive-retrieval', ArchiveId: archiveId, Tier: tier });
      const answer = await api.call('POST', `/-/vaults/${VAULT}/jobs`, { body });
      const jobId = answer.headers['x-amz-job-id'];
      if (jobId === undefined) throw new Error(`no job was started: ${answer.status} ${answer.text}`);
      return jobId;
    },
  };
}
