/** npm and npx hand no signal on to what they started once they are killed: it must see by itself that they are gone. */
import { readFileSync } from 'node:fs';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const LOOK_PAUSE_MS = 500;
/** npm starts programs through a shell, which may stay between them. */
const SHELLS = ['sh', 'dash', 'bash', 'ash', 'busybox', 'zsh', 'ksh'];

interface Process {
  readonly name: string;
  readonly parent: number;
}

/** The process that started this one, with the shells between them. */
export class ParentWatch {
  /** The process ids upwards: each was the parent of the one before it. */
  readonly #line: readonly number[];

  /** Notes how it is now, so it is made as early as possible. */
  constructor() {
    const line = [process.ppid];
    for (let above = lookUp(process.ppid); above && SHELLS.includes(above.name); above = lookUp(above.parent))
      line.push(above.parent);
    this.#line = line;
  }

  /** Whether one of them has ended. Shells are looked through on Linux only. */
  isGone(): boolean {
    if (process.ppid !== this.#line[0]) return true;
    return this.#line.slice(1).some((pid, i) => lookUp(this.#line[i] ?? 0)?.parent !== pid);
  }

  /** Calls `gone` once, within a second of the end. */
  schedule(gone: () => void): Scheduled {
    let told = false;
    const look = async (): Promise<void> => {
      if (told || !this.isGone()) return;
      told = true;
      gone();
    };
    return repeat(LOOK_PAUSE_MS, look, () => {});
  }
}

/** Undefined for a process that has ended, and where there is no /proc. */
function lookUp(pid: number): Process | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything; state and parent follow it.
  const end = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
}
