/** `node rebuild-killed.ts DATA STEP`: rebuilds a catalog, and kills itself when a step begins whose text begins so. */
import { rebuild } from '../../src/app/rebuild.ts';
import { readConfig } from '../../src/config/read.ts';

const [data = '', step = ''] = process.argv.slice(2);
await rebuild(readConfig({ data }), {
  replace: false,
  onStep(what) {
    if (what.startsWith(step)) process.kill(process.pid, 'SIGKILL');
  },
  onDamage() {},
});
