import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CATALOG, FINDINGS, identityWith } from '../../test/support/start-cases/found.ts';
import { REFUSED } from '../../test/support/start-cases/refused.ts';
import { SERVED } from '../../test/support/start-cases/served.ts';
import { decideStart } from './start-decision.ts';

describe('a start', () => {
  for (const [name, changes, identity, older] of SERVED) {
    it(`serves ${name}${older ? ', with the catalog as older' : ''}`, () => {
      const decision = decideStart({ ...FINDINGS, ...changes });
      assert.equal(decision.kind, 'serve', JSON.stringify(decision));
      assert.ok(decision.kind === 'serve');
      assert.deepEqual({ ...decision.identity, ...identity }, decision.identity);
      assert.equal(decision.older, older);
    });
  }

  for (const [name, changes, reason, message] of REFUSED) {
    it(`refuses ${name}`, () => {
      const decision = decideStart({ ...FINDINGS, ...changes });
      assert.ok(decision.kind === 'refuse', JSON.stringify(decision));
      assert.equal(decision.refusal.reason, reason, decision.refusal.message);
      assert.match(decision.refusal.message, message);
      assert.match(
        decision.refusal.message,
        / Nothing was changed\. See docs\/operating\.md, "When a start is refused"\.$/,
      );
    });
  }

  it("uses a generation greater than the store's and the catalog's", () => {
    for (const [store, catalog] of [
      [4, 4],
      [6, 4],
    ] as const) {
      const decision = decideStart({
        ...FINDINGS,
        store: identityWith({ generation: store }),
        catalog: { ...CATALOG, generation: catalog },
      });
      assert.equal(decision.kind === 'serve' && decision.identity.generation, Math.max(store, catalog) + 1);
    }
  });
});
