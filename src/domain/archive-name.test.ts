import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ArchiveName, archiveNameOf } from './archive-name.ts';

const T = Date.UTC(2019, 6, 14, 12, 30, 59);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const latin1AsUtf8 = (text: string): string => Buffer.from(text).toString('latin1');
const mtJson = (filename: string, mtime = '20190714T123059Z') => JSON.stringify({ filename, mtime });

/** Description, name, format, modification. */
type Golden = readonly [string, string, ArchiveName['format'], number | null];

const GOLDEN: readonly Golden[] = [
  ['{"Path":"photos/a.jpg","UTCDateModified":"20190714T123059Z"}', 'photos/a.jpg', 'json', T],
  ['{"path":"a","Size":0,"Mode":"0755"}', 'a', 'json', null],
  ['{"Path":"A","path":"b"}', 'A', 'json', null],
  ['{"Path":7,"path":"b"}', 'b', 'json', null],
  ['{"Path":"line\\nbreak\\u001b[31m"}', 'line\nbreak\u001b[31m', 'json', null],
  ['{"Path":"\\u00fc/\\ud83d\\ude00"}', 'ü/😀', 'json', null],
  ['{"Path":" x ","UTCDateModified":"20190231T000000Z"}', ' x ', 'json', null],
  ['{"Path":"x","UTCDateModified":"2019-07-14T12:30:59Z"}', 'x', 'json', null],
  ['{"Path":"x","UTCDateModified":"19010203T040506Z"}', 'x', 'json', Date.UTC(1901, 1, 3, 4, 5, 6)],
  [
    'mt2 eyJmaWxlbmFtZSI6ImRpci9maWxlIDEudHh0IiwibXRpbWUiOiIyMDE5MDcxNFQxMjMwNTlaIn0',
    'dir/file 1.txt',
    'mt2',
    T,
  ],
  [`mt2 ${base64url(mtJson('тест/ü'))}`, 'тест/ü', 'mt2', T],
  [`mt2 ${base64url(mtJson('x', 'yesterday'))}`, 'x', 'mt2', null],
  [`mt1 ${base64url(latin1AsUtf8(mtJson('тест/ü')))}`, 'тест/ü', 'mt1', T],
  [`mt1 ${base64url(mtJson('ascii.txt'))}`, 'ascii.txt', 'mt1', T],
  [
    '<ArchiveMetadata><Path>cGhvdG9zL2EuanBn</Path><LastModified>20190714T123059Z</LastModified></ArchiveMetadata>',
    'photos/a.jpg',
    'fastglacier',
    T,
  ],
  ['<m><v>4</v><p>cGhvdG9zL2EuanBn</p><lm>20190714T123059Z</lm></m>', 'photos/a.jpg', 'fastglacier', T],
  [`<m><v>2</v><p>${base64('ü/ж.txt')}</p></m>`, 'ü/ж.txt', 'fastglacier', null],
  ['<m><v>3</v><p>photos/a b.jpg</p><lm></lm></m>', 'photos/a b.jpg', 'fastglacier', null],
  ['<m><v>4</v><p>a &amp; b</p><lm>20190714T123059Z</lm></m>', 'a & b', 'fastglacier', T],
  // Four characters of base64, but its bytes are not UTF-8.
  ['<m><v>4</v><p>test</p><lm>20190714T123059Z</lm></m>', 'test', 'fastglacier', T],
  ['photos/2019/a.jpg', 'photos/2019/a.jpg', 'plain', null],
  ['my holiday, part 1', 'my holiday, part 1', 'plain', null],
  ['SHA256E-s1048576--deadbeef.tar', 'SHA256E-s1048576--deadbeef.tar', 'plain', null],
  ['mt2', 'mt2', 'plain', null],
  ['..a/b..', '..a/b..', 'plain', null],
];

const NAMELESS: readonly (string | null)[] = [
  null,
  '',
  ' ',
  ' a',
  'a ',
  '/a',
  'a//b',
  'a/',
  '.',
  '..',
  './a',
  'a/../b',
  'a/..',
  '{',
  '{}',
  '{not json',
  '{"Path":""}',
  '{"Path":"/etc/passwd"}',
  '{"Path":"a/../../b"}',
  '{"Path":"a/."}',
  '{"Path":"a\\u0000b"}',
  '{"Path":"\\ud800"}',
  '{"Path":["a"]}',
  '{"PATH":"a"}',
  '{"__proto__":{"Path":"a"}}',
  'mt2 ',
  'mt2 %%%',
  'mt2 e30',
  `mt2 ${base64url('["filename"]')}`,
  `mt2 ${base64url(mtJson('/abs'))}`,
  `mt2 ${base64url(mtJson('a\nb'))}`,
  `mt1 ${base64url(latin1AsUtf8(mtJson('../a')))}`,
  // Not encoded twice.
  `mt1 ${base64url(mtJson('ж'))}`,
  '<',
  '<m><v>1</v><p>YQ==</p></m>',
  '<m><v>5</v><p>YQ==</p></m>',
  '<m><v>4</v><p></p></m>',
  `<m><v>4</v><p>${base64('/a')}</p></m>`,
  `<m><v>4</v><p>${base64('a\u0085b')}</p></m>`,
  '<html>',
  '<ArchiveMetadata><Path>/a</Path></ArchiveMetadata>',
];

describe('the name in a description', () => {
  for (const [description, name, format, modifiedMs] of GOLDEN) {
    it(`is found: ${description}`, () => {
      assert.deepEqual(archiveNameOf(description), { name, format, modifiedMs });
    });
  }

  for (const description of NAMELESS) {
    it(`is missing: ${JSON.stringify(description)}`, () => {
      assert.equal(archiveNameOf(description), null);
    });
  }
});

function assertSafe(description: string): void {
  const found = archiveNameOf(description);
  if (found === null) return;
  const { name, format, modifiedMs } = found;
  assert.ok(name !== '' && !name.startsWith('/') && !name.includes('\0') && name.isWellFormed());
  assert.ok(!name.split('/').some((segment) => ['.', '..'].includes(segment)), name);
  assert.ok(format === 'json' || !/[\u0000-\u001f\u007f-\u009f]/.test(name), name);
  assert.ok(modifiedMs === null || Number.isInteger(modifiedMs));
  if (format !== 'plain') return;
  assert.equal(name, description);
  assert.equal(name, name.trim());
  assert.ok(!/^(?:[{<]|mt[12] )/.test(name));
}

/** Paths, good ones and hostile ones. */
const path = fc
  .array(fc.oneof(fc.constantFrom('.', '..', '', 'a', ' ', '\0', '\n'), fc.string({ unit: 'binary' })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => segments.join('/'));

const written = fc
  .tuple(path, fc.constantFrom('20190714T123059Z', '20190231T000000Z', ''))
  .chain(([name, date]) =>
    fc.constantFrom(
      name,
      JSON.stringify({ Path: name, UTCDateModified: date }),
      `mt2 ${base64url(mtJson(name, date))}`,
      `mt1 ${base64url(latin1AsUtf8(mtJson(name, date)))}`,
      `<m><v>4</v><p>${base64(name)}</p><lm>${date}</lm></m>`,
      `<m><v>4</v><p>${name}</p><lm>${date}</lm></m>`,
      `<ArchiveMetadata><Path>${base64(name)}</Path></ArchiveMetadata>`,
    ),
  );

/** A description with a few characters dropped, changed or doubled. */
const mutated = fc
  .tuple(written, fc.array(fc.tuple(fc.nat(200), fc.string({ maxLength: 2 }), fc.nat(2)), { maxLength: 3 }))
  .map(([text, edits]) =>
    edits.reduce((all, [at, put, gone]) => all.slice(0, at) + put + all.slice(at + gone), text),
  );

describe('for random descriptions', () => {
  it('no name is unsafe', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated), assertSafe), { numRuns: 5_000 });
  });

  it('what a format writes is read back', () => {
    const good = path.filter(
      (name) => name.isWellFormed() && archiveNameOf(JSON.stringify({ Path: name })) !== null,
    );
    fc.assert(
      fc.property(good, (name) => {
        assert.equal(archiveNameOf(JSON.stringify({ Path: name }))?.name, name);
        if (/\p{Cc}/u.test(name)) return;
        assert.equal(archiveNameOf(`mt2 ${base64url(mtJson(name))}`)?.name, name);
        assert.equal(archiveNameOf(`mt1 ${base64url(latin1AsUtf8(mtJson(name)))}`)?.name, name);
        assert.equal(archiveNameOf(`<m><v>4</v><p>${base64(name)}</p></m>`)?.name, name);
      }),
      { numRuns: 1_000 },
    );
  });
});
