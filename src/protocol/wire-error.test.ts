import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { invalidParameter, Refusal, type RefusalKind, Shortage } from '../domain/errors.ts';
import { ApiError, HttpError, toApiError, toWireError } from './wire-error.ts';

/** Each kind of refusal as it is sent. The front end of the service orders the keys in another way. */
const SENT: Readonly<Record<RefusalKind, readonly [number, string]>> = {
  'changed-meanwhile': [400, '{"message":"x","code":"ThrottlingException","type":"Client"}'],
  damaged: [500, '{"code":"ServiceUnavailableException","message":"x","type":"Server"}'],
  denied: [403, '{"message":"x","code":"AccessDeniedException","type":"Client"}'],
  invalid: [400, '{"code":"InvalidParameterValueException","message":"x","type":"Client"}'],
  'limit-reached': [400, '{"code":"LimitExceededException","message":"x","type":"Client"}'],
  locked: [403, '{"code":"AccessDeniedException","message":"x","type":"Client"}'],
  missing: [400, '{"code":"MissingParameterValueException","message":"x","type":"Client"}'],
  'no-capacity': [400, '{"code":"InsufficientCapacityException","message":"x","type":"Client"}'],
  'not-found': [404, '{"code":"ResourceNotFoundException","message":"x","type":"Client"}'],
  'over-policy': [400, '{"code":"PolicyEnforcedException","message":"x","type":"Client"}'],
  'unknown-account': [400, '{"message":"x","code":"UnrecognizedClientException","type":"Client"}'],
};

describe('an error on the wire', () => {
  it('has the status, code and order of keys of its kind of refusal', () => {
    for (const [kind, [status, body]] of Object.entries(SENT))
      assert.deepEqual(toWireError(new Refusal(kind as RefusalKind, 'x')), { status, body });
  });

  it('has the status of its code, and 411 and 431 where only HTTP knows them', () => {
    assert.equal(toWireError(invalidParameter('x')).status, 400);
    assert.equal(toWireError(new ApiError('InvalidSignatureException', 'x')).status, 403);
    const long = toWireError(new HttpError(431, 'BadRequest', 'x'));
    assert.deepEqual(long, { status: 431, body: '{"code":"BadRequest","message":"x","type":"Client"}' });
  });

  it('names what is missing for now', () => {
    const shortage = toWireError(new Shortage('The disk of the store is full.'));
    assert.equal(shortage.status, 500);
    assert.equal(
      shortage.body,
      '{"code":"ServiceUnavailableException","message":"The disk of the store is full.","type":"Server"}',
    );
    const open = toWireError(Object.assign(new Error('EMFILE: open /srv/x'), { code: 'EMFILE' }));
    assert.equal(open.status, 500);
    assert.match(open.body, /no file descriptors left/);
    assert.equal(toApiError(new Shortage('x')).fault, 'Server');
  });

  it('reveals nothing of a fault of ours', () => {
    const { status, body } = toWireError(new TypeError('x.secret is undefined'));
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
  });
});
