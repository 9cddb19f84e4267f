// Completes package-lock.json after `npm install` with a registry that lacks the packages of other platforms. npm leaves
// these out, and `npm ci` then refuses the lockfile everywhere. Adds the entries that npm would write, without checksums,
// for optional packages that this machine does not install.
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const added = [];
for (const { optionalDependencies = {}, dev } of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`;
    if (place in lock.packages || /[\^~*<> ]/.test(version)) continue;
    lock.packages[place] = { version, ...platformOf(name), ...(dev ? { dev: true } : {}), optional: true };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'nothing was missing' : `added ${added.join(', ')}`);

/** Tells the platform of a package by its name, such as …-linux-x64-musl. */
function platformOf(name) {
  const words = name.split('/').pop().split('-');
  const find = (known) => known.filter((word) => words.includes(word)).slice(0, 1);
  const [os, cpu] = [find(SYSTEMS), find(PROCESSORS)];
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : [];
  return { ...(os.length ? { os } : {}), ...(cpu.length ? { cpu } : {}), ...(libc.length ? { libc } : {}) };
}
