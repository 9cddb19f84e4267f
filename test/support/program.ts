/** The program that tests start: the built one where `npm test` names it, the sources otherwise. */
import { fileURLToPath } from 'node:url';

export const MAIN =
  process.env['MORAINE_TEST_MAIN'] ?? fileURLToPath(new URL('../../src/main.ts', import.meta.url));
