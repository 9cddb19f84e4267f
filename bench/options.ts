/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import type { Section, Sizes } from './section.ts';

export const USAGE = `usage: npm run bench -- [SECTION...] [--rounds N] [--piece MIB] [--pieces N] [--small N]
                        [--archives N] [--folder FOLDER] [--quick] [--write]

  SECTION         what to run: limits, hash, upload, small, download, scrub, large-vault, idle;
                  all by default
  --rounds N      how often all is measured (5)
  --piece MIB     one piece of a large archive: a power of two (64)
  --pieces N      pieces of a large archive (16)
  --small N       small archives in a round (24000)
  --archives N    archives in the large vault (10000000)
  --folder FOLDER where data goes: a folder on a real disk (the system's folder for temporary files)
  --quick         one round of tiny sizes: shows that everything runs, measures nothing
  --help          this text
  --write         also write the figures into docs/benchmarks.md`;

export interface CommandLine {
  /** Names of sections; empty for all. */
  readonly sections: readonly string[];
  readonly rounds: number;
  readonly sizes: Sizes;
  /** Number of rounds; undefined for the section's own. */
  readonly archives: number | undefined;
  readonly folder: string | undefined;
  readonly quick: boolean;
  readonly write: boolean;
  readonly help: boolean;
}

const MIB = 2 ** 20;
const USUAL = { rounds: 5, piece: 64, pieces: 16, small: 24_000 };
const QUICK = { rounds: 1, piece: 4, pieces: 4, small: 500 };

/** Parses the command line. @throws Error with a message for the user. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      piece: { type: 'string' },
      pieces: { type: 'string' },
      small: { type: 'string' },
      archives: { type: 'string' },
      folder: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.quick && values.write)
    throw new Error('--quick cannot be used with --write, because its figures mean nothing');
  const usual = values.quick ? QUICK : USUAL;
  const number = (name: keyof typeof USUAL): number => positive(name, values[name] ?? String(usual[name]));
  return {
    sections: positionals,
    rounds: number('rounds'),
    sizes: { piece: number('piece') * MIB, pieces: number('pieces'), small: number('small') },
    archives: values.archives === undefined ? undefined : positive('archives', values.archives),
    folder: values.folder,
    quick: values.quick,
    write: values.write,
    help: values.help,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number of at least 1, not ${JSON.stringify(text)}`);
}

/** The command that runs only this section with the same sizes. */
export function commandOf(
  { name }: Pick<Section, 'name'>,
  { rounds, sizes, archives, quick }: CommandLine,
): string {
  const usual = quick ? QUICK : USUAL;
  const given = { rounds, piece: sizes.piece / MIB, pieces: sizes.pieces, small: sizes.small };
  const flags = (Object.keys(USUAL) as (keyof typeof USUAL)[]).flatMap((key) =>
    given[key] === usual[key] ? [] : [`--${key} ${given[key]}`],
  );
  const large = archives === undefined ? [] : [`--archives ${archives}`];
  return ['npm run bench --', name, ...(quick ? ['--quick'] : []), ...flags, ...large].join(' ');
}
