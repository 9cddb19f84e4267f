#!/usr/bin/env node
// Runs the program from its sources. A build starts in launch/built.ts.
import { prepareProcess } from './launch/process.ts';

prepareProcess();
const { runProgram } = await import('./cli/program.ts');
await runProgram(process.argv.slice(2));
