import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shortage } from '../domain/errors.ts';
import { toWireError } from './wire-error.ts';

describe('an error on the wire', () => {
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
