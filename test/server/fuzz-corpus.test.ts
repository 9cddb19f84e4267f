import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { corpusNames, decodeInput, encodeInput, readCorpus } from '../support/fuzz/corpus.ts';
import { FUZZ_TARGETS } from '../support/fuzz/targets/index.ts';

describe('the inputs that the fuzzer kept', () => {
  for (const target of FUZZ_TARGETS) {
    it(`hold all properties of ${target.name}`, () => {
      for (const input of [...target.seeds, ...readCorpus(target.name)]) {
        try {
          target.run(Buffer.from(input));
        } catch (error) {
          const shown = `npm run fuzz -- --target ${target.name} --input ${input.toString('base64')}`;
          throw new Error(`a property does not hold; run ${shown}`, { cause: error });
        }
      }
    });
  }

  it('belong to targets', () => {
    const names = FUZZ_TARGETS.map(({ name }) => name);
    assert.deepEqual(
      corpusNames().filter((name) => !names.includes(name)),
      [],
    );
  });

  it('are read as they were written', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    for (const input of [all, Buffer.alloc(0), Buffer.from('{"a":"é\n"}'), Buffer.from('base64:')]) {
      const line = encodeInput(input);
      assert.match(line, /^[\x20-\x7e]+$/);
      assert.deepEqual(decodeInput(line), input);
    }
  });
});
