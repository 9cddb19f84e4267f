import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, toWireError } from '../wire-error.ts';
import { signatureEvidence } from './evidence.ts';

const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const STRING_TO_SIGN = `AWS4-HMAC-SHA256\n20170210T120000Z\n20170210/us-east-1/glacier/aws4_request\n${HASH}`;
/** The longest sentence before evidence. */
const SENTENCE = 'x'.repeat(200);

function canonical(query: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return `GET\n/-/vaults\n${query}\n${lines.join('')}\n${Object.keys(headers).join(';')}\n${HASH}`;
}

/** The body of the reply with the evidence. */
function bodyWith(request: string): string {
  const evidence = signatureEvidence(request, STRING_TO_SIGN);
  return toWireError(new ApiError('InvalidSignatureException', SENTENCE, { evidence })).body;
}

describe('the evidence of a wrong signature', () => {
  it('shows canonical request and string to sign, like older answers of the service', () => {
    const request = canonical('limit=1', { host: 'localhost', 'x-amz-date': '20170210T120000Z' });
    assert.equal(
      signatureEvidence(request, STRING_TO_SIGN),
      `\n\nThe Canonical String for this request should have been\n'${request}'` +
        `\n\nThe String-to-Sign should have been\n'${STRING_TO_SIGN}'`,
    );
  });

  it('replaces secrets in headers and in the query by their lengths', () => {
    const secrets = ['x-amz-security-token', 'authorization', 'proxy-authorization', 'cookie'];
    const headers = Object.fromEntries(secrets.map((name) => [name, 'THE/SECRET=']));
    for (const name of ['X-Amz-Security-Token', 'x-amz-security-token']) {
      const text = signatureEvidence(canonical(`a=b&${name}=THE%2FSECRET%3D&z=`, headers), STRING_TO_SIGN);
      assert.doesNotMatch(text, /SECRET(?:=|%3D)/);
      assert.ok(text.includes(`\na=b&${name}=[11 characters]&z=\n`), text);
      for (const secret of secrets) assert.ok(text.includes(`\n${secret}:[11 characters]\n`), text);
      assert.ok(text.includes(`\n${secrets.join(';')}\n`), text);
    }
  });

  it('escapes all but printable ASCII', () => {
    const text = signatureEvidence(canonical('', { host: 'caf\xc3\xa9 \x85\x7f\x1b[31m' }), STRING_TO_SIGN);
    assert.ok(text.includes('\nhost:caf\\xC3\\xA9 \\x85\\x7F\\x1B[31m\n'), text);
  });

  it('fits in an answer of 8 KiB, and keeps its beginning and the payload hash', () => {
    for (const char of ['a', '"', '\\', '\xff', '\x01']) {
      for (const length of [6900, 7000, 8000, 16_384, 70_000]) {
        const body = bodyWith(canonical('limit=1', { host: 'localhost', 'user-agent': char.repeat(length) }));
        assert.ok(Buffer.byteLength(body) <= 8192, `${length} times ${char}: ${body.length}`);
        const { message } = JSON.parse(body);
        assert.ok(message.includes("'GET\n/-/vaults\nlimit=1\nhost:localhost\nuser-agent:"));
        assert.ok(message.includes(`${HASH}'\n\nThe String-to-Sign`));
        assert.ok(message.endsWith(`${STRING_TO_SIGN}'`));
      }
    }
  });

  it('is not shortened if it fits', () => {
    const body = bodyWith(canonical('', { host: 'localhost', 'user-agent': 'a'.repeat(6000) }));
    assert.ok(body.includes('a'.repeat(6000)));
    assert.doesNotMatch(body, /left out/);
  });
});
