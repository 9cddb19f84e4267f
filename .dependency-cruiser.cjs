// The import rule of ARCHITECTURE.md as a test. `may` lists, for each floor, the floors it may look down on.
const may = {
  treehash: [],
  config: ['domain'],
  log: [],
  domain: ['treehash'],
  operations: ['domain', 'treehash'],
  workers: ['domain', 'treehash'],
  catalog: ['domain', 'treehash'],
  hashing: ['treehash'],
  client: ['hashing', 'treehash'],
  durable: ['hashing', 'treehash'],
  blobs: ['durable', 'hashing', 'domain', 'treehash'],
  notifiers: ['domain'],
  audit: ['durable'],
  protocol: ['operations', 'domain', 'treehash'],
  launch: ['cli'],
  main: ['launch', 'cli'],
  app: [
    'operations',
    'workers',
    'notifiers',
    'audit',
    'durable',
    'hashing',
    'catalog',
    'blobs',
    'protocol',
    'domain',
    'treehash',
    'config',
    'log',
  ],
  cli: ['app', 'audit', 'workers', 'config', 'log', 'domain', 'treehash'],
};
// A floor is a folder of src or a single file of the same name.
const floor = (name) => `${name}(/|\\.ts$)`;

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Move what both need to the floor below.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-tests-in-product',
      severity: 'error',
      comment: 'Only the unit tests in src may use a test file or anything of test/.',
      from: { path: '^src', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/|\\.test\\.ts$' },
    },
    {
      name: 'face-of-packs',
      severity: 'error',
      comment: 'What other rooms need of the packs goes through blobs/packs/index.ts.',
      from: { path: '^src', pathNot: ['^src/blobs/packs/', '\\.test\\.ts$'] },
      to: { path: '^src/blobs/packs/', pathNot: '^src/blobs/packs/index\\.ts$' },
    },
    {
      name: 'durable-files',
      severity: 'error',
      comment:
        'A store accesses its files only through the FileSystem of src/durable, which a simulation replaces.',
      from: { path: '^src/blobs/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
    ...Object.entries(may).map(([name, below]) => ({
      name: `import-rule-${name}`,
      severity: 'error',
      comment: `src/${name} may import only: ${[name, ...below].join(', ')}. See ARCHITECTURE.md, "Floors".`,
      from: { path: `^src/${floor(name)}`, pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: [name, ...below].map((n) => `^src/${floor(n)}`) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
