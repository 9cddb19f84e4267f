/** The journal: whether each file can be read, and whether it has every entry of the catalog. */
import type { CatalogReads } from '../../domain/catalog.ts';
import { unknownTypes } from '../../domain/entries.ts';
import type { StoreContents } from '../../domain/store-contents.ts';
import { isMissing } from '../../durable/errors.ts';
import { MODE_SETTING } from '../emulator.ts';
import type { DoctorDeps } from './deps.ts';
import { type Check, type Finding, fault, orOk, some, warning } from './finding.ts';
import { NumberRanges } from './number-ranges.ts';
import { readableCatalog } from './readable-catalog.ts';

/** The outbox holds few entries; one with more is reported anyway. */
const OUTBOX = 10_000;
const GAPS_SHOWN = 5;
/** Types that are kept: a damaged store could name any number. */
const MOST_TYPES = 1000;

type Deps = Pick<DoctorDeps, 'catalog' | 'contents'> & {
  readonly config: Pick<DoctorDeps['config'], 'catalogUrl'>;
};

/** What the journal files say. */
interface Read {
  readonly files: number;
  readonly entries: number;
  readonly numbers: NumberRanges;
  /** Up to this number, the catalog was restored or rebuilt: it misses nothing that the journal lacks. */
  readonly skipped: number;
  readonly types: ReadonlySet<string>;
  readonly damage: readonly string[];
}

export const journalCheck: Check<Deps> = {
  name: 'journal',
  async run({ catalog, contents, config }) {
    const reads = readableCatalog(catalog);
    // First: what is not in the outbox at this moment is in the journal.
    const outbox = (await reads?.listOutbox(OUTBOX)) ?? [];
    const last = (await reads?.lastEntrySeq()) ?? 0;
    const owed = new Set(outbox.map(({ seq }) => seq));
    const read = await readJournal(contents);
    const findings = [...judgeDamage(read), ...judgeTypes(read)];
    if (reads !== undefined) {
      findings.push(...(await judgeOutbox(reads, owed, read)));
      // On PostgreSQL, a transaction that was taken back leaves a gap.
      const isCounted =
        config.catalogUrl === undefined && (await reads.findSetting(MODE_SETTING)) !== 'emulator';
      if (isCounted && outbox.length < OUTBOX) findings.push(...judgeGaps(read, last, owed));
    }
    return orOk(
      findings,
      `${read.files} journal files with ${read.entries} entries, the last of the catalog is ${last}`,
    );
  },
};

async function readJournal(contents: StoreContents): Promise<Read> {
  const numbers = new NumberRanges();
  const types = new Set<string>();
  const damage: string[] = [];
  let entries = 0;
  let skipped = 0;
  // Before the first start there is no journal.
  const files = await contents.journalFiles().catch((error) => {
    if (!isMissing(error)) throw error;
    return [];
  });
  for (const { name } of files) {
    for await (const { seq, body } of contents.entries(name, { onDamage: (what) => damage.push(what) })) {
      entries++;
      numbers.add(seq);
      if (types.size < MOST_TYPES) types.add(String(body['type']));
      if (body['type'] === 'numbers-skipped') skipped = Math.max(skipped, Number(body['beyond']));
    }
  }
  return { files: files.length, entries, numbers, skipped, types, damage };
}

function judgeDamage({ damage }: Read): Finding[] {
  if (damage.length === 0) return [];
  return [
    fault('journal-damaged', {
      found: some(damage),
      means:
        'changes are lost that no blob tells of, should the catalog be lost; a start that reads the line ends',
      advice: 'put the file back from a backup of the store (docs/operating.md, "Restoring")',
    }),
  ];
}

function judgeTypes({ types }: Read): Finding[] {
  const unknown = unknownTypes(types);
  if (unknown.length === 0) return [];
  return [
    warning('unknown-entries', {
      found: `the journal has entries of the types ${some(unknown)}, which this version does not know`,
      means: 'a newer version wrote them: `moraine rebuild` of this version would pass them over',
      advice: 'use the newer version',
    }),
  ];
}

/** An entry that waited before the journal was read, and still does, was not written meanwhile. */
async function judgeOutbox(
  reads: Pick<CatalogReads, 'listOutbox'>,
  owed: ReadonlySet<number>,
  { numbers }: Read,
): Promise<readonly Finding[]> {
  const still = (await reads.listOutbox(OUTBOX)).filter(({ seq }) => owed.has(seq) && !numbers.has(seq));
  if (still.length === 0) return [];
  return [
    warning('outbox-waiting', {
      found: `${still.length} entries of the catalog are not in the journal: ${some(still.map(({ seq }) => String(seq)))}`,
      means: 'a crash or a full disk came in between; should the catalog be lost now, these changes are lost',
      advice:
        'start the server, which writes them; if it runs, look whether its disk is full (health says so)',
    }),
  ];
}

function judgeGaps({ numbers, skipped }: Read, last: number, owed: ReadonlySet<number>): readonly Finding[] {
  if (numbers.isIncomplete) {
    return [gap('there are more gaps than can be counted')];
  }
  const gaps: string[] = [];
  let count = 0;
  for (const { first, last: end } of numbers.gaps(skipped + 1, last)) {
    // Entries of the outbox are the newest, so such a gap is short.
    const isOwed = end - first < OUTBOX && rangeOf(first, end).every((seq) => owed.has(seq));
    if (isOwed) continue;
    count++;
    if (gaps.length < GAPS_SHOWN) gaps.push(first === end ? String(first) : `${first} to ${end}`);
  }
  return count === 0 ? [] : [gap(some(gaps, count))];
}

function rangeOf(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function gap(which: string): Finding {
  return fault('journal-gap', {
    found: `the journal lacks entries that the catalog numbered: ${which}`,
    means: 'a journal file or some of its lines are gone: should the catalog be lost, these changes are lost',
    advice: 'put missing files of store/journal back from a backup, and keep a backup of the catalog',
  });
}
