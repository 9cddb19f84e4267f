/** Detects that npm or npx ended. If they are killed, they send no signal to the programs that they started. */
import { readFileSync } from 'node:fs';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const LOOK_PAUSE_MS = 500;
/** npm starts programs through a shell, which may remain as a process between them. */
const SHELLS = ['sh', 'dash', 'bash', 'ash', 'busybox', 'zsh', 'ksh'];

interface Process {
  readonly name: string;
  readonly parent: number;
}

/** Watches the process that started this one, and the shells between them. */
export class ParentWatch {
  /** Process ids of the ancestors; each is the parent of the one before it. */
  readonly #line: readonly number[];

  /** Reads the ancestors now, so create it as early as possible. */
  constructor() {
    const line = [process.ppid];
    for (let above = lookUp(process.ppid); above && SHELLS.includes(above.name); above = lookUp(above.parent))
      line.push(above.parent);
    this.#line = line;
  }

  /** Whether an ancestor has ended. Systems without /proc watch only the direct parent. */
  isGone(): boolean {
    if (process.ppid !== this.#line[0]) return true;
    return this.#line.slice(1).some((pid, i) => lookUp(this.#line[i] ?? 0)?.parent !== pid);
  }

  /** Calls `gone` once, within a second after an ancestor has ended. */
  schedule(gone: () => void): Scheduled {
    let isCalled = false;
    const look = async (): Promise<void> => {
      if (isCalled || !this.isGone()) return;
      isCalled = true;
      gone();
    };
    return repeat(LOOK_PAUSE_MS, look, () => {});
  }
}

/** Undefined for a process that has ended, and on systems without /proc. */
function lookUp(pid: number): Process | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name in parentheses may contain anything; state and parent follow it.
  const end = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
}
