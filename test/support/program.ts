/** The program that tests start: the built one if `npm test` names it, otherwise the sources. */
import { fileURLToPath } from 'node:url';

export const MAIN =
  process.env['MORAINE_TEST_MAIN'] ?? fileURLToPath(new URL('../../src/main.ts', import.meta.url));
