import { invalidParameter } from '../../domain/errors.ts';
import type { JobState } from '../../domain/job.ts';
import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { decodeMarker, encodeMarker, limitParser, parseMarker } from '../paging.ts';
import { describeJob } from './job-description.ts';

const JOBS_PER_PAGE = 50;
const MARKER = 'job';
const STATES: readonly JobState[] = ['InProgress', 'Succeeded', 'Failed'];

export const listJobs = operation({
  name: 'ListJobs',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/jobs',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {
    limit: query('limit', limitParser(JOBS_PER_PAGE)),
    marker: query('marker', parseMarker),
    state: query('statuscode', parseState),
    completed: query('completed', parseCompleted),
  },
  errors: ['ResourceNotFoundException'],
  // Newest first, as on the service: a client that reads one page looks for recent jobs.
  async run({ vault, limit, marker, state, completed }, { catalog, clock }) {
    const page = { after: decodeMarker(MARKER, marker), limit };
    const { rows, more } = await catalog.listJobs(vault.no, { state, completed }, clock.now(), page);
    const last = rows.at(-1);
    const next = more && last ? encodeMarker(MARKER, last.no) : null;
    return { json: { JobList: rows.map((job) => describeJob(job, vault)), Marker: next } };
  },
});

function parseState(raw: string | undefined): JobState | null {
  if (raw === undefined || raw === '') return null;
  const state = STATES.find((known) => known === raw);
  if (state === undefined) throw invalidParameter(`The job status code is not valid: ${raw}`);
  return state;
}

function parseCompleted(raw: string | undefined): boolean | null {
  if (raw === undefined || raw === '') return null;
  if (raw === 'true' || raw === 'false') return raw === 'true';
  throw invalidParameter(`Invalid completed: ${raw}. It must be true or false.`);
}
