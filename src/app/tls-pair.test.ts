import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeCertificate } from '../../test/support/certificate.ts';
import { readTlsPair } from '../config/read.ts';
import type { Logger } from '../log.ts';
import { TlsRenewal } from './tls-pair.ts';

describe('the files of a certificate', () => {
  const [first, second] = [makeCertificate(), makeCertificate()];
  let folder: string;
  let taken: string[];
  let said: string[];
  let renewal: TlsRenewal;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moraine-tls-'));
    await put('cert', first.cert);
    await put('key', first.key);
    [taken, said] = [[], []];
    const say = (_facts: object, text: string) => said.push(text);
    const log = { info: say, error: say } as unknown as Logger;
    renewal = new TlsRenewal(readTlsPair(path('cert'), path('key')), log, ({ cert }) => taken.push(cert));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const path = (name: string) => join(folder, name);
  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(path('new'), text);
    await rename(path('new'), path(name));
  };
  const REFUSED = 'the certificate stays as it was';

  it('are used without a signal once both are renewed', async () => {
    await renewal.look(false);
    assert.deepEqual([taken, said], [[], []]);
    await put('cert', second.cert);
    await renewal.look(false);
    // The old key does not match the new certificate, which the log reports once, not every minute.
    await renewal.look(false);
    assert.deepEqual([taken, said], [[], [REFUSED]]);
    await put('key', second.key);
    await renewal.look(false);
    await renewal.look(false);
    assert.deepEqual([taken, said], [[second.cert], [REFUSED, 'new certificate taken']]);
  });

  it('may be missing for a time', async () => {
    await unlink(path('key'));
    await renewal.look(false);
    await put('key', first.key);
    await renewal.look(false);
    assert.deepEqual([taken, said], [[], [REFUSED]]);
    await put('key', second.key);
    await put('cert', second.cert);
    await renewal.look(false);
    assert.deepEqual(taken, [second.cert]);
  });

  it('are reported as unchanged after a signal', async () => {
    await renewal.look(true);
    assert.deepEqual([taken, said], [[], ['the certificate is the same']]);
  });
});
