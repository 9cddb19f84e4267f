/** Compares the operations with the service's own model, which the SDK contains. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/operations/error-code.ts';
import { API } from '../../src/operations/table.ts';
import { ERROR_FORMS } from '../../src/protocol/wire-error.ts';
import { apiOf } from '../support/api.ts';
import { type Attempt, attempt, everyOperation } from '../support/every-operation.ts';
import type { Answer } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  type Member,
  MODEL_ERRORS,
  MODEL_OPERATIONS,
  type ModelOperation,
} from '../support/service-model.ts';

/** Errors of every operation. The last is for accounts opened after the service stopped taking customers. */
const COMMON = [
  'InvalidParameterValueException',
  'MissingParameterValueException',
  'NoLongerSupportedException',
  'ServiceUnavailableException',
];

/** An extension of Moraine: archives whose ids and dates clients give. */
const IMPORT = {
  without: [],
  with: ['header x-moraine-archive-id', 'header x-moraine-creation-date'],
};

/** Inputs that differ from the model's, and why. */
const OTHER_INPUTS: Readonly<Record<string, { readonly without: string[]; readonly with: string[] }>> = {
  // The service no longer has Select. The guide wraps the members, so clients may do the same.
  InitiateJob: { without: ['body OutputLocation', 'body SelectParameters'], with: ['body jobParameters'] },
  InitiateMultipartUpload: IMPORT,
  UploadArchive: IMPORT,
};

const shown = ({ location, name }: Member): string => `${location} ${name}`;

function operationOf(name: string) {
  const found = API.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

/** Fields of the operation, and the upload headers that the pipeline reads. */
function inputsOf(name: string): string[] {
  const { fields, body } = operationOf(name);
  const own = Object.values(fields).map(({ location, name: field }) => {
    if (location === 'member') return `body ${field}`;
    return `${location} ${location === 'header' ? field.toLowerCase() : field}`;
  });
  const upload = body === 'upload' ? ['stream body', 'header x-amz-sha256-tree-hash'] : [];
  return [...own, ...upload].sort();
}

describe('the model of the service', () => {
  it('has the same 33 operations', () => {
    assert.equal(MODEL_OPERATIONS.length, 33);
    assert.deepEqual(MODEL_OPERATIONS.map(({ name }) => name).sort(), API.map(({ name }) => name).sort());
  });

  for (const model of MODEL_OPERATIONS) {
    it(`has ${model.name} at the same place, with the same inputs, success and errors`, () => {
      const { method, path, query, success, errors } = operationOf(model.name);
      assert.deepEqual(
        { method, path, query: query && `${query.name}=${query.value}`, status: success },
        { method: model.method, path: model.path, query: model.query, status: model.status },
      );
      const { without = [], with: added = [] } = OTHER_INPUTS[model.name] ?? {};
      const inputs = model.input.filter(({ location }) => location !== 'label').map(shown);
      const expected = [...inputs.filter((one) => !without.includes(one)), ...added].sort();
      assert.deepEqual(inputsOf(model.name), expected);
      assert.deepEqual([...errors, ...COMMON].sort(), model.errors);
    });

    it(`has the path parameters of ${model.name}`, () => {
      const labels = [...model.path.matchAll(/\{(\w+)\}/g)].map(([, label]) => label);
      const members = model.input.filter(({ location }) => location === 'label').map(({ name }) => name);
      assert.deepEqual(members.sort(), labels.sort());
    });
  }

  it('has errors with the same statuses, faults and members', () => {
    for (const { name, status, fault, members } of MODEL_ERRORS) {
      assert.deepEqual(members.toSorted(), ['code', 'message', 'type'], name);
      if (name === 'NoLongerSupportedException') continue;
      const form = ERROR_FORMS[name as ErrorCode];
      assert.deepEqual([form.status, form.fault.toLowerCase()], [status, fault], name);
    }
  });
});

/** Headers that are in the model but not in these answers, because they would have no value. */
const SILENT: Readonly<Record<string, readonly string[]>> = {
  // The output is a whole archive without a description.
  GetJobOutput: ['content-range', 'x-amz-archive-description'],
  // Select is gone from the service.
  InitiateJob: ['x-amz-job-output-path'],
};

describe('the answer of each operation', () => {
  let server: TestServer;
  let attempts: readonly Attempt[];
  before(async () => {
    server = await startServer();
    attempts = await everyOperation(apiOf(server), 'v');
  });
  after(() => server.stop());

  for (const model of MODEL_OPERATIONS) {
    it(`matches the model: ${model.name}`, async () => {
      const one = attempts.find(({ name }) => name === model.name);
      assert.ok(one);
      const answer = await attempt(apiOf(server), one);
      assert.equal(answer.status, model.status, answer.text);
      assertHeaders(model, answer);
      assertBody(model, answer);
    });
  }
});

function assertHeaders({ name, output }: ModelOperation, { headers }: Answer): void {
  for (const member of output.filter(({ location }) => location === 'header')) {
    const silent = SILENT[name]?.includes(member.name) ?? false;
    assert.equal(headers[member.name] === undefined, silent, `${name}: ${member.name}`);
  }
}

/** Like the service's, answers of 201 and 202 have an empty object where the model has no body. */
function assertBody({ output, status }: ModelOperation, { text }: Answer): void {
  if (output.some(({ location }) => location === 'stream')) return;
  const members = output.filter(({ location }) => location === 'body').map(({ name }) => name);
  if (members.length === 0) assert.equal(text, status === 204 ? '' : '{}');
  else assertMembers(Object.keys(JSON.parse(text)), members);
}

/** All members except those of Select jobs. */
function assertMembers(given: readonly string[], members: readonly string[]): void {
  const ofSelect = ['JobOutputPath', 'OutputLocation', 'SelectParameters'];
  const wanted = members.filter((name) => given.includes(name) || !ofSelect.includes(name));
  assert.deepEqual(given.toSorted(), wanted.toSorted());
}
