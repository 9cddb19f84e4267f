/** Runs the examples of docs/client.md, in their order, as one program. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderFor, serverFor } from '../support/test-servers.ts';

const PAGE = fileURLToPath(new URL('../../docs/client.md', import.meta.url));
const LIBRARY = new URL('../../src/client/index.ts', import.meta.url).href;

describe('the examples of the client library', () => {
  it('work as pasted', async (t) => {
    const folder = await folderFor(t);
    const server = await serverFor(t, { data: join(folder, 'data') });
    const page = await readFile(PAGE, 'utf8');
    const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
    const program = blocks
      .join('\n')
      .replaceAll("'moraine/client'", JSON.stringify(LIBRARY))
      .replaceAll('http://127.0.0.1:4522', server.url);
    assert.ok(program.includes(server.url));
    await writeFile(join(folder, 'examples.mjs'), program);
    await writeFile(join(folder, 'holiday.tar'), 'sun and sea');
    const child = spawn(process.execPath, ['examples.mjs'], {
      cwd: folder,
      env: { HOME: folder, AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'root-credentials') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assert.equal(errors, '');
    const lines = output.trim().split('\n');
    assert.equal(lines.length, 6);
    assert.match(lines[0] ?? '', /^[\w-]{138} [0-9a-f]{64}$/);
    assert.equal(lines[1], '11 holiday.tar');
    assert.equal(lines[2], 'photos 1');
    assert.equal(lines[3], 'ArchiveRetrieval 11');
    assert.equal(lines[4], 'photos 11 holiday.tar');
    assert.match(lines[5] ?? '', /^404 ResourceNotFoundException Vault not found for ARN: /);
  });
});
