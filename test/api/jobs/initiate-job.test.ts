/** What InitiateJob accepts, and the texts with which it refuses. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../../support/api.ts';
import { type JobMembers, type Jobs, jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import type { Answer } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const NOT_FOUND = 'ResourceNotFoundException';
const SIZE = 2.5 * MIB;
const LOCAL_TOPIC = 'arn:aws:sns:us-east-1:111122223333:topic';

let server: TestServer;
let api: Api;
let jobs: Jobs;
let archiveId: string;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  jobs = jobsOf(api);
  await api.createVault('v');
  await api.createVault('other');
  archiveId = await api.upload('v', patternBytes(SIZE));
});
after(() => server.stop());

const retrieval = (members: JobMembers = {}) =>
  jobs.initiate('v', { Type: 'archive-retrieval', ArchiveId: archiveId, ...members });
const inventory = (members: JobMembers = {}) =>
  jobs.initiate('v', { Type: 'inventory-retrieval', ...members });

/** Asserts a 202 with only the job's location. */
function assertAccepted(answer: Answer, vault = 'v'): void {
  assertEmpty(answer, 202);
  const id = answer.headers['x-amz-job-id'] ?? '';
  assert.match(id, /^[A-Za-z0-9_-]{92}$/);
  assert.equal(answer.headers['location'], `/${server.accountId}/vaults/${vault}/jobs/${id}`);
  assert.equal(answer.headers['x-amz-job-output-path'], undefined);
}

describe('InitiateJob', () => {
  it('answers 202 with location and job id, a new one each time', async () => {
    const answers = await Promise.all([retrieval(), retrieval(), inventory(), inventory()]);
    for (const answer of answers) assertAccepted(answer);
    assert.equal(new Set(answers.map(({ headers }) => headers['x-amz-job-id'])).size, 4);
  });

  it('accepts every tier, format and member, even those without effect', async () => {
    for (const Tier of ['Expedited', 'Standard', 'Bulk', null, '']) assertAccepted(await retrieval({ Tier }));
    for (const Format of ['JSON', 'CSV', null]) assertAccepted(await inventory({ Format }));
    assertAccepted(await inventory({ Tier: 'Standard' }));
    assertAccepted(await retrieval({ Format: 'CSV' }));
    assertAccepted(await retrieval({ Unknown: { a: [1] } }));
    assertAccepted(await retrieval({ Description: 'd'.repeat(1024), SNSTopic: LOCAL_TOPIC }));
  });

  it('accepts null for absent members, as the guide sends it', async () => {
    const nulls = { ArchiveId: null, RetrievalByteRange: null, SNSTopic: null, Description: null };
    assertAccepted(await inventory({ ...nulls, Format: null, InventoryRetrievalParameters: null }));
    const members = { StartDate: null, EndDate: null, Limit: null, Marker: null };
    assertAccepted(await inventory({ InventoryRetrievalParameters: members }));
    const empty = { StartDate: '', EndDate: '', Limit: '', Marker: '' };
    assertAccepted(await inventory({ InventoryRetrievalParameters: empty }));
    const more = { RetrievalByteRange: null, SNSTopic: null, Description: null, Tier: null };
    assertAccepted(await retrieval({ ...more, InventoryRetrievalParameters: null }));
  });

  it('accepts the members inside `jobParameters`, as in the guide', async () => {
    const answer = await jobs.initiate('v', {
      jobParameters: { Type: 'archive-retrieval', ArchiveId: archiveId, Description: 'wrapped' },
    });
    assertAccepted(answer);
    const described = await jobs.describe('v', answer.headers['x-amz-job-id'] ?? '');
    assert.equal(described['JobDescription'], 'wrapped');
    assert.equal(described['ArchiveId'], archiveId);
    assertRefusal(
      await jobs.initiate('v', { jobParameters: {} }),
      400,
      MISSING,
      'Required parameter missing: Type',
    );
  });

  it('refuses a body that is not a JSON object', async () => {
    for (const body of ['{', '[]', '"a"', 'null', 'Type=select', '{"Type":NaN}']) {
      assertRefusal(await jobs.initiate('v', body), 400, 'SerializationException', /JSON/);
    }
  });

  it('requires a known type', async () => {
    assertRefusal(await jobs.initiate('v', ''), 400, MISSING, 'Required parameter missing: Type');
    assertRefusal(await jobs.initiate('v', {}), 400, MISSING, 'Required parameter missing: Type');
    assertRefusal(await jobs.initiate('v', { Type: null }), 400, MISSING, 'Required parameter missing: Type');
    for (const Type of ['', 'Select', 'archive', 'ArchiveRetrieval', 5, true, [], {}]) {
      assertRefusal(await jobs.initiate('v', { Type }), 400, INVALID, /^Invalid Type: /);
    }
  });

  it('refuses Select jobs, and says that they are not offered yet', async () => {
    const select = { Type: 'select', ArchiveId: archiveId, SelectParameters: {}, OutputLocation: { S3: {} } };
    assertRefusal(
      await jobs.initiate('v', select),
      400,
      INVALID,
      'Invalid Type: select. Select jobs are not offered yet.',
    );
  });

  it('refuses invalid tiers, formats and descriptions', async () => {
    for (const Tier of ['standard', 'Fast', 1, {}])
      assertRefusal(await retrieval({ Tier }), 400, INVALID, /^Invalid Tier: /);
    for (const Format of ['json', 'XML', 1, {}])
      assertRefusal(await inventory({ Format }), 400, INVALID, /^Invalid Format: /);
    for (const Description of ['d'.repeat(1025), 'a\nb', 'ä', '\x7f', 7, {}])
      assertRefusal(await retrieval({ Description }), 400, INVALID, /^Invalid Description: /);
  });

  it('answers members of every JSON type without a server error', async () => {
    const odd = ['9'.repeat(30), '{"toString":1}', '[{"toString":1}]', '-1e400', '[[]]', 'true', '0.5'];
    const names = ['Type', 'ArchiveId', 'Description', 'Format', 'RetrievalByteRange', 'SNSTopic', 'Tier'];
    for (const value of odd) {
      for (const name of names) {
        for (const Type of ['archive-retrieval', 'inventory-retrieval']) {
          const rest = name === 'Type' ? '' : `,"Type":"${Type}"`;
          const id =
            Type === 'archive-retrieval' && name !== 'ArchiveId' ? `,"ArchiveId":"${archiveId}"` : '';
          const { status, text } = await jobs.initiate('v', `{"${name}":${value}${rest}${id}}`);
          // An archive job ignores its format.
          const ignored = name === 'Format' && Type === 'archive-retrieval';
          assert.equal(status, ignored ? 202 : 400, `${Type} ${name} ${value}: ${status} ${text}`);
        }
      }
      for (const name of ['StartDate', 'EndDate', 'Limit', 'Marker']) {
        const members = `{"Type":"inventory-retrieval","InventoryRetrievalParameters":{"${name}":${value}}}`;
        const { status, text } = await jobs.initiate('v', members);
        assert.equal(status, 400, `${name} ${value}: ${status} ${text}`);
      }
      const whole = `{"Type":"inventory-retrieval","InventoryRetrievalParameters":${value}}`;
      const { status, text } = await jobs.initiate('v', whole);
      assert.equal(status, value.startsWith('{') ? 202 : 400, `${value}: ${status} ${text}`);
    }
  });

  it('requires an archive for a retrieval, and refuses one for an inventory', async () => {
    const missing = 'Required parameter missing: ArchiveId';
    assertRefusal(await retrieval({ ArchiveId: null }), 400, MISSING, missing);
    assertRefusal(await retrieval({ ArchiveId: '' }), 400, MISSING, missing);
    assertRefusal(await inventory({ ArchiveId: archiveId }), 400, INVALID, /^Invalid ArchiveId: /);
    assertRefusal(
      await inventory({ RetrievalByteRange: '0-1' }),
      400,
      INVALID,
      /^Invalid RetrievalByteRange/,
    );
  });

  it('gives different errors for an archive of another vault, a deleted one and an unknown id', async () => {
    const members = { Type: 'archive-retrieval', ArchiveId: archiveId };
    assertRefusal(
      await jobs.initiate('other', members),
      400,
      INVALID,
      `Invalid vault name: ${api.vaultArn('other')}`,
    );
    const flipped = `${archiveId.slice(0, 60)}${archiveId[60] === 'A' ? 'B' : 'A'}${archiveId.slice(61)}`;
    for (const ArchiveId of ['a', 'x'.repeat(138), flipped, `${archiveId}A`]) {
      const message = `The archive ID was not found: ${ArchiveId}`;
      assertRefusal(await retrieval({ ArchiveId }), 404, NOT_FOUND, message);
    }
    const deleted = await api.upload('v', 'gone');
    assertEmpty(await api.call('DELETE', `/-/vaults/v/archives/${deleted}`), 204);
    assertAccepted(await retrieval({ ArchiveId: deleted }));
  });

  it('reports a missing vault before faults of the body', async () => {
    const message = `Vault not found for ARN: ${api.vaultArn('none')}`;
    assertRefusal(await jobs.initiate('none', { Type: 'select' }), 404, NOT_FOUND, message);
    const other = apiOf(server, 'eu-west-1');
    const elsewhere = `Vault not found for ARN: ${other.vaultArn('v')}`;
    assertRefusal(await jobsOf(other).initiate('v', {}), 404, NOT_FOUND, elsewhere);
  });

  it('accepts only topics of its own region', async () => {
    const foreign = 'arn:aws:sns:eu-west-1:111122223333:topic';
    const message = `SNS topics must be in the local AWS region: ${foreign}`;
    assertRefusal(await retrieval({ SNSTopic: foreign }), 400, INVALID, message);
    assertRefusal(await inventory({ SNSTopic: foreign }), 400, INVALID, message);
    for (const SNSTopic of ['topic', 'arn:aws:sqs:us-east-1:111122223333:q', `${LOCAL_TOPIC}:x`, 5, {}, []])
      assertRefusal(await retrieval({ SNSTopic }), 400, INVALID, /^Invalid SNSTopic: /);
    assertAccepted(await retrieval({ SNSTopic: '' }));
  });

  it('accepts only megabyte-aligned ranges within the archive', async () => {
    for (const range of [`0-${SIZE - 1}`, '0-1048575', '1048576-2097151', `1048576-${SIZE - 1}`]) {
      assertAccepted(await retrieval({ RetrievalByteRange: range }));
    }
    for (const range of [
      '0-1023',
      '1-1048575',
      '0-1048576',
      `0-${SIZE}`,
      `${3 * MIB}-${4 * MIB - 1}`,
      '1048576-1048575',
      '0-',
      '-1048575',
      '0',
      'bytes=0-1048575',
      '0-1048575,2097152-2621439',
      ' 0-1048575',
      '0x0-1048575',
      '0-99999999999999999999',
      5,
      ['0-1048575'],
    ]) {
      const answer = await retrieval({ RetrievalByteRange: range });
      assertRefusal(answer, 400, INVALID, /^Invalid RetrievalByteRange: /);
    }
  });
});

describe('range inventories', () => {
  const ranged = (members: JobMembers) => inventory({ InventoryRetrievalParameters: members });

  it('accept limits as strings and as numbers', async () => {
    for (const Limit of ['1', 1, '10000', 10_000, '']) assertAccepted(await ranged({ Limit }));
    for (const Limit of ['0', 0, -1, '-1', 1.5, '1.5', 'ten', '1e3', true, [], '9'.repeat(20)])
      assertRefusal(await ranged({ Limit }), 400, INVALID, /^Invalid Limit: /);
  });

  it('accept ISO 8601 dates with seconds, with or without fraction and zone', async () => {
    for (const StartDate of [
      '2013-03-20T17:03:43Z',
      '2013-03-20T17:03:43.221Z',
      '2013-03-20T17:03:43',
      '2013-03-20T17:03:43UTC',
      '2013-03-20T19:03:43+02:00',
      '2013-03-20T19:03:43+0200',
      '2012-02-29T00:00:00Z',
    ]) {
      assertAccepted(await ranged({ StartDate }));
      assertAccepted(await ranged({ EndDate: StartDate }));
    }
  });

  it('refuse other dates', async () => {
    for (const date of [
      'yesterday',
      '2013-03-20',
      '2013-03-20T17:03Z',
      '2013-13-20T17:03:43Z',
      '2013-03-32T17:03:43Z',
      '2013-02-30T00:00:00Z',
      '2013-02-29T00:00:00Z',
      '2013-03-20T25:03:43Z',
      '2013-03-20 17:03:43Z',
      1_363_799_023,
    ]) {
      assertRefusal(await ranged({ StartDate: date }), 400, INVALID, /^Invalid StartDate: /);
      assertRefusal(await ranged({ EndDate: date }), 400, INVALID, /^Invalid EndDate: /);
    }
  });

  it('require the start before the end', async () => {
    const [early, late] = ['2013-03-20T17:03:43Z', '2013-03-20T17:03:44Z'];
    assertAccepted(await ranged({ StartDate: early, EndDate: late }));
    for (const members of [
      { StartDate: early, EndDate: early },
      { StartDate: late, EndDate: early },
      { StartDate: early, EndDate: '2013-03-20T17:03:43.000Z' },
    ]) {
      assertRefusal(await ranged(members), 400, INVALID, /^Invalid StartDate: /);
    }
  });

  it('refuse markers that were not returned by an inventory', async () => {
    for (const Marker of ['x', 'aW52ZW50b3J5OjA6MA', 5, 'é', '0'.repeat(135)])
      assertRefusal(await ranged({ Marker }), 400, INVALID, /marker/i);
  });

  it('require an object of parameters', async () => {
    for (const parameters of ['x', 5, true, [], [{}]]) {
      const answer = await inventory({ InventoryRetrievalParameters: parameters });
      assertRefusal(answer, 400, INVALID, /^Invalid InventoryRetrievalParameters/);
    }
  });
});
