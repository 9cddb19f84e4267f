import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ConfigError } from './config-error.ts';
import { splitWords } from './credential-process.ts';
import { findConfig } from './find-config.ts';

const CONFIG = `
# The default one
[default]
region = eu-west-1

[profile work]
region=us-west-2
endpoint_url = http://work.example:4522
ca_bundle = ~/roots.pem

[profile "with services"]
services = local
endpoint_url = http://wrong.example

[services local]
s3 =
  endpoint_url = http://s3.example
glacier =
  endpoint_url = http://right.example

[profile federated]
role_arn = arn:aws:iam::1:role/x

[profile half]
aws_access_key_id = AKHALF

[profile made]
credential_process = node -e 'console.log(process.env.ANSWER)'
`;

const CREDENTIALS = `[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = secret/default=

[work]
aws_access_key_id = AKWORK
aws_secret_access_key = secret-work
aws_session_token = token-work
`;

describe('findConfig', () => {
  let HOME: string;
  beforeEach(async () => {
    HOME = await mkdtemp(join(tmpdir(), 'moraine-config-'));
    await mkdir(join(HOME, '.aws'));
    await writeFile(join(HOME, '.aws/config'), CONFIG);
    await writeFile(join(HOME, '.aws/credentials'), CREDENTIALS);
    await writeFile(join(HOME, 'roots.pem'), 'the roots');
  });
  afterEach(() => rm(HOME, { recursive: true }));

  const find = (env: Record<string, string> = {}, profile?: string) =>
    findConfig({ env: { HOME, PATH: process.env['PATH'], ...env }, profile });
  const failing = (env: Record<string, string>, profile: string | undefined, message: RegExp) =>
    assert.rejects(
      find(env, profile).then(({ credentials }) => credentials()),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );

  it('takes the default profile of the shared files, and no endpoint of Amazon', async () => {
    const { credentials, proxyEnv, ...rest } = await find();
    assert.deepEqual(rest, {
      profile: 'default',
      region: 'eu-west-1',
      endpoint: undefined,
      endpointFrom: undefined,
      ca: undefined,
    });
    assert.equal(proxyEnv['HOME'], HOME);
    const { accessKeyId, secretAccessKey } = await credentials();
    assert.deepEqual([accessKeyId, secretAccessKey], ['AKDEFAULT', 'secret/default=']);
  });

  it('takes all of a named profile', async () => {
    for (const found of [await find({ AWS_PROFILE: 'work' }), await find({}, 'work')]) {
      assert.equal(found.region, 'us-west-2');
      assert.deepEqual(
        [found.endpoint, found.endpointFrom],
        ['http://work.example:4522', 'the profile work'],
      );
      assert.equal(found.ca, 'the roots');
      assert.equal((await found.credentials()).sessionToken, 'token-work');
    }
  });

  it('prefers the endpoint of a services section', async () => {
    assert.equal((await find({}, 'with services')).endpoint, 'http://right.example');
  });

  it('prefers the environment', async () => {
    const env = {
      AWS_PROFILE: 'work',
      AWS_ACCESS_KEY_ID: 'AKENV',
      AWS_SECRET_ACCESS_KEY: 'secret-env',
      AWS_REGION: 'ap-south-1',
      AWS_DEFAULT_REGION: 'ignored',
      AWS_ENDPOINT_URL: 'http://all.example',
    };
    const found = await find(env);
    assert.deepEqual(
      [found.region, found.endpoint, found.endpointFrom],
      ['ap-south-1', 'http://all.example', 'AWS_ENDPOINT_URL'],
    );
    assert.equal((await found.credentials()).accessKeyId, 'AKENV');
    const special = { ...env, AWS_ENDPOINT_URL_GLACIER: 'http://glacier.example' };
    assert.equal((await find(special)).endpoint, 'http://glacier.example');
    assert.equal((await find({ ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).endpoint, undefined);
  });

  it("prefers an explicit profile's key to the environment's", async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKENV', AWS_SECRET_ACCESS_KEY: 'secret-env' };
    assert.equal((await (await find(env, 'work')).credentials()).accessKeyId, 'AKWORK');
  });

  it('refuses two endpoints for an explicit profile', async () => {
    const env = { AWS_ENDPOINT_URL: 'http://other.example' };
    await failing(
      env,
      'work',
      /^The profile work has the endpoint http:\/\/work\.example:4522, but AWS_ENDPOINT_URL/,
    );
    assert.equal((await find({ AWS_ENDPOINT_URL: 'http://work.example:4522' }, 'work')).profile, 'work');
  });

  it('says what is missing', async () => {
    await failing({}, 'absent', /^The profile absent is in neither .*config nor .*credentials\.$/);
    await failing({}, 'half', /^The access key in the profile half has no secret\.$/);
    await failing({}, 'federated', /^The profile federated uses role_arn, which is not supported here/);
    await failing({}, 'with services', /^There is no access key in the environment, nor in the profile/);
    await failing(
      { AWS_SECRET_ACCESS_KEY: 's' },
      undefined,
      /^The access key in the environment has no id\.$/,
    );
    await failing({ AWS_CA_BUNDLE: join(HOME, 'gone') }, undefined, /^The CA bundle .*gone cannot be read/);
    await failing({ AWS_CONFIG_FILE: HOME }, undefined, /cannot be read: EISDIR/);
  });

  it('takes files from where the environment says', async () => {
    await writeFile(join(HOME, 'mine'), '[default]\naws_access_key_id=AKMINE\naws_secret_access_key=s\n');
    const { credentials } = await find({ AWS_SHARED_CREDENTIALS_FILE: '~/mine' });
    assert.equal((await credentials()).accessKeyId, 'AKMINE');
  });

  it('runs a credential_process', async () => {
    const answer = {
      Version: 1,
      AccessKeyId: 'AKMADE',
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: '2030-01-01T00:00:00Z',
    };
    const found = await find({ ANSWER: JSON.stringify(answer) }, 'made');
    assert.deepEqual(await found.credentials(), {
      accessKeyId: 'AKMADE',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiresMs: Date.UTC(2030, 0, 1),
    });
    await failing(
      { ANSWER: '{"Version":2}' },
      'made',
      /^credential_process must print a JSON object with "Version": 1/,
    );
    await failing({ ANSWER: '{"Version":1}' }, 'made', /printed no AccessKeyId/);
    await failing(
      { ANSWER: JSON.stringify({ ...answer, Expiration: 'soon' }) },
      'made',
      /printed an Expiration that is no date: soon/,
    );
  });
});

describe('splitWords', () => {
  it('takes quotes and backslashes as a shell does', () => {
    assert.deepEqual(splitWords(String.raw`  /opt/a\ b "c \"d\" \x" 'e "f' g''h ''`), [
      '/opt/a b',
      'c "d" \\x',
      'e "f',
      'gh',
      '',
    ]);
  });
});
