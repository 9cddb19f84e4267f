#!/usr/bin/env node
// Checks the version before importing anything: on an older Node.js the imports themselves fail.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `moraine: needs Node.js 24.11 or newer, but this is ${process.versions.node}. ` +
      'In a checkout, "npm start" uses the Node.js that the project installs. It is missing if packages were ' +
      'installed with --omit=dev, NODE_ENV=production or --ignore-scripts; "npm ci --include=dev" installs it.\n',
  );
  process.exit(2);
}
// Ignores SIGHUP until the server handles it: a server outlives the terminal that started it.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => {});
const { runProgram } = await import('./cli/program.ts');
await runProgram(process.argv.slice(2));

export {};
