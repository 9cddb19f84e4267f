#!/usr/bin/env node
// Runs the built program: `dist/main.js`.
import { loadCompiled } from './compiled.ts';
import { prepareProcess } from './process.ts';

/** Set by the build: the name of the program's file in this folder, without its ending. */
declare const PROGRAM: string;

prepareProcess();
const { exports } = loadCompiled<typeof import('../cli/program.ts')>(import.meta.dirname, PROGRAM);
await exports.runProgram(process.argv.slice(2));
