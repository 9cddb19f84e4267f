/**
 * A program that uploads or downloads with the client library, to be killed. Its argument is a `Transfer` as JSON. Writes
 * the number of bytes that it has moved, a line for each MiB, and at last its result as JSON.
 */
import {
  createClient,
  type DownloadOptions,
  download,
  type UploadOptions,
  upload,
} from '../../src/client/index.ts';
import type { Credentials } from './server.ts';

interface Place {
  readonly url: string;
  readonly credentials: Omit<Credentials, 'accountId'>;
}

/** What such a program does. */
export type Transfer = Place &
  (
    | { readonly upload: UploadOptions & { source: { path: string } } }
    | { readonly download: DownloadOptions }
  );

const MIB = 1024 * 1024;
const transfer = JSON.parse(process.argv[2] ?? '') as Transfer;
const { url: endpoint, credentials } = transfer;
const client = createClient({ endpoint, region: 'us-east-1', credentials });
let told = 0;

/** Writes at once: a pipe is written synchronously, so nothing that was moved is untold by much. */
function tell(bytes: number): void {
  if (bytes < told + MIB) return;
  told = bytes;
  process.stdout.write(`${bytes}\n`);
}

const result =
  'upload' in transfer
    ? await upload(client, { ...transfer.upload, onProgress: ({ sentBytes }) => tell(sentBytes) })
    : await download(client, {
        ...transfer.download,
        onProgress: ({ receivedBytes }) => tell(receivedBytes),
      });
process.stdout.write(`${JSON.stringify(result)}\n`);
client.close();
