/** The client library against a test's server. */
import { type ClientOptions, createClient, type GlacierClient } from '../../src/client/index.ts';
import type { TestServer } from './server.ts';

/** A client with root's key. Close it before the server stops. */
export function libraryClient(server: TestServer, options: Partial<ClientOptions> = {}): GlacierClient {
  const { url, accessKeyId, secretAccessKey } = server;
  return createClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    ...options,
  });
}
