import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuses } from '../../../test/support/refusal.ts';
import { parseDescription, parseTreeHash, requireBodyLength } from './archive-headers.ts';

const INVALID = 'invalid';
const PRINTABLE = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 0x20 + i));

describe('the description of an archive', () => {
  it('is null when absent, empty or only spaces', () => {
    for (const raw of [undefined, '', ' ', '   ']) assert.equal(parseDescription(raw), null);
  });

  it('keeps every printable character and all but leading spaces', () => {
    assert.equal(parseDescription(`x${PRINTABLE}`), `x${PRINTABLE}`);
    assert.equal(parseDescription('  two  spaces and %20 '), 'two  spaces and %20 ');
  });

  it('may have 1,024 characters, not counting leading spaces', () => {
    const longest = 'd'.repeat(1024);
    assert.equal(parseDescription(longest), longest);
    assert.equal(parseDescription(` ${longest}`), longest);
    refuses(
      () => parseDescription(`${longest}d`),
      INVALID,
      /^Invalid x-amz-archive-description: 1025 characters/,
    );
  });

  it('is refused with control or non-ASCII characters; the error names the first and its place', () => {
    refuses(() => parseDescription('ab\x7f'), INVALID, /: the character 0x7f at position 3 /);
    refuses(() => parseDescription('\t'), INVALID, /: the character 0x09 at position 1 /);
    for (const odd of ['\0', '\n', '\x1f', '\x80', '\xe9', '\xff', 'ж', '😀']) {
      refuses(
        () => parseDescription(`a${odd}`),
        INVALID,
        /^Invalid x-amz-archive-description: the character 0x/,
      );
    }
  });
});

describe('the tree hash of an upload', () => {
  const hash = '0123456789abcdef'.repeat(4);

  it('is 64 hex digits in either case', () => {
    assert.equal(parseTreeHash(hash), hash);
    assert.equal(parseTreeHash(hash.toUpperCase()), hash);
  });

  it('may be 32 digits, which are padded with zeros', () => {
    assert.equal(parseTreeHash('0'.repeat(32)), '0'.repeat(64));
    assert.equal(parseTreeHash('f'.repeat(32)), '0'.repeat(32) + 'f'.repeat(32));
  });

  it('is refused otherwise, without an explanation', () => {
    for (const odd of [
      '000',
      hash.slice(1),
      `${hash}0`,
      `${hash} `,
      `0x${hash.slice(2)}`,
      'g'.repeat(64),
      '０'.repeat(64),
    ]) {
      refuses(() => parseTreeHash(odd), INVALID, `Invalid x-amz-sha256-tree-hash: ${odd}`);
    }
  });

  it('is required', () => {
    for (const missing of [undefined, '']) {
      const text = 'Required parameter missing: x-amz-sha256-tree-hash';
      refuses(() => parseTreeHash(missing), 'missing', text);
    }
  });
});

describe('the length of a body', () => {
  it('is 1 byte to 4 GiB', () => {
    assert.equal(requireBodyLength('1'), 1);
    assert.equal(requireBodyLength('4294967296'), 4_294_967_296);
  });

  it("is refused otherwise with the service's text", () => {
    for (const raw of ['18446744073709551616', '-1', '', '1 ', '0x1']) {
      refuses(() => requireBodyLength(raw), INVALID, `Invalid Content-Length: ${raw}`);
    }
    const empty =
      /^Invalid Content-Length: 0\. The request has no body: an archive, and each part of one, has at least one byte\.$/;
    refuses(() => requireBodyLength('0'), INVALID, empty);
    for (const raw of ['4294967297', '38505164800']) {
      const text = `Invalid Content-Length: ${raw}. One request carries at most 4294967296 bytes: upload a larger archive in parts.`;
      refuses(() => requireBodyLength(raw), INVALID, text);
    }
  });
});
