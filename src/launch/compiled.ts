/** Loads a bundle with the code that V8 compiled of it in an earlier run, which saves most of the time of a start. */
export interface Compiled<Exports> {
  readonly exports: Exports;
  /** Returns everything that V8 has compiled of the bundle so far. */
  createCache(): Buffer;
}

/**
 * Loads the bundle NAME.cjs, with NAME.cache if that is there and V8 accepts it: V8 rejects the cache of another version
 * of itself. The name must change with the contents of the bundle, because V8 compares only its length.
 * The bundle may `require`, but not `import()`.
 * @param folder may be writable only for those who may also change the bundle.
 */
export function loadCompiled<Exports>(folder: string, name: string): Compiled<Exports> {
  // Not imported: an import evaluates all of a module of Node.js, even parts that Node.js loads when first used.
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs');
  const { createRequire } = process.getBuiltinModule('node:module');
  const { join } = process.getBuiltinModule('node:path');
  const { Script } = process.getBuiltinModule('node:vm');
  const file = join(folder, `${name}.cjs`);
  // The build writes ASCII only. This encoding keeps a byte a character, and needs no check.
  const source = readFileSync(file, 'latin1');
  const cache = join(folder, `${name}.cache`);
  // The program also runs without it, only later.
  const cachedData = existsSync(cache) ? readFileSync(cache) : undefined;
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, folder);
  return { exports: module.exports as Exports, createCache: () => script.createCachedData() };
}
