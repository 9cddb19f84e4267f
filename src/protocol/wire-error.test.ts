import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, invalidParameter, Shortage } from '../domain/errors.ts';
import { HttpError, toWireError } from './wire-error.ts';

describe('an error on the wire', () => {
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
  });

  it('reveals nothing of a fault of ours', () => {
    const { status, body } = toWireError(new TypeError('x.secret is undefined'));
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
  });
});
