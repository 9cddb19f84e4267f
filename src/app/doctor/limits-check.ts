import { ENOUGH_DESCRIPTORS, FEWEST_DESCRIPTORS } from '../descriptor-check.ts';
import { softLimit } from '../descriptors.ts';
import { formatBytes } from '../disk.ts';
import type { Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, warning } from './finding.ts';

/** Below this, a serving process under load may be killed. */
const ENOUGH_MEMORY = 256 * 1024 * 1024;

/** The limits of this shell: how many files may be open, and how much memory used. */
export const limitsCheck: Check<{ readonly machine: Pick<Machine, 'limits' | 'memoryLimit'> }> = {
  name: 'limits',
  async run({ machine }) {
    return [judgeDescriptors(softLimit(machine.limits())), judgeMemory(await machine.memoryLimit())];
  },
};

function judgeDescriptors(limit: number | undefined): Finding {
  if (limit === undefined) return ok('the limit of open files is unknown on this system');
  if (limit >= ENOUGH_DESCRIPTORS)
    return ok(`a process may have ${limit === Number.MAX_SAFE_INTEGER ? 'any number of' : limit} files open`);
  const found = `a process of this shell may have ${limit} files open`;
  const advice = `ulimit -n ${ENOUGH_DESCRIPTORS}, or LimitNOFILE= of the service`;
  if (limit < FEWEST_DESCRIPTORS)
    return fault('few-descriptors', { found, means: 'a server does not start with fewer than 64', advice });
  return warning('few-descriptors', { found, means: 'with many clients at once, some get a 500', advice });
}

function judgeMemory(limit: number | undefined): Finding {
  if (limit === undefined) return ok('no control group limits memory');
  const found = `a control group limits memory to ${formatBytes(limit)}`;
  if (limit >= ENOUGH_MEMORY) return ok(found);
  return warning('little-memory', {
    found,
    means: 'the system may kill a process of the server under load',
    advice: `allow at least ${formatBytes(ENOUGH_MEMORY)} for each of --workers and the first process (MemoryMax= of the service)`,
  });
}
