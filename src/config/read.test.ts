import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { SettingError } from './errors.ts';
import { type Config, readConfig } from './read.ts';
import { environmentName, SETTINGS } from './settings.ts';

const data = mkdtempSync(join(tmpdir(), 'moraine-config-'));
after(() => rmSync(data, { recursive: true }));

/** Reads the settings from only these flags, this environment and this settings file. */
function read(flags: object = {}, environment: Record<string, string> = {}, file?: unknown): Config {
  const before = process.env;
  process.env = { ...environment };
  const path = join(data, 'config.json');
  if (file !== undefined) writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
  try {
    return readConfig({ data, ...flags });
  } finally {
    process.env = before;
    rmSync(path, { force: true });
  }
}

/** Asserts that reading fails with this one-line message. */
function refusesSettings(run: () => unknown, reason: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SettingError, String(error));
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

describe('sizes', () => {
  it('are whole bytes that lose no digits', () => {
    assert.equal(read({ reserve: '8388607GiB' }).reserveBytes, 8_388_607 * 2 ** 30);
    for (const text of ['8388608GiB', '9999999994MiB', '-1', '1.5GiB', 'GiB', '1e3'])
      refusesSettings(() => read({ reserve: text }), /^--reserve must be a size such as /);
  });
});

describe('direct reads', () => {
  it('are on, off or counted', () => {
    assert.equal(read().directReads, 'on');
    for (const how of ['on', 'off', 'counted'] as const)
      assert.equal(read({}, { MORAINE_DIRECT_READS: how }).directReads, how);
    refusesSettings(() => read({ 'direct-reads': 'no' }), /^--direct-reads /);
  });
});

describe('durations', () => {
  it('are a number and a unit', () => {
    const cases = {
      '300ms': 300,
      '10s': 10_000,
      '5m': 300_000,
      '24h': 86_400_000,
      '7d': 604_800_000,
      '0s': 0,
    };
    for (const [text, ms] of Object.entries(cases)) {
      assert.equal(read({ 'complete-memory': text }).completeMemoryMs, ms, text);
    }
  });

  it('are refused in any other form', () => {
    for (const text of [
      '',
      '10',
      's',
      '1.5h',
      '-1s',
      '10 s',
      '10S',
      '1h30m',
      '1w',
      '9999999999s',
      '999999999d',
      'PT1H',
      '１s',
    ]) {
      refusesSettings(() => read({ 'upload-expiry': text }), /^--upload-expiry must be a duration such as /);
    }
  });

  it('are a day, a day and a minute by default', () => {
    const { completeMemoryMs, uploadExpiryMs, requestIdleMs } = read();
    assert.deepEqual([completeMemoryMs, uploadExpiryMs, requestIdleMs], [86_400_000, 86_400_000, 60_000]);
  });

  it('of waits are limited to what a timer can hold, because a longer one fires at once', () => {
    assert.equal(read({ 'request-idle': '20d' }).requestIdleMs, 20 * 86_400_000);
    assert.ok(read({ 'request-idle': '400d' }).requestIdleMs < 2 ** 31);
  });
});

describe('the connection limits', () => {
  it('are 256 per address, and no proxies by default', () => {
    const { connectionsPerAddress, proxies } = read();
    assert.deepEqual([connectionsPerAddress, proxies], [256, []]);
  });

  it('accept addresses and networks as proxies', () => {
    const { proxies } = read({ proxies: '10.0.0.7, 10.1.0.0/16,fd00:1::/64' });
    assert.deepEqual(proxies, ['10.0.0.7', '10.1.0.0/16', 'fd00:1::/64']);
    for (const text of ['', 'proxy', '10.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.1,', '10.0.0.1/']) {
      refusesSettings(() => read({ proxies: text }), /^--proxies must be addresses or networks such as /);
    }
  });
});

describe('the listen address', () => {
  it('is host and port, with an IPv6 host in brackets', () => {
    const cases = {
      '127.0.0.1:4522': { host: '127.0.0.1', port: 4522 },
      'localhost:0': { host: 'localhost', port: 0 },
      '[::1]:65535': { host: '::1', port: 65_535 },
    };
    for (const [listen, address] of Object.entries(cases)) assert.deepEqual(read({ listen }).listen, address);
  });

  it('is refused in any other form', () => {
    for (const listen of [
      '',
      '4522',
      ':4522',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:65536',
      '::1:4522',
      'a:b',
      'a:1:2',
    ]) {
      refusesSettings(() => read({ listen }), /^--listen must be HOST:PORT/);
    }
  });

  it('must be loopback without TLS, unless plain HTTP is allowed', () => {
    for (const listen of ['0.0.0.0:1', '192.0.2.1:1', '[::]:1', 'example.org:1', '127.0.0.1.example.org:1']) {
      refusesSettings(() => read({ listen }), /is not loopback, so it needs TLS/);
      assert.equal(read({ listen, 'allow-plain-http': true }).listen.port, 1);
    }
    assert.equal(read({ listen: '127.9.9.9:1' }).listen.host, '127.9.9.9');
  });
});

describe('the sources of settings', () => {
  it('are flags before the environment before the file before the default', () => {
    const file = { 'upload-expiry': '3h' };
    const environment = { MORAINE_UPLOAD_EXPIRY: '2h' };
    assert.equal(read({ 'upload-expiry': '1h' }, environment, file).uploadExpiryMs, 3_600_000);
    assert.equal(read({}, environment, file).uploadExpiryMs, 7_200_000);
    assert.equal(read({}, {}, file).uploadExpiryMs, 10_800_000);
    assert.equal(read().uploadExpiryMs, 86_400_000);
  });

  it('are named in errors about their values', () => {
    refusesSettings(() => read({ workers: '0' }), /^--workers /);
    refusesSettings(() => read({}, { MORAINE_WORKERS: 'x' }), /^MORAINE_WORKERS /);
    refusesSettings(() => read({}, {}, { workers: -1 }), /^settings file: workers /);
  });

  it('treat an empty variable as not set', () => {
    assert.equal(read({}, { MORAINE_ACCOUNT_ID: '' }).accountId, undefined);
  });

  it('have a variable for every flag, in upper snake case', () => {
    assert.equal(environmentName('request-idle'), 'MORAINE_REQUEST_IDLE');
    for (const name of Object.keys(SETTINGS)) assert.match(environmentName(name), /^MORAINE_[A-Z_]+$/);
  });

  it('may be numbers and booleans in the file', () => {
    const { workers, listen } = read({}, {}, { workers: 3, listen: '0.0.0.0:1', 'allow-plain-http': true });
    assert.deepEqual([workers, listen.host], [3, '0.0.0.0']);
  });

  it('refuse an invalid settings file', () => {
    refusesSettings(() => read({}, {}, '{'), /config\.json is not a JSON object/);
    refusesSettings(() => read({}, {}, []), /config\.json is not a JSON object/);
    refusesSettings(() => read({}, {}, { wrokers: 1 }), /wrokers is not a setting that a file can have/);
    refusesSettings(() => read({}, {}, { data: 'x' }), /data is not a setting that a file can have/);
    refusesSettings(
      () => read({}, {}, '{"__proto__": 1, "toString": 2}'),
      /is not a setting that a file can have/,
    );
    refusesSettings(() => read({ config: join(data, 'none.json') }), /cannot read the settings file/);
  });
});

describe('single settings', () => {
  it('accept an account id of twelve digits only', () => {
    assert.equal(read({ 'account-id': '111122223333' }).accountId, '111122223333');
    for (const id of ['11112222333', '1111-2222-3333', 'x']) {
      refusesSettings(() => read({ 'account-id': id }), /^--account-id must be 12 digits/);
    }
  });

  it('require both halves of a root key or neither', () => {
    const id = { MORAINE_ROOT_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE00' };
    const secret = { MORAINE_ROOT_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG' };
    assert.equal(read({}, { ...id, ...secret }).rootKey?.id, 'AKIAEXAMPLEEXAMPLE00');
    for (const half of [id, secret]) refusesSettings(() => read({}, half), /must be given together/);
  });

  it('do not show a secret in errors', () => {
    const secret = { MORAINE_ROOT_SECRET_ACCESS_KEY: 'hunter2'.repeat(50) };
    assert.throws(
      () => read({}, { MORAINE_ROOT_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE00', ...secret }),
      (error: Error) => !error.message.includes('hunter2'),
    );
    assert.throws(
      () => read({}, { MORAINE_CATALOG: 'mysql://user:hunter2@h/d' }),
      (error: Error) => /postgres:/.test(error.message) && !error.message.includes('hunter2'),
    );
  });

  it('treat a root key with a short id or secret as weak', () => {
    const weak = (id: string, secret: string) =>
      read({}, { MORAINE_ROOT_ACCESS_KEY_ID: id, MORAINE_ROOT_SECRET_ACCESS_KEY: secret }).rootKey?.weak;
    assert.equal(weak('a'.repeat(16), 'b'.repeat(16)), false);
    assert.equal(weak('a'.repeat(15), 'b'.repeat(16)), true);
    assert.equal(weak('a'.repeat(16), 'b'.repeat(15)), true);
  });

  it('accept host names without ports', () => {
    assert.deepEqual(read().emulatorHosts, []);
    assert.deepEqual(read({ 'emulator-hosts': 'A.test, b-1.internal' }).emulatorHosts, [
      'a.test',
      'b-1.internal',
    ]);
    for (const names of ['a.test:4522', 'http://a.test', '*.test', 'a.test,', 'a..b', ''])
      refusesSettings(() => read({ 'emulator-hosts': names }), /^--emulator-hosts must be host names/);
  });

  it('require certificate and key together, from existing files', () => {
    refusesSettings(() => read({ 'tls-cert': 'x' }), /must be given together/);
    refusesSettings(
      () => read({ 'tls-cert': join(data, 'x'), 'tls-key': join(data, 'y') }),
      /cannot use the files of --tls-cert and --tls-key/,
    );
    const text = join(data, 'no.pem');
    writeFileSync(text, 'no certificate');
    refusesSettings(
      () => read({ 'tls-cert': text, 'tls-key': text }),
      /cannot use the files of --tls-cert and --tls-key/,
    );
  });

  it('take a period of the scrub that can be kept, and a topic for damage', () => {
    assert.deepEqual([read().scrubPeriodMs, read().damageTopic], [7 * 86_400_000, null]);
    assert.equal(read({ 'scrub-period': '1h' }).scrubPeriodMs, 3_600_000);
    refusesSettings(() => read({ 'scrub-period': '59m' }), /^--scrub-period must be at least 1h/);
    const topic = 'arn:aws:sns:us-east-1:123456789012:damage';
    assert.equal(read({ 'damage-topic': topic }).damageTopic, topic);
    for (const other of ['damage', `${topic} `, 'arn:aws:sqs:us-east-1:123456789012:damage'])
      refusesSettings(
        () => read({ 'damage-topic': other }),
        /^--damage-topic must be the ARN of an SNS topic/,
      );
  });

  it('say what a switch may be', () => {
    refusesSettings(() => read({}, { MORAINE_EMULATOR: 'maybe' }), /must be true or false/);
    refusesSettings(() => read({}, {}, { emulator: 'maybe' }), /must be true or false/);
    for (const on of [true, 'true']) assert.ok(read({}, {}, { emulator: on }));
  });

  it('refuse an invalid number of processes', () => {
    for (const workers of ['0', '-1', '1.5', 'x', '257', ''])
      refusesSettings(() => read({ workers }), /^--workers /);
    const { workers, growing } = read({ workers: '2' });
    assert.deepEqual([workers, growing], [2, false]);
    assert.deepEqual(
      [read({}).workers, read({}).growing],
      [availableParallelism(), process.platform === 'linux'],
    );
    const emulator = read({ emulator: true });
    assert.deepEqual([emulator.workers, emulator.growing], [1, false]);
  });

  it('refuse a catalog of another kind', () => {
    refusesSettings(() => read({ catalog: 'mysql://x' }), /must be a postgres:\/\/ URL/);
    assert.equal(read({ catalog: 'postgres://u@h/d' }).catalogUrl, 'postgres://u@h/d');
  });
});
