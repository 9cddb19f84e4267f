#!/usr/bin/env node
// The version is checked before anything is imported: on an older Node.js the imports themselves would fail.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  process.stderr.write(
    `moraine: needs Node.js 24.11 or newer, and this is ${process.versions.node}. ` +
      'In a checkout, "npm start" uses the Node.js that the project brings; it is missing if packages were ' +
      'installed with --omit=dev, NODE_ENV=production or --ignore-scripts ("npm ci --include=dev" mends that).\n',
  );
  process.exit(2);
}
// A server outlives the terminal that it was started from, from its first moment on; later it renews its certificate.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => {});
const { runProgram } = await import('./cli/program.ts');
await runProgram(process.argv.slice(2));

export {};
