/** What a process does before it loads the program. */

/**
 * Ends the process if its Node.js is too old, because on an older one the program's imports fail. Then ignores SIGHUP
 * until the server handles it: a server outlives the terminal that started it.
 */
export function prepareProcess(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 11)) {
    process.stderr.write(
      `moraine: needs Node.js 24.11 or newer, but this is ${process.versions.node}. ` +
        'In a checkout, "npm start" uses the Node.js that the project installs. It is missing if packages were ' +
        'installed with --omit=dev, NODE_ENV=production or --ignore-scripts; "npm ci --include=dev" installs it.\n',
    );
    process.exit(2);
  }
  if (process.argv[2] === 'serve') process.on('SIGHUP', () => {});
}
