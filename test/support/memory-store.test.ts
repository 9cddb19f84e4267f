import { blobStoreContract } from './blob-store-contract.ts';
import { MemoryStore } from './memory-store.ts';

blobStoreContract('memory', async () => {
  const store = new MemoryStore();
  return { store, close: () => store.close() };
});
