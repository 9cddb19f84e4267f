/** Texts with checksums: the journal, notes, the audit log; and ids and tokens. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { openAnchor, sealAnchor } from '../../../../src/audit/anchor.ts';
import { ChainKey, parseEvent } from '../../../../src/audit/chain.ts';
import { formatHeadLine, parseHeadLine } from '../../../../src/audit/head-line.ts';
import {
  type Closing,
  formatClosing,
  formatLine,
  holdsClosing,
  LineTally,
  parseLine,
} from '../../../../src/blobs/disk/journal-lines.ts';
import { decodeStamped, encodeStamped } from '../../../../src/blobs/disk/stamped-text.ts';
import { NoteDamaged } from '../../../../src/domain/blob-store.ts';
import { Ids } from '../../../../src/domain/ids.ts';
import { SecretBox } from '../../../../src/domain/secret-box.ts';
import { openToken, sealToken } from '../../../../src/domain/session-token.ts';
import { Random } from '../../simulator/random.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const texts = (...all: readonly string[]): Buffer[] => all.map((text) => Buffer.from(text));
const KEY = Buffer.alloc(32, 7);
const SUM_CHARS = 32;

function sumOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, SUM_CHARS);
}

const WRITER = { generation: 3, commitNumber: 9 };
const LINE = formatLine({ seq: 5, body: { type: 'vault-created', name: 'v' } } as never, WRITER, 4).trimEnd();
const CLOSING: Closing = { lines: 1, digest: hash('sha256', `${LINE}\n`, 'hex'), types: ['vault-created'] };
const CLOSING_LINE = formatClosing(CLOSING).trimEnd();

/** Lines of the journal, and the lines that close its files. */
export const journalLine: FuzzTarget = {
  name: 'journal-line',
  seeds: texts(
    LINE,
    CLOSING_LINE,
    `${sumOf('{}')} {}`,
    `${sumOf('{"seq":1,"entry":{}}')} {"seq":1,"entry":{}}`,
  ),
  dictionary: [
    ...[
      '{"closed":',
      '{"seq":',
      '"entry":',
      '"generation":',
      '"commit":',
      '"flushed":',
      'null',
      '[]',
      '{}',
      '"',
      ',',
      '}',
    ],
    ...['\u2028', '\\u2028', ' ', '0'.repeat(SUM_CHARS)],
  ],
  run(input) {
    const line = input.toString('utf8');
    const body = line.slice(SUM_CHARS + 1);
    for (const one of [line, `${sumOf(body)} ${body}`, `${sumOf(line)} ${line}`]) checkLine(one);
    holdsClosing(line, CLOSING);
    const torn = CLOSING_LINE.slice(0, line.length);
    assert.ok(!holdsClosing(torn, CLOSING), 'a torn line counts as a changed one');
  },
};

function checkLine(line: string): void {
  const parsed = parseLine(line);
  if (parsed === undefined) return;
  const tally = new LineTally();
  tally.add(line, parsed.entry);
  assert.equal(tally.closing().lines, 1);
  if (parsed.closing) {
    const again = parseLine(formatClosing(parsed.closing).trimEnd());
    assert.deepEqual(again?.closing?.lines, parsed.closing.lines);
  }
  const { flushed = -1 } = parsed;
  if (!parsed.entry?.writer || !Number.isSafeInteger(flushed) || Object.is(flushed, -0) || flushed < 0)
    return;
  const again = formatLine(parsed.entry, parsed.entry.writer, flushed);
  assert.ok(/^[^\n\u2028\u2029]*\n$/.test(again), 'an entry is not one line');
  assert.deepEqual(parseLine(again.trimEnd()), parsed, 'an entry changes when it is written');
}

/** Notes, the store's identity and lists of what is set aside. */
export const stampedText: FuzzTarget = {
  name: 'stamped-text',
  seeds: texts(
    encodeStamped('{"a":1}', WRITER),
    encodeStamped('', WRITER),
    '{"old":true}',
    encodeStamped('a\nb', WRITER),
  ),
  dictionary: ['\n', ' ', '0', '00', '9'.repeat(16), '{', '}', '"', '0'.repeat(SUM_CHARS)],
  run(input) {
    const content = input.toString('utf8');
    for (const one of [content, withStamp(content)]) {
      const decoded = outcomeOf(() => decodeStamped('notes/n', one), NoteDamaged);
      if (decoded?.writer) assert.equal(encodeStamped(decoded.text, decoded.writer), one);
      else if (decoded) assert.equal(decoded.text, one);
    }
  },
};

/** The text with the checksum that its last line should have. */
function withStamp(content: string): string {
  return content.replace(
    /^(.*)\n[0-9a-f]{32} (\d+) (\d+)\n$/s,
    (_, text, generation, commit) =>
      `${text}\n${sumOf(`${text}\n${generation} ${commit}`)} ${generation} ${commit}\n`,
  );
}

const chain = new ChainKey(KEY);
const beginning = chain.beginning('c');
const first = chain.append(beginning, { eventName: 'CreateVault', eventTime: '2026-03-04T05:06:07Z' });
const ANCHOR = { chain: 'c', number: 1, head: first.head, atMs: 1_700_000_000_000, closed: false };
const HEAD_LINE = formatHeadLine({
  atMs: 1_700_000_000_000,
  upTo: 3,
  chains: 2,
  records: 10,
  open: new Map([
    [2, 4],
    [3, 0],
  ]),
  digest: '0'.repeat(64),
});

/** Lines, heads and anchors of the audit log, and the line that an operator keeps. */
export const auditLog: FuzzTarget = {
  name: 'audit-log',
  seeds: texts(
    ...[first.line, chain.sealHead('c', first.head), sealAnchor(chain, ANCHOR), HEAD_LINE],
    formatHeadLine({ atMs: 0, upTo: 0, chains: 0, records: 0, open: new Map(), digest: 'a'.repeat(64) }),
  ),
  dictionary: [
    'moraine-audit-1 ',
    ' ',
    ':',
    ',',
    '-',
    '\n',
    '2026-02-30T00:00:00.000Z',
    '0'.repeat(64),
    '"seal":"',
    'null',
  ],
  run(input) {
    const text = input.toString('utf8');
    if (chain.follow(beginning, text)) assert.equal(text, first.line, 'a forged line is accepted');
    const head = chain.openHead('c', text);
    if (head) assert.equal(chain.sealHead('c', head), text);
    const anchor = openAnchor(chain, text);
    if (anchor) assert.deepEqual(anchor, ANCHOR, 'a forged anchor is accepted');
    parseEvent(text);
    const line = parseHeadLine(text);
    if (line) assert.equal(formatHeadLine(line), text.trim(), 'an accepted line is not one that was printed');
  },
};

const random = new Random(1);
const VAULT = { account: '111122223333', region: 'us-east-1', name: 'v' };
const ids = new Ids(KEY, random.bytes);
const OWN_ID = ids.archiveId(VAULT, 1_700_000_000_000);
const OTHER_ID = ids.archiveId({ ...VAULT, name: 'w' }, 1_700_000_000_000);
const box = new SecretBox(KEY);
const CLAIMS = {
  accessKeyId: 'ASIAEXAMPLE',
  secret: 's',
  account: VAULT.account,
  userNo: null,
  parentKeyId: null,
  issuedMs: 1,
  expiresMs: 2,
};
const TOKEN = sealToken(box, CLAIMS, random.bytes);

/** Archive ids and session tokens: nothing but what the server made is accepted. */
export const tokens: FuzzTarget = {
  name: 'tokens',
  seeds: texts(OWN_ID, OTHER_ID, TOKEN),
  dictionary: ['A', '_', '-', '=', '+', '/', ' ', '\n', OWN_ID, TOKEN],
  run(input) {
    const text = input.toString('latin1');
    const origin = ids.classifyArchiveId(text, VAULT);
    const expected = text === OWN_ID ? 'of-this-vault' : text === OTHER_ID ? 'of-another-vault' : 'not-ours';
    assert.equal(origin, expected);
    assert.deepEqual(
      openToken(box, text),
      text === TOKEN ? CLAIMS : undefined,
      'a changed token is accepted',
    );
  },
};
