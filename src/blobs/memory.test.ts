import { blobStoreContract } from './contract.ts';
import { MemoryStore } from './memory.ts';

blobStoreContract('memory', async () => {
  const store = new MemoryStore();
  return { store, close: () => store.close() };
});
