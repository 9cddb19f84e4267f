// Starts the project's commands, which are in commands.mjs. An old Node.js can run this file, and prints one line that
// says which version is needed.
const OLDEST = 20;

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  process.stderr.write(
    `moraine: needs Node.js ${OLDEST} or newer to begin with, and this is ${process.versions.node} (${process.execPath}). ` +
      'It then installs and uses the Node.js 24 of its own.\n',
  );
  process.exit(2);
}

import('./commands.mjs')
  .then(({ runCommand }) => runCommand(process.argv.slice(2)))
  .catch((error) => {
    process.stderr.write(`moraine: ${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
